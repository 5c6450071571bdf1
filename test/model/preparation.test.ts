// Scaling and missing values inside a model.

import { describe, expect, test } from "vitest";
import {
  InvalidStateError,
  type MatrixInput,
  MinMaxScaler,
  type ModelConfig,
  StandardScaler,
  TiedAutoencoder,
} from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const WIDTH = 5;
const x = randomRows(60, WIDTH, 3).map(
  (value, i) => [1, 300, 0.5, 2, 0][i % 5]! * value + (i % 5) * 10,
);
const make = (config: Partial<ModelConfig> = {}) =>
  TiedAutoencoder.createSync({ layers: [WIDTH, 3], activation: "tanh", ...config });

const expectClose = (values: Float32Array, expected: Float32Array, bound: number) => {
  expect(values).toHaveLength(expected.length);
  values.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(
      bound * (1 + Math.abs(expected[i]!)),
    );
  });
};

describe.each([
  ["standard", new StandardScaler({ features: WIDTH })],
  ["minMax", new MinMaxScaler({ features: WIDTH })],
] as const)("scaler %s", (scaler, alone) => {
  const scaled = alone.fitTransform(x);

  test("a model with a scaler equals a model on scaled data, with results in the units of the data", async () => {
    const [inside, outside] = [make({ scaler }), make()];
    const options = { epochs: 3, batchSize: 16, validationData: x.subarray(0, 50) };
    const { history } = await inside.fit(x, options);
    const reference = await outside.fit(scaled, {
      ...options,
      validationData: scaled.subarray(0, 50),
    });
    history.loss.forEach((loss, i) => {
      expect(loss / reference.history.loss[i]!).toBeCloseTo(1, 5);
      expect(history.valLoss![i]! / reference.history.valLoss![i]!).toBeCloseTo(1, 5);
    });
    const code = inside.encode(x);
    expectClose(code, outside.encode(scaled), 2e-5);
    expectClose(inside.reconstructionErrors(x), outside.reconstructionErrors(scaled), 2e-5);
    expectClose(inside.featureErrors(x), outside.featureErrors(scaled), 2e-5);
    const expected = alone.inverseTransform(outside.reconstruct(scaled));
    expectClose(inside.reconstruct(x), expected, 2e-4);
    expect(inside.decode(code)).toEqual(inside.reconstruct(x));
    expect(inside.evaluate(x, x)).toBe(inside.evaluate(x));
  });

  test("is fitted on the training rows of the first fit, and saved", async () => {
    const model = make({ scaler });
    expect(() => model.encode(x)).toThrow(InvalidStateError);
    expect(() => model.trainOnBatch(x)).toThrow(/fitScaler/);
    await model.fit(x, { validationSplit: 0.5 });
    const byHand = make({ scaler });
    byHand.fitScaler(x.subarray(0, 30 * WIDTH));
    byHand.setWeights(model.weights());
    expect(byHand.encode(x)).toEqual(model.encode(x));
    await model.fit(x.map((value) => value * 7)); // keeps the first statistics
    byHand.setWeights(model.weights());
    expect(byHand.encode(x)).toEqual(model.encode(x));
    const loaded = await TiedAutoencoder.load(model.save({ optimizer: true }));
    expect(loaded.reconstruct(x)).toEqual(model.reconstruct(x));
    expect(loaded.trainOnBatch(x)).toBe(model.trainOnBatch(x));
  });

  test("an unfitted model is saved as such", async () => {
    const loaded = await TiedAutoencoder.load(make({ scaler }).save());
    expect(() => loaded.encode(x)).toThrow(InvalidStateError);
    await loaded.fit(x);
  });

  test("a fixed range of many columns is known from the start", () => {
    const width = 100_000;
    const range = { type: "range", min: 0, max: 4 } as const;
    const model = TiedAutoencoder.createSync({ layers: [width, 1], scaler: range });
    const plain = TiedAutoencoder.createSync({ layers: [width, 1] });
    const rows = Float32Array.from({ length: width }, (_, i) => i % 5);
    expect(model.encode(rows)).toEqual(plain.encode(rows.map((value) => value / 4)));
  });

  test("a stream needs fitScaler first", async () => {
    const model = make({ scaler });
    await expect(model.fit(() => [x])).rejects.toThrow(/fitScaler/);
    model.fitScaler(x);
    await model.fit(() => [x]);
  });

  test("is fitted on a stream with the same bits as on all its rows, whatever the pieces", async () => {
    const whole = make({ scaler, missing: "mean" });
    // Enough values for several parts of the statistics.
    const holes = randomRows(40_000, WIDTH, 3).map((value, i) =>
      i % 17 === 0 ? Number.NaN : value,
    );
    whole.fitScaler(holes);
    for (const rows of [1, 7, 10_000, 40_000]) {
      const model = make({ scaler, missing: "mean" });
      await model.fitScaler(async function* () {
        for (let at = 0; at < holes.length; at += rows * WIDTH) {
          yield holes.subarray(at, at + rows * WIDTH);
        }
      });
      expect(model.save()).toEqual(whole.save());
    }
  });

  test("a stream in memory gives the event loop its turns", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await make({ scaler }).fitScaler(() => Array.from({ length: 3000 }, () => x));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });

  test("dispose ends it although the stream never gives its next piece", async () => {
    const model = make({ scaler });
    const fitting = model.fitScaler(async function* () {
      yield x;
      await new Promise(() => {});
    });
    setTimeout(() => model.dispose(), 5);
    await expect(fitting).rejects.toThrow(/disposed during fitScaler/);
  });

  test("a stream that ends with an error changes nothing", async () => {
    const model = make({ scaler });
    const failing = async function* () {
      yield x;
      throw new Error("the disk is gone");
    };
    await expect(model.fitScaler(failing())).rejects.toThrow("the disk is gone");
    expect(() => model.encode(x)).toThrow(InvalidStateError);
    await expect(model.fitScaler(() => [x, x.map(() => Infinity)])).rejects.toThrow(
      /Row 0, column 0 of Batch 1 of epoch 0 is Infinity/,
    );
    expect(() => model.encode(x)).toThrow(InvalidStateError);
    const empty = x.map((value, i) => (i % WIDTH === 2 ? Number.NaN : value));
    const gaps = make({ scaler, missing: "mask" });
    await expect(gaps.fitScaler(() => [empty])).rejects.toThrow(
      /Column 2 of the stream holds no number/,
    );
  });

  test("a stream keeps the model from other work until its end", async () => {
    const model = make({ scaler });
    const done = model.fitScaler(async function* () {
      expect(() => model.fitScaler(x)).toThrow(InvalidStateError);
      yield x;
    });
    await done;
    expect(model.encode(x).length).toBeGreaterThan(0);
    const other = make({ scaler });
    const ending = other.fitScaler(async function* () {
      yield x;
      other.dispose();
      yield x;
    });
    await expect(ending).rejects.toThrow(/disposed during fitScaler/);
  });
});

