// The model in a worker, through the built package: its program is put in by the build.

import { describe, expect, test } from "vitest";
import { TiedAutoencoder as Local } from "../../src/index.ts";
import type * as entry from "../../src/worker.ts";

const built = new URL("../../dist/worker.js", import.meta.url).href;
const { TiedAutoencoder, DivergenceError, DisposedError, InvalidValueError, UnsupportedHostError } =
  (await import(/* @vite-ignore */ built)) as typeof entry;

const config = { layers: [6, 3], simd: "baseline", seed: 5 } as const;
const x = Float32Array.from({ length: 60 * 6 }, (_, i) => ((i * 37) % 101) / 101);

describe("the model in a worker", () => {
  test("has every call of the model", () => {
    const calls = (prototype: object): string[] =>
      prototype === Object.prototype
        ? []
        : [...Object.getOwnPropertyNames(prototype), ...calls(Object.getPrototypeOf(prototype))];
    const local = new Set([...calls(Local.prototype), "config"]);
    expect(calls(TiedAutoencoder.prototype).sort()).toEqual([...local].sort());
  });

  test("trains to the same bits as here, reporting as it goes", async () => {
    using remote = await TiedAutoencoder.create(config);
    using local = await Local.create(config);
    const epochs: number[] = [];
    const options = { epochs: 4, batchSize: 16 };
    const history = await remote.fit(x, { ...options, onEpoch: ({ epoch }) => epochs.push(epoch) });
    expect(history).toEqual(await local.fit(x, options));
    expect(epochs).toEqual([0, 1, 2, 3]);
    expect(await remote.weights()).toEqual(local.weights());
    expect(await remote.encode(x)).toEqual(local.encode(x));
    expect(await remote.evaluate(x)).toBe(local.evaluate(x));
    expect(remote.stepCount).toBe(local.stepCount);
    expect(remote.config).toEqual(local.config);
  });

  test("saves and loads, with the optimizer's state", async () => {
    using remote = await TiedAutoencoder.create(config);
    await remote.trainOnBatch(x);
    const file = await remote.save({ optimizer: true });
    using copy = await TiedAutoencoder.load(file, { simd: "baseline" });
    expect(await copy.trainOnBatch(x)).toBe(await remote.trainOnBatch(x));
    expect(await copy.weights()).toEqual(await remote.weights());
  });

  test("onStep's false ends training, and what a callback throws comes out", async () => {
    using remote = await TiedAutoencoder.create(config);
    await remote.fit(x, { epochs: 9, onStep: ({ step }) => step < 3 });
    expect(remote.stepCount).toBe(3);
    const thrown = { not: "an error" };
    const fails = () => {
      throw thrown;
    };
    await expect(remote.fit(x, { onEpoch: fails })).rejects.toBe(thrown);
  });

  test("an abort rejects with its reason; reads are answered meanwhile", async () => {
    using remote = await TiedAutoencoder.create(config);
    const controller = new AbortController();
    const fit = remote.fit(x, { epochs: 1e9, signal: controller.signal });
    const refusal = expect(fit).rejects.toBe("enough");
    expect((await remote.encode(x)).length).toBe(180);
    await expect(remote.trainOnBatch(x)).rejects.toThrow(/being trained/);
    controller.abort("enough");
    await refusal;
    expect(await remote.trainOnBatch(x)).toBeGreaterThan(0);
  });

  test("fitSteps goes step by step and ends when it is left", async () => {
    using remote = await TiedAutoencoder.create(config);
    for await (const { step } of remote.fitSteps(x, { epochs: 50 })) if (step === 5) break;
    expect(remote.stepCount).toBe(5);
    await remote.trainOnBatch(x);
    expect(remote.stepCount).toBe(6);
  });

  test("transfer hands buffers over, and only when asked", async () => {
    using remote = await TiedAutoencoder.create(config);
    const mine = x.slice();
    await remote.encode(mine);
    expect(mine.length).toBe(x.length);
    await remote.encode(mine, { transfer: true });
    expect(mine.length).toBe(0);
  });

  test("the learning rate is set for the steps that follow", async () => {
    using remote = await TiedAutoencoder.create(config);
    using local = await Local.create(config);
    for (const model of [remote, local]) {
      model.learningRate = 0.05;
      await model.trainOnBatch(x);
    }
    expect(await remote.weights()).toEqual(local.weights());
    expect(remote.learningRate).toBe(0.05);
  });

  test("errors are the package's own, whatever side threw them", async () => {
    using remote = await TiedAutoencoder.create({
      ...config,
      optimizer: { type: "sgd", learningRate: 1e30 },
    });
    await expect(remote.encode([[1]])).rejects.toThrow(InvalidValueError);
    await expect(remote.fit(x, { epochs: 9 })).rejects.toThrow(DivergenceError);
    await expect(TiedAutoencoder.create({ layers: [1, 0] })).rejects.toThrow(InvalidValueError);
    const schedule = { type: "custom", rate: () => 1 } as never;
    await expect(remote.fit(x, { schedule })).rejects.toThrow(/cannot be sent to a worker/);
  });

  test("dispose ends what is under way", async () => {
    const remote = await TiedAutoencoder.create(config);
    const fit = expect(remote.fit(x, { epochs: 1e9 })).rejects.toThrow(DisposedError);
    remote.dispose();
    await fit;
    await expect(remote.encode(x)).rejects.toThrow(DisposedError);
  });

  test("a worker that cannot start says what to do", async () => {
    const createWorker = () => {
      throw new Error("blocked by policy");
    };
    const create = TiedAutoencoder.create(config, { createWorker });
    await expect(create).rejects.toThrow(UnsupportedHostError);
    await expect(create).rejects.toThrow(/blocked by policy.*worker-src blob:.*createWorker/);
  });
});
