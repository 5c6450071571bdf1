import { describe, expect, test } from "vitest";
import {
  DisposedError,
  DivergenceError,
  type FitOptions,
  InvalidStateError,
  type StepRecord,
  TiedAutoencoder,
} from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(50, 6, 4);
const make = () => TiedAutoencoder.createSync({ layers: [6, 3], seed: 5 });

/** The losses of every step of fit with a new model. */
async function stepLosses(options: FitOptions): Promise<number[]> {
  const losses: number[] = [];
  await make().fit(x, { ...options, onStep: ({ loss }) => losses.push(loss) });
  return losses;
}

describe("fit", () => {
  test("history has one entry per epoch, and the loss decreases", async () => {
    const { epoch, history } = await make().fit(x, {
      epochs: 20,
      batchSize: 8,
      validationSplit: 0.2,
    });
    expect(epoch).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(history.loss).toHaveLength(20);
    expect(history.valLoss).toHaveLength(20);
    expect(history.loss[19]).toBeLessThan(history.loss[0]! * 0.8);
  });

  test("without validation there is no valLoss", async () => {
    expect((await make().fit(x)).history).not.toHaveProperty("valLoss");
  });

  test("an epoch has one step per batch, and the last batch may be shorter", async () => {
    const model = make();
    const byHand = make();
    const records: StepRecord[] = [];
    const onStep = (record: StepRecord) => records.push(record);
    const { history } = await model.fit(x, { batchSize: 16, shuffle: false, onStep });
    const losses = [0, 16, 32, 48].map((row) =>
      byHand.trainOnBatch(x.subarray(row * 6, (row + 16) * 6)),
    );
    expect(records.map(({ loss }) => loss)).toEqual(losses);
    expect(records.map(({ rows }) => rows)).toEqual([16, 16, 16, 2]);
    expect(records.map(({ batch }) => batch)).toEqual([0, 1, 2, 3]);
    expect(model.weights()).toEqual(byHand.weights());
    const weighted = losses.reduce((sum, loss, i) => sum + loss * records[i]!.rows, 0) / 50;
    expect(history.loss[0]).toBe(weighted);
  });

  test("the shuffle repeats with the seed", async () => {
    const shuffled = await stepLosses({ epochs: 2, batchSize: 5 });
    expect(await stepLosses({ epochs: 2, batchSize: 5 })).toEqual(shuffled);
    expect(await stepLosses({ epochs: 2, batchSize: 5, shuffle: false })).not.toEqual(shuffled);
  });

  test("initialEpoch continues as if never stopped", async () => {
    const whole = make();
    await whole.fit(x, { epochs: 4, batchSize: 8 });
    const parts = make();
    await parts.fit(x, { epochs: 2, batchSize: 8 });
    const { epoch } = await parts.fit(x, { epochs: 4, initialEpoch: 2, batchSize: 8 });
    expect(epoch).toEqual([2, 3]);
    expect(parts.weights()).toEqual(whole.weights());
  });

  test("validation data may be rows or rows with a target", async () => {
    const model = make();
    const { history } = await model.fit(x, { validationData: x.subarray(0, 60) });
    expect(history.valLoss).toEqual([model.evaluate(x.subarray(0, 60))]);
    const target = x.map((value) => 1 - value);
    const again = await model.fit(x, { target, validationData: { x, target } });
    expect(again.history.valLoss).toEqual([model.evaluate(x, target)]);
  });

  test("validationSplit uses the last rows", async () => {
    const [split, byHand] = [make(), make()];
    const { history } = await split.fit(x, { validationSplit: 0.2, batchSize: 8 });
    await byHand.fit(x.subarray(0, 40 * 6), { batchSize: 8 });
    expect(split.weights()).toEqual(byHand.weights());
    expect(history.valLoss).toEqual([byHand.evaluate(x.subarray(40 * 6))]);
  });

  test("callbacks end training by returning false", async () => {
    const model = make();
    await model.fit(x, { epochs: 9, batchSize: 10, onStep: ({ step }) => step < 3 });
    expect(model.stepCount).toBe(3);
    const onEpoch = async ({ epoch }: { epoch: number }) => epoch < 1;
    expect((await model.fit(x, { epochs: 9, batchSize: 10, onEpoch })).epoch).toEqual([0, 1]);
  });

  test("maxSteps limits the steps of the call", async () => {
    const model = make();
    await model.fit(x, { epochs: 100, batchSize: 10, maxSteps: 7 });
    expect(model.stepCount).toBe(7);
  });

  test("maxSeconds limits its time", async () => {
    const model = make();
    const started = performance.now();
    await model.fit(x, { epochs: 1e9, maxSeconds: 0.05 });
    expect(performance.now() - started).toBeGreaterThan(45);
    expect(performance.now() - started).toBeLessThan(10_000); // all epochs would take days
    await expect(model.fit(x, { maxSeconds: 0 })).rejects.toThrow(/maxSeconds must be greater/);
  });

  test.each([2, 3, 50, 99])(
    "a step in %i micro-batches equals the step of the whole batch",
    async (parts) => {
      const config = { layers: [6, 4, 3], seed: 5, dropout: 0.3, l1: 1e-3, l2: 1e-2 };
      const [whole, split] = [0, 1].map(() => TiedAutoencoder.createSync(config));
      const corruption = { type: "gaussian", std: 0.1 } as const;
      const options = { epochs: 3, batchSize: 25, corruption };
      const expected = await whole!.fit(x, options);
      const { history } = await split!.fit(x, { ...options, microBatches: parts });
      history.loss.forEach((loss, i) => {
        expect(Math.abs(loss - expected.history.loss[i]!)).toBeLessThan(1e-6);
      });
      for (const [name, { data }] of Object.entries(split!.weights())) {
        const reference = whole!.weights()[name]!.data;
        data.forEach((value, i) => {
          expect(Math.abs(value - reference[i]!)).toBeLessThan(1e-6);
        });
      }
    },
  );

  test("a diverging micro-batch does not change the weights", async () => {
    const model = make();
    const huge = x.slice();
    huge.fill(3e38, 40 * 6);
    const before = model.weights();
    const training = model.fit(huge, { batchSize: 50, shuffle: false, microBatches: 5 });
    await expect(training).rejects.toThrow(DivergenceError);
    expect(model.weights()).toEqual(before);
    expect(() => model.gradients()).toThrow(/nothing was accumulated/);
  });

  test("an abort rejects with its reason after the step and the model stays usable", async () => {
    const model = make();
    const controller = new AbortController();
    const reason = new Error("enough");
    const onStep = ({ step }: StepRecord) => {
      if (step === 4) controller.abort(reason);
    };
    const training = model.fit(x, { epochs: 100, batchSize: 8, onStep, signal: controller.signal });
    await expect(training).rejects.toBe(reason);
    expect(model.stepCount).toBe(4);
    expect(Number.isFinite(model.trainOnBatch(x))).toBe(true);
  });

  test("while it runs reads are allowed and other training is not", async () => {
    const model = make();
    const onStep = () => {
      expect(model.encode(x)).toHaveLength(150);
      expect(() => model.trainOnBatch(x)).toThrow(InvalidStateError);
      expect(() => model.setWeights(model.weights())).toThrow(/being trained/);
    };
    await model.fit(x, { onStep });
    model.trainOnBatch(x);
  });

  test("dispose ends it", async () => {
    const model = make();
    const training = model.fit(x, { epochs: 1000, onStep: () => model.dispose() });
    await expect(training).rejects.toThrow(DisposedError);
  });

  test("dispose also ends it before its first step", async () => {
    const model = make();
    const training = model.fit(x, { schedule: { type: "exponential", gamma: 0.9 } });
    expect(() => model.trainOnBatch(x)).toThrow(InvalidStateError);
    model.dispose();
    await expect(training).rejects.toThrow(DisposedError);
  });

  test("it yields to the event loop", async () => {
    const model = TiedAutoencoder.createSync({ layers: [64, 32] });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await model.fit(randomRows(500, 64, 1), { epochs: 100 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  test("other reads in between do not change the steps", async () => {
    const config = { layers: [6, 4], code: { type: "gaussian" } } as const;
    const trained = async (onStep: (model: TiedAutoencoder) => unknown) => {
      const model = TiedAutoencoder.createSync(config);
      await model.fit(x, { epochs: 3, batchSize: 8, onStep: () => void onStep(model) });
      return model.weights();
    };
    const others = randomRows(400, 6, 7);
    const alone = await trained(() => {});
    const reads: ((model: TiedAutoencoder) => unknown)[] = [
      (model) => model.negativeElbo(others, { samples: 2 }),
      (model) => model.sample(300),
      (model) => model.encodeDistribution(others),
      (model) => [
        model.evaluate(others),
        model.featureErrors(others),
        model.decode(others.subarray(4)),
      ],
      (model) => [model.save({ optimizer: true }), model.toOnnx(), model.summary()],
    ];
    for (const read of reads) expect(await trained(read)).toEqual(alone);
  });

  test("fitSteps yields every step and ends when the loop is left", async () => {
    const model = make();
    for await (const { step } of model.fitSteps(x, { epochs: 100, batchSize: 10 })) {
      if (step === 6) break;
    }
    expect(model.stepCount).toBe(6);
    model.trainOnBatch(x);
  });

  const never = () => new Promise(() => {});
  const waiting: [string, Parameters<TiedAutoencoder["fit"]>][] = [
    ["for a stream", [stalled, {}]],
    ["for onStep's promise", [x, { onStep: never }]],
    ["for onEpoch's promise", [x, { onEpoch: never }]],
  ];

  async function* stalled() {
    yield x;
    await never();
  }

  test.each(waiting)(
    "an abort ends it immediately while it waits %s",
    async (_, [data, options]) => {
      const model = make();
      const controller = new AbortController();
      const training = model.fit(data, { ...options, signal: controller.signal });
      setTimeout(() => controller.abort("enough"), 5);
      await expect(training).rejects.toBe("enough");
      model.trainOnBatch(x); // the model is free again
    },
  );

  test("an abort in the last step of an epoch ends it although the promise of onEpoch is pending", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const onStep = () => controller.abort("enough");
    await expect(make().fit(x, { batchSize: 50, onStep, onEpoch: never, signal })).rejects.toBe(
      "enough",
    );
  });

  test.each(waiting)(
    "dispose ends it immediately while it waits %s",
    async (_, [data, options]) => {
      const model = make();
      const training = model.fit(data, options);
      setTimeout(() => model.dispose(), 5);
      await expect(training).rejects.toThrow(DisposedError);
    },
  );

  const lateNaN = { validationData: [[1, 2, 3, 4, 5, Number.NaN]] };
  test.each<[string, object, RegExp]>([
    ["an unknown option", { epoch: 3 }, /fit has no option "epoch"; it takes epochs, /],
    ["a batch of 0", { batchSize: 0 }, /batchSize must be a whole number of at least 1; got 0/],
    ["a split of 1", { validationSplit: 1 }, /validationSplit must be between 0 and 1; got 1/],
    ["both validations", { validationSplit: 0.1, validationData: x }, /given both/],
    [
      "a short target",
      { target: x.subarray(6) },
      /target must have as many rows as x: 50; it has 49/,
    ],
    ["a callback that is none", { onEpoch: "log" }, /onEpoch must be a function; got "log"/],
    ["a NaN in validation data", lateNaN, /Row 0, column 5 of validationData is NaN/],
  ])("%s is refused before anything changes", async (_, options, message) => {
    const model = make();
    const before = model.weights();
    await expect(model.fit(x, options)).rejects.toThrow(message);
    expect(model.weights()).toEqual(before);
  });

  test("a NaN anywhere in the data is refused before the first step", async () => {
    const model = make();
    const spoilt = x.slice();
    spoilt[49 * 6 + 2] = Number.NaN;
    const training = model.fit(spoilt, { batchSize: 4 });
    await expect(training).rejects.toThrow(/Row 49, column 2 of x is NaN/);
    expect(model.stepCount).toBe(0);
  });
});