describe("missing values", () => {
  const missing = new Set([3, 7, 17, 18, 19, 100]);
  const holes = x.map((value, i) => (missing.has(i) ? Number.NaN : value));
  const means = Array.from({ length: WIDTH }, (_, j) => {
    const known = Array.from(holes).filter((value, i) => i % WIDTH === j && !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
  const filled: MatrixInput = {
    data: Float64Array.from(holes, (value, i) => (Number.isNaN(value) ? means[i % WIDTH]! : value)),
    shape: [holes.length / WIDTH, WIDTH],
  };
  const scaler = "standard";

  test("mean: equals a model on data with missing values replaced by means", async () => {
    for (const config of [{}, { scaler } as const]) {
      const inside = make({ ...config, missing: "mean" });
      inside.fitScaler(holes);
      expect(inside.evaluate(holes)).toBe(inside.evaluate(filled));
      const same = await TiedAutoencoder.load(inside.save());
      expect(same.trainOnBatch(holes)).toBe(inside.trainOnBatch(filled));
      expect(same.weights()).toEqual(inside.weights());
      expect(inside.reconstruct(holes)).toEqual(inside.reconstruct(filled));
      expect(inside.reconstructionErrors(holes)).toEqual(inside.reconstructionErrors(filled));
    }
  });

  test.each(["mse", "mae", { type: "huber", delta: 0.5 }] as const)(
    "mask: the gradient of %o is that of the mean over known values",
    (loss) => {
      const model = make({ missing: "mask", scaler, loss });
      model.fitScaler(holes);
      expect(model.accumulateGradients(holes)).toBeCloseTo(model.evaluate(holes), 6);
      const gradients = model.gradients();
      const weights = model.weights();
      const step = 1e-2;
      for (const [name, index] of [
        ["encoder.0.weight", 4],
        ["encoder.0.bias", 1],
        ["decoder.0.bias", 2],
      ] as const) {
        const at = (offset: number) => {
          const moved = weights[name]!.data.slice();
          moved[index]! += offset;
          model.setWeights({ ...weights, [name]: { ...weights[name]!, data: moved } });
          return model.evaluate(holes);
        };
        const slope = (at(step) - at(-step)) / (2 * step);
        expect(Math.abs(slope - gradients[name]!.data[index]!)).toBeLessThan(2e-3);
      }
    },
  );

  test("mask: losses and errors exclude missing values", () => {
    const model = make({ missing: "mask", scaler });
    model.fitScaler(holes);
    const errors = model.featureErrors(filled).map((e, i) => (missing.has(i) ? Number.NaN : e));
    expect(model.featureErrors(holes)).toEqual(errors);
    const rows = model.reconstructionErrors(holes);
    let sum = 0;
    rows.forEach((value, row) => {
      const known = [...errors.subarray(row * WIDTH, (row + 1) * WIDTH)].filter((e) => e >= 0);
      const total = known.reduce((a, b) => a + b, 0);
      sum += total;
      expect(Math.abs(value - total / known.length)).toBeLessThan(1e-6 * (1 + value));
    });
    expect(model.evaluate(holes)).toBeCloseTo(sum / (x.length - missing.size), 6);
    expect(model.reconstruct(holes).every(Number.isFinite)).toBe(true);
  });

  test("mask: micro-batches are weighted by known values, and noise is added to replaced values", async () => {
    const corruption = { type: "gaussian", std: 0.1 } as const;
    const options = { batchSize: 20, epochs: 2, shuffle: true };
    for (const extra of [{}, { corruption }]) {
      const [whole, parts] = [make({ missing: "mask", scaler }), make({ missing: "mask", scaler })];
      await whole.fit(holes, { ...options, ...extra });
      await parts.fit(holes, { ...options, ...extra, microBatches: 7 });
      for (const [name, { data }] of Object.entries(parts.weights())) {
        expectClose(data, whole.weights()[name]!.data, 1e-6);
      }
    }
  });

  test("a row without known values is allowed", () => {
    const model = make({ missing: "mask" });
    model.fitScaler(holes);
    const empty = new Float32Array(WIDTH).fill(Number.NaN);
    const before = model.weights();
    expect(model.trainOnBatch(empty)).toBe(0);
    expect(model.weights()).toEqual(before);
    expect(model.reconstructionErrors(empty)[0]).toBeNaN();
  });

  test("by default NaN is refused in training and gives NaN in inference", async () => {
    await expect(make().fit(holes)).rejects.toThrow(/Row 0, column 3 of x is NaN/);
    expect(make().reconstruct(holes)[0]).toBeNaN();
  });

  test.each(["mean", "mask"] as const)("%s: an infinity is still refused", async (mode) => {
    const spoilt = holes.slice();
    spoilt[101] = -Infinity;
    await expect(make({ missing: mode }).fit(spoilt)).rejects.toThrow(
      /Row 20, column 1 of x is -Infinity; .* or NaN where one is missing/,
    );
  });

  test("a column without any number is refused", async () => {
    const empty = x.map((value, i) => (i % WIDTH === 2 ? Number.NaN : value));
    await expect(make({ missing: "mean" }).fit(empty)).rejects.toThrow(/Column 2 of x holds no/);
  });

  test("bce is refused with the scaler standard", () => {
    expect(() => make({ loss: "bce", outputActivation: "sigmoid", scaler })).toThrow(/minMax/);
  });
});
