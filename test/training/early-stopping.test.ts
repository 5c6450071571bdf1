import { describe, expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { resolveEarlyStopping } from "../../src/training/early-stopping.ts";
import { freshRun } from "../../src/training/run-state.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(40, 6, 4);
/** A rate that is far too high. The loss fluctuates, so that the best epoch is rarely the last. */
const optimizer = { type: "adam", learningRate: 0.3 } as const;
const make = () => TiedAutoencoder.createSync({ layers: [6, 3], optimizer });

/** The epoch after which early stopping ends a run with these losses. */
function stopsAfter(losses: number[], options: object): number {
  const rule = resolveEarlyStopping(options);
  const run = freshRun({ rows: 40, batchSize: 8, stepsPerEpoch: 5 }, 0);
  const model = {
    copyWeights: () => ({ parameters: new Float32Array(1), buffers: {} }),
    restore() {},
  };
  return losses.findIndex((loss) => {
    rule.observe(loss, run, model);
    return run.stopped;
  });
}

describe("early stopping", () => {
  test.each<[number, object]>([
    [3, {}],
    [4, { patience: 2 }],
    [-1, { patience: 3 }],
    [1, { minDelta: 0.2 }],
    [4, { minDelta: 0.2, patience: 2 }],
  ])("stops after epoch %i with %o", (epoch, options) => {
    expect(stopsAfter([1, 0.9, 0.7, 0.7, 0.8, 0.6, 0.5], options)).toBe(epoch);
  });

  test("ends the run and restores the best weights", async () => {
    const model = make();
    const seen: [number, ReturnType<typeof model.weights>][] = [];
    const { epoch, history } = await model.fit(x, {
      epochs: 500,
      batchSize: 8,
      validationSplit: 0.25,
      earlyStopping: { patience: 5, restoreBest: true },
      onStep: ({ batch }) => {
        if (batch === 3) seen.push([seen.length, model.weights()]); // the last of its epoch
      },
    });
    const best = history.valLoss!.indexOf(Math.min(...history.valLoss!));
    expect(epoch).toHaveLength(best + 6);
    expect(best).toBeGreaterThan(0);
    expect(model.weights()).toEqual(seen[best]![1]);
    expect(model.evaluate(x.subarray(30 * 6))).toBe(history.valLoss![best]);
  });

  test("also restores the threshold and the counts of a sparse code, also from a file", async () => {
    const config = {
      layers: [6, 16],
      code: { type: "batchTopK", k: 2 },
      optimizer: { type: "adam", learningRate: 0.05 },
      seed: 2,
    } as const;
    const options = {
      batchSize: 10,
      validationSplit: 0.25,
      earlyStopping: { patience: 4, restoreBest: true },
    };
    const model = TiedAutoencoder.createSync(config);
    const { history } = await model.fit(x, { epochs: 40, ...options });
    const best = history.valLoss!.indexOf(Math.min(...history.valLoss!));
    expect(best).toBeLessThan(history.valLoss!.length - 1);
    expect(model.evaluate(x.subarray(30 * 6))).toBe(history.valLoss![best]);
    const threshold = model.codeThreshold;
    // A run that ends there has the same threshold.
    const short = TiedAutoencoder.createSync(config);
    await short.fit(x, { epochs: best + 1, batchSize: 10, validationSplit: 0.25 });
    expect(threshold).toBe(short.codeThreshold);
    // After a cut the model has the best weights. The file also has the weights that the run continues with.
    const cut = TiedAutoencoder.createSync(config);
    await cut.fit(x, { epochs: 40, ...options, maxSteps: 3 * (best + 2) });
    expect(cut.codeThreshold).toBe(threshold);
    const loaded = await TiedAutoencoder.load(cut.save({ optimizer: true }));
    expect(loaded.codeThreshold).toBe(threshold);
    await loaded.fit(x, { epochs: 40, ...options, resume: true });
    expect(loaded.save({ optimizer: true })).toEqual(model.save({ optimizer: true }));
  });

  test("without restoreBest the model has the last weights", async () => {
    const model = make();
    const { history } = await model.fit(x, {
      epochs: 500,
      validationSplit: 0.25,
      earlyStopping: { patience: 5 },
    });
    expect(model.evaluate(x.subarray(30 * 6))).toBe(history.valLoss!.at(-1));
    expect(history.valLoss!.at(-1)).toBeGreaterThan(Math.min(...history.valLoss!));
  });

  test("monitors the training loss if there is no validation", async () => {
    const { history } = await make().fit(x, { epochs: 500, earlyStopping: { patience: 3 } });
    const best = history.loss.indexOf(Math.min(...history.loss));
    expect(history.loss).toHaveLength(best + 4);
  });

  test.each<[object, RegExp]>([
    [{ patience: -1 }, /earlyStopping.patience must be a whole number of at least 0; got -1/],
    [{ monitor: "accuracy" }, /earlyStopping.monitor must be "loss" or "valLoss"/],
    [{ monitor: "valLoss" }, /needs validationData or validationSplit/],
    [{ restoreBestWeights: true }, /earlyStopping has no option "restoreBestWeights"/],
  ])("%o is refused", async (earlyStopping, message) => {
    await expect(make().fit(x, { earlyStopping })).rejects.toThrow(message);
  });
});
