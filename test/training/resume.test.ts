// A run that was cut anywhere and resumed has the same bits as an uncut run.

import { describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import {
  type FitOptions,
  type ModelConfig,
  type OptimizerSpec,
  TiedAutoencoder,
} from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(50, 6, 4);
const optimizers: OptimizerSpec[] = [
  { type: "sgd", learningRate: 0.1 },
  { type: "sgd", learningRate: 0.1, momentum: 0.9, nesterov: true },
  { type: "adam", clipNorm: 0.1 },
  { type: "adamw", weightDecay: 0.1 },
  { type: "rmsprop", centered: true, momentum: 0.5 },
  { type: "adagrad", learningRate: 0.05 },
];
const options: FitOptions = {
  epochs: 5,
  batchSize: 8, // seven steps per epoch, the last one with two rows
  validationSplit: 0.1,
  corruption: { type: "gaussian", std: 0.2 },
  microBatches: 2,
};
const config = (optimizer: OptimizerSpec): ModelConfig => ({
  layers: [6, 4, 2],
  dropout: 0.2,
  optimizer,
});

const reload = (model: TiedAutoencoder) => TiedAutoencoder.load(model.save({ optimizer: true }));

describe("resume", () => {
  test.each(optimizers)("after any step, with $type", async (optimizer) => {
    const whole = TiedAutoencoder.createSync(config(optimizer));
    const wholeHistory = await whole.fit(x, options);
    // The six cases cut inside an epoch, at its end, and twice in one run.
    const seed = optimizers.indexOf(optimizer);
    for (const cut of [1 + seed, 6, 7 + ((seed * 5) % 11), 20]) {
      let model = TiedAutoencoder.createSync(config(optimizer));
      await model.fit(x, { ...options, maxSteps: cut });
      model = await reload(model);
      await model.fit(x, { ...options, resume: true, maxSteps: 3 });
      model = await reload(model);
      const { epoch, history } = await model.fit(x, { ...options, resume: true });
      expect(model.weights()).toEqual(whole.weights());
      expect(model.stepCount).toBe(whole.stepCount);
      for (const [i, number] of epoch.entries()) {
        expect(history.loss[i]).toBe(wholeHistory.history.loss[number]);
        expect(history.valLoss![i]).toBe(wholeHistory.history.valLoss![number]);
      }
    }
  });

  test("from a file that a callback saved after any step, including the last of an epoch", async () => {
    const whole = TiedAutoencoder.createSync(config("adam"));
    const saved: Uint8Array[] = [];
    const onStep = () => saved.push(whole.save({ optimizer: true }));
    await whole.fit(x, { ...options, onStep });
    for (const at of [0, 5, 6, 17, saved.length - 1]) {
      const model = await TiedAutoencoder.load(saved[at]!);
      await model.fit(x, { ...options, resume: true });
      expect(model.weights()).toEqual(whole.weights());
    }
  });

  test("schedules, plateaus, early stopping and its best weights also continue", async () => {
    const make = () =>
      TiedAutoencoder.createSync({
        layers: [6, 4],
        optimizer: { type: "adam", learningRate: 0.2 },
      });
    const long: FitOptions = {
      epochs: 200,
      batchSize: 16,
      validationSplit: 0.2,
      schedule: { type: "reduceOnPlateau", patience: 1, factor: 0.7 },
      earlyStopping: { patience: 6, restoreBest: true },
    };
    const whole = make();
    const { epoch } = await whole.fit(x, long);
    expect(epoch.length).toBeLessThan(200);
    for (const cut of [4, 17, whole.stepCount - 2]) {
      let model = make();
      await model.fit(x, { ...long, maxSteps: cut });
      model = await reload(model);
      await model.fit(x, { ...long, resume: true });
      expect(model.stepCount).toBe(whole.stepCount);
      expect(model.weights()).toEqual(whole.weights());
      expect(model.learningRate).toBe(whole.learningRate);
    }
  });

  test("a finished run has no more steps, unless there are more epochs", async () => {
    const model = TiedAutoencoder.createSync(config("adam"));
    await model.fit(x, options);
    const steps = model.stepCount;
    expect(await model.fit(x, { ...options, resume: true })).toMatchObject({ epoch: [] });
    expect(model.stepCount).toBe(steps);
    expect((await model.fit(x, { ...options, epochs: 6, resume: true })).epoch).toEqual([5]);
  });

  test("without a run to continue, a new one starts", async () => {
    const model = TiedAutoencoder.createSync(config("adam"));
    expect((await model.fit(x, { ...options, resume: true })).epoch).toHaveLength(5);
  });

  test("other data or another batch size is refused", async () => {
    const model = TiedAutoencoder.createSync(config("adam"));
    await model.fit(x, { batchSize: 8, maxSteps: 2 });
    const before = model.weights();
    await expect(model.fit(x.subarray(6), { batchSize: 8, resume: true })).rejects.toThrow(
      /50 rows in batches of 8; this is 49 rows in batches of 8/,
    );
    await expect(model.fit(x, { resume: true })).rejects.toThrow(
      /this is 50 rows in batches of 32/,
    );
    await expect(model.fit(x, { resume: true, initialEpoch: 1 })).rejects.toThrow(/given both/);
    expect(model.weights()).toEqual(before);
  });

  test("a file with an invalid run is refused", async () => {
    const model = TiedAutoencoder.createSync(config("adam"));
    await model.fit(x, { maxSteps: 1 });
    const { tensors, metadata } = decodeSafetensors(model.save({ optimizer: true }));
    metadata.run = metadata.run!.replace('"batch":1', '"batch":-1');
    const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
    const spoilt = encodeSafetensors(named, metadata);
    await expect(TiedAutoencoder.load(spoilt)).rejects.toThrow(
      /run is not valid: run.batch must be a whole number/,
    );
  });
});
