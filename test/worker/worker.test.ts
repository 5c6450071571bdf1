// The model in a worker, through the built package: because the build adds its program.

import { MessageChannel, Worker } from "node:worker_threads";
import { describe, expect, expectTypeOf, test } from "vitest";
import { TiedAutoencoder as Local } from "../../src/index.ts";
import { serve } from "../../src/worker/host.ts";
import type * as entry from "../../src/worker.ts";

const built = new URL("../../dist/worker.js", import.meta.url).href;
const {
  TiedAutoencoder,
  DivergenceError,
  DisposedError,
  InvalidStateError,
  InvalidTypeError,
  InvalidValueError,
  UnsupportedHostError,
} = (await import(/* @vite-ignore */ built)) as typeof entry;

/** The names of the properties that may be functions. */
type FunctionsIn<Options> = {
  [Name in keyof Options]-?: Extract<Options[Name], (...args: never[]) => unknown> extends never
    ? never
    : Name;
}[keyof Options];

const config = { layers: [6, 3], simd: "baseline", seed: 5 } as const;
const x = Float32Array.from({ length: 60 * 6 }, (_, i) => ((i * 37) % 101) / 101);

describe("the model in a worker", () => {
  test("has every call of the model", () => {
    const calls = (prototype: object): string[] =>
      prototype === Object.prototype
        ? []
        : [...Object.getOwnPropertyNames(prototype), ...calls(Object.getPrototypeOf(prototype))];
    const local = new Set([...calls(Local.prototype), "config", "send", "lastHistory"]);
    expect(calls(TiedAutoencoder.prototype).sort()).toEqual([...local].sort());
  });

  test("trains to the same bits as in this thread, and reports its progress", async () => {
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
    using ofBlob = await TiedAutoencoder.load(Promise.resolve(new Blob([file])), {
      simd: "baseline",
    });
    expect(ofBlob.stepCount).toBe(1);
    const missing = TiedAutoencoder.load(new Response("no", { status: 404 }));
    await expect(missing).rejects.toThrow(/status 404/);
  });

  test("false from onStep ends training, and an error of a callback is thrown", async () => {
    using remote = await TiedAutoencoder.create(config);
    await remote.fit(x, { epochs: 9, onStep: ({ step }) => step < 3 });
    expect(remote.stepCount).toBe(3);
    const thrown = { not: "an error" };
    const fails = () => {
      throw thrown;
    };
    await expect(remote.fit(x, { onEpoch: fails })).rejects.toBe(thrown);
    // It has no text, so a message with it cannot be made from its text.
    const bare = Object.create(null);
    const failsBare = () => Promise.reject(bare);
    await expect(remote.fit(x, { onStep: failsBare })).rejects.toBe(bare);
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

  test("an abort ends initializeFrom, and fit while a callback is awaited", async () => {
    using remote = await TiedAutoencoder.create({ layers: [300, 150] });
    const wide = new Float32Array(600 * 300).map((_, i) => Math.sin(i * i));
    const calls = [
      (signal: AbortSignal) => remote.initializeFrom(wide, { method: "pca", signal }),
      (signal: AbortSignal) => remote.fit(wide, { onEpoch: () => new Promise(() => {}), signal }),
    ];
    for (const call of calls) {
      const controller = new AbortController();
      setTimeout(() => controller.abort("enough"), 30);
      await expect(call(controller.signal)).rejects.toBe("enough");
      expect(await remote.trainOnBatch(wide)).toBeGreaterThan(0); // the model is free again
    }
  });

  test("fitSteps yields every step, and ends when the loop is left or aborted", async () => {
    using remote = await TiedAutoencoder.create(config);
    for await (const { step } of remote.fitSteps(x, { epochs: 50 })) if (step === 5) break;
    expect(remote.stepCount).toBe(5);
    await remote.trainOnBatch(x);
    expect(remote.stepCount).toBe(6);
    const controller = new AbortController();
    const { signal } = controller;
    const waits = () => {
      setTimeout(() => controller.abort("enough"), 10);
      return new Promise(() => {});
    };
    const all = async () => {
      for await (const _ of remote.fitSteps(x, { onEpoch: waits, batchSize: 60, signal }));
    };
    await expect(all()).rejects.toBe("enough");
    expect(await remote.trainOnBatch(x)).toBeGreaterThan(0);
  });

  test("codes of other families give the results of this thread", async () => {
    const gaussian = { ...config, code: { type: "gaussian", beta: 0.1 } } as const;
    using remote = await TiedAutoencoder.create(gaussian);
    using local = await Local.create(gaussian);
    expect(await remote.sample(4, { seed: 9 })).toEqual(local.sample(4, { seed: 9 }));
    expect(await remote.encodeDistribution(x)).toEqual(local.encodeDistribution(x));
    expect(await remote.negativeElbo(x, { samples: 2 })).toEqual(
      local.negativeElbo(x, { samples: 2 }),
    );
    await expect(remote.deadUnits()).rejects.toThrow(InvalidStateError);
    expect(() => remote.codeThreshold).toThrow(InvalidStateError);

    const sparse = { ...config, code: { type: "batchTopK", k: 1 } } as const;
    using remoteSparse = await TiedAutoencoder.create(sparse);
    using localSparse = await Local.create(sparse);
    expect(await remoteSparse.trainOnBatch(x)).toBe(localSparse.trainOnBatch(x));
    expect(remoteSparse.codeThreshold).toBe(localSparse.codeThreshold);
    expect(await remoteSparse.encode(x, { sparse: true })).toEqual(
      localSparse.encode(x, { sparse: true }),
    );
    expect(await remoteSparse.deadUnits()).toEqual(localSparse.deadUnits());
  });

  test("data that was sent once serves any number of calls", async () => {
    using remote = await TiedAutoencoder.create(config);
    using local = await Local.create(config);
    const mine = x.slice();
    const data = await remote.send(mine, { transfer: true });
    expect(mine.length).toBe(0);
    const options = { epochs: 2, validationData: { x: data, target: data }, target: data };
    const here = { epochs: 2, validationData: { x, target: x }, target: x };
    expect(await remote.fit(data, options)).toEqual(await local.fit(x, here));
    expect(await remote.fit(data)).toEqual(await local.fit(x));
    expect(await remote.encode(data)).toEqual(local.encode(x));
    expect(await remote.weights()).toEqual(local.weights());
  });

  test("data that was released, or sent to another model, is refused", async () => {
    using remote = await TiedAutoencoder.create(config);
    using other = await TiedAutoencoder.create(config);
    const data = await remote.send(x);
    await expect(other.encode(data)).rejects.toThrow(InvalidValueError);
    await data.release();
    await data.release();
    await expect(remote.encode(data)).rejects.toThrow(InvalidStateError);
    await expect(remote.send((() => []) as never)).rejects.toThrow(
      /send in a worker takes a matrix/,
    );
  });

  test("a view is copied without the rest of its buffer", async () => {
    const posted: { args: unknown[] }[] = [];
    const createWorker = () => {
      const worker = new Worker(new URL("../../dist/worker-script.js", import.meta.url));
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message, transfer) => {
        posted.push(message);
        post(message, transfer);
      };
      return worker;
    };
    using remote = await TiedAutoencoder.create(config, { createWorker });
    const big = new Float32Array(1e6);
    big.set(x);
    expect(await remote.encode(big.subarray(0, 60))).toEqual(await remote.encode(x.slice(0, 60)));
    const rows = [0, 1, 2].map((i) => big.subarray(i * 6, i * 6 + 6));
    expect(await remote.encode(rows)).toEqual(await remote.encode(x.slice(0, 18)));
    const shared = new Float32Array(new SharedArrayBuffer(24));
    shared.set(x.subarray(0, 6));
    expect(await remote.encode(shared)).toEqual(await remote.encode(x.slice(0, 6)));
    const sizes = posted.slice(1).map(({ args: [arg] }) => {
      const views = (Array.isArray(arg) ? arg : [arg]) as Float32Array[];
      return views.map(({ buffer }) => buffer.byteLength);
    });
    // Transferred buffers have length 0 here. Other buffers are no larger than the view.
    expect(sizes.flat().every((size) => size <= 240)).toBe(true);
  });

  test("a detached buffer is refused with a clear error, and the program ends", async () => {
    using remote = await TiedAutoencoder.create(config);
    const mine = x.slice();
    await remote.encode(mine, { transfer: true });
    const again = remote.encode(mine, { transfer: true });
    await expect(again).rejects.toThrow(InvalidTypeError);
    await expect(again).rejects.toThrow(
      /encode was given a Float32Array of 0 whose buffer is detached/,
    );
    await expect(remote.encode({ data: mine, shape: [0, 6] })).rejects.toThrow(/is detached/);
    expect(await remote.encode(new Float32Array(0))).toEqual(new Float32Array(0));
  });

  test("the history of an aborted run can be read", async () => {
    using remote = await TiedAutoencoder.create(config);
    expect(remote.lastHistory).toBeUndefined();
    const controller = new AbortController();
    const onEpoch = ({ epoch }: { epoch: number }) => {
      if (epoch === 2) controller.abort("enough");
    };
    const options = { epochs: 99, validationSplit: 0.2, onEpoch, signal: controller.signal };
    await expect(remote.fit(x, options)).rejects.toBe("enough");
    expect(remote.lastHistory?.epoch.slice(0, 3)).toEqual([0, 1, 2]);
    expect(remote.lastHistory?.history.valLoss?.length).toBe(remote.lastHistory?.epoch.length);
    for await (const { epoch } of remote.fitSteps(x, { epochs: 9 })) if (epoch === 1) break;
    expect(remote.lastHistory?.epoch).toEqual([0]);
  });

  test("transfer transfers buffers, and only on request", async () => {
    using remote = await TiedAutoencoder.create(config);
    const mine = x.slice();
    await remote.encode(mine);
    expect(mine.length).toBe(x.length);
    await remote.encode(mine, { transfer: true });
    expect(mine.length).toBe(0);
  });

  test("setting the learning rate affects later steps", async () => {
    using remote = await TiedAutoencoder.create(config);
    using local = await Local.create(config);
    for (const model of [remote, local]) {
      model.learningRate = 0.05;
      await model.trainOnBatch(x);
    }
    expect(await remote.weights()).toEqual(local.weights());
    expect(remote.learningRate).toBe(0.05);
  });

  test("errors have the package's classes, from either side", async () => {
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

  test("dispose ends running calls", async () => {
    const remote = await TiedAutoencoder.create(config);
    const fit = expect(remote.fit(x, { epochs: 1e9 })).rejects.toThrow(DisposedError);
    remote.dispose();
    await fit;
    await expect(remote.encode(x)).rejects.toThrow(DisposedError);
  });

  test.each([
    [
      "a silent worker",
      "setInterval(() => {}, 1000)",
      /said nothing for 0\.2 s, so it may not run worker-script/,
    ],
    [
      "a worker of some other program",
      "require('worker_threads').parentPort.postMessage('hello')",
      /posted "hello", so it does not run worker-script/,
    ],
    ["a worker that fails", "throw new Error('broken')", /broken/],
  ])("%s ends in words", async (_, program, words) => {
    const createWorker = () => new Worker(program, { eval: true });
    const startTimeout = program.startsWith("setInterval") ? 200 : 30_000;
    const create = TiedAutoencoder.create(config, { createWorker, startTimeout });
    await expect(create).rejects.toThrow(UnsupportedHostError);
    await expect(create).rejects.toThrow(words);
  });

  test("a page that was busy while its worker started gets the report of the worker", async () => {
    const createWorker = () => {
      // Another port of this thread: its report arrives when the thread is busy.
      const { port1, port2 } = new MessageChannel();
      setImmediate(() => {
        serve({
          post: (message, transfer) => port2.postMessage(message, transfer),
          listen: (listener) => port2.on("message", listener),
        });
        // Longer than startTimeout. Timers come before messages afterwards.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      });
      return Object.assign(port1, { terminate: () => port1.close() });
    };
    using remote = await TiedAutoencoder.create(config, { createWorker, startTimeout: 100 });
    expect(await remote.trainOnBatch(x)).toBeGreaterThan(0);
  });

  test("the only functions in the types of options are callbacks, and those for the core", () => {
    expectTypeOf<FunctionsIn<entry.WorkerModelConfig>>().toEqualTypeOf<"wasm">();
    expectTypeOf<FunctionsIn<entry.WorkerRuntimeOptions>>().toEqualTypeOf<"wasm">();
    expectTypeOf<FunctionsIn<entry.WorkerFitOptions>>().toEqualTypeOf<"onStep" | "onEpoch">();
    expectTypeOf<FunctionsIn<entry.WorkerDetectorOptions>>().toEqualTypeOf<
      "wasm" | "onProgress" | "onEpoch"
    >();
    expectTypeOf<FunctionsIn<entry.WorkerUpdateOptions>>().toEqualTypeOf<"onProgress">();
    // @ts-expect-error: a function in an object
    const named: entry.WorkerFitOptions = { schedule: { type: "function", rate: () => 1 } };
    expect(named).toBeDefined();
  });

  test("the error for a worker that cannot start says what to do", async () => {
    const createWorker = () => {
      throw new Error("blocked by policy");
    };
    const create = TiedAutoencoder.create(config, { createWorker });
    await expect(create).rejects.toThrow(UnsupportedHostError);
    await expect(create).rejects.toThrow(/blocked by policy.*worker-src blob:.*createWorker/);
  });
});
