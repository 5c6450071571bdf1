// Threads change when a result is there, never what it is: every kernel that is shared gives the bits of
// one thread. The least share is set so low here that every call is shared.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { KernelExports } from "../../src/core/generated/exports.ts";
import { type Core, loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import {
  FormatError,
  InvalidValueError,
  type ModelConfig,
  ThreadError,
  type ThreadsUnavailableWarning,
  TiedAutoencoder,
} from "../../src/index.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { threadWorker } from "../../src/threads/generated/thread-worker.ts";
import { sharedTwin } from "../../src/threads/shared-twin.ts";
import { startTeam } from "../../src/threads/start.ts";
import type { TeamOptions } from "../../src/threads/team.ts";
import { randomRows } from "../support/random.ts";

const bytes = new Uint8Array(readFileSync(new URL("../../build/baseline.wasm", import.meta.url)));
const disposals: (() => void)[] = [];
afterEach(() => {
  for (const dispose of disposals.splice(0)) dispose();
});

/** A core whose kernels are shared by `threads` threads, however small the work. */
async function sharedCore(
  threads: number,
  createWorker?: () => Worker,
  limits: Pick<TeamOptions, "patience" | "leastShare"> = { leastShare: 1 },
): Promise<Core> {
  const module = new WebAssembly.Module(sharedTwin(bytes) as Uint8Array<ArrayBuffer>);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = exports as unknown as KernelExports;
  const team = await startTeam(module, memory, kernels, threads, createWorker, limits);
  disposals.push(() => team.disband());
  return { build: "baseline", kernels: team.kernels, memory, threads, dispose() {} };
}

/** Weights and losses after ten steps, and what inference gives. */
function tenSteps(config: ModelConfig, core: Core, x: Float32Array) {
  const engine = new Engine(resolveConfig(config), core);
  engine.initialize();
  const rows = readRows("x", x, config.layers[0]!);
  const batch = {
    x: rows,
    target: undefined,
    order: undefined,
    first: 0,
    count: rows.count,
    checked: false,
    held: undefined,
  };
  const losses = Array.from({ length: 10 }, () => engine.step.train(batch));
  return {
    losses,
    weights: engine.state.parameters.slice(),
    codes: engine.inference.encode(rows),
    errors: engine.inference.rowErrors(rows),
    squared: engine.inference.squaredErrors(rows),
    loss: engine.inference.evaluate(rows, undefined),
  };
}

describe("the same bits on any number of threads", () => {
  const x = randomRows(97, 53, 3);
  const layers = [53, 37, 18];
  const configs: [string, Partial<ModelConfig>][] = [
    ["relu, mse, adam", {}],
    ["the direct step", { gradient: "direct" }],
    ["the Gram step", { gradient: "gram" }],
    [
      "gelu, huber, sgd",
      { activation: "gelu", loss: "huber", optimizer: { type: "sgd", momentum: 0.9 } },
    ],
    [
      "sigmoid, bce, adamw",
      { activation: "sigmoid", outputActivation: "sigmoid", loss: "bce", optimizer: "adamw" },
    ],
    [
      "tanh, smoothL1, rmsprop",
      {
        activation: "tanh",
        loss: "smoothL1",
        optimizer: { type: "rmsprop", centered: true, momentum: 0.5 },
      },
    ],
    ["silu, mae, adagrad", { activation: "silu", loss: "mae", optimizer: "adagrad" }],
    [
      "dropout, penalties, clipping",
      { dropout: 0.3, l1: 1e-3, l2: 1e-3, optimizer: { type: "adam", clipNorm: 0.1 } },
    ],
    ["no biases", { bias: false, decoderBias: false }],
    ["one layer", { layers: [53, 200] }],
  ];

  test.each(configs)("%s", async (_, rest) => {
    const config: ModelConfig = { layers, simd: "baseline", ...rest };
    const alone = tenSteps(config, loadCoreSync({ simd: "baseline" }), x);
    for (const threads of [2, 3]) {
      expect(tenSteps(config, await sharedCore(threads), x)).toEqual(alone);
    }
  });

  test.each([1, 2, 5])("batches of %i rows, which take the vector paths", async (rows) => {
    const config: ModelConfig = { layers, simd: "baseline" };
    const few = x.subarray(0, rows * 53);
    const alone = tenSteps(config, loadCoreSync({ simd: "baseline" }), few);
    expect(tenSteps(config, await sharedCore(2), few)).toEqual(alone);
  });
});

describe("sums, whose blocks are shared", () => {
  const { kernels: alone, memory } = loadCoreSync({ simd: "baseline" });
  const most = 130 * 32768 + 5;
  const x = randomRows(1, most, 8).map((value, i) => value * 10 ** (i % 7));
  const at = 1 << 20;

  /** Puts x in a core's memory, after a product that is worth sharing. */
  function ready({ kernels, memory: { buffer } }: Pick<Core, "kernels" | "memory">) {
    new Float32Array(buffer, at, most).set(x);
    kernels.gemmNN(16, 16, 16, 0, 16, 0, 16, 0, 4096, 16, 8192);
  }

  test.each([65536, 65537, 5 * 32768 - 1, most])("of %i elements", async (count) => {
    const core = await sharedCore(2);
    for (const each of [memory, core.memory]) each.grow(320);
    for (const each of [core, { kernels: alone, memory }]) ready(each);
    expect(core.kernels.sumSquares(count, at)).toBe(alone.sumSquares(count, at));
    expect(core.kernels.sumAbs(count, at)).toBe(alone.sumAbs(count, at));
    expect(core.kernels.dot(count - 3, at, at + 12)).toBe(alone.dot(count - 3, at, at + 12));
  });
});

describe("threads through the public API", () => {
  const layers = [64, 48];
  const x = randomRows(600, 64, 4);

  test("a model on two threads is a model on one", async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((threads) => TiedAutoencoder.create({ layers, threads, simd: "baseline" })),
    );
    expect([one!.threads, two!.threads]).toEqual([1, 2]);
    for (const model of [one!, two!]) await model.fit(x, { epochs: 2, batchSize: 300 });
    expect(two!.weights()).toEqual(one!.weights());
    const copy = await TiedAutoencoder.load(two!.save(), { threads: 2 });
    expect(copy.threads).toBe(2);
    for (const model of [one!, two!, copy]) model.dispose();
  });

  test.each<[string, unknown, RegExp]>([
    ["0", 0, /threads must be a whole number of at least 1; got 0/],
    ["17", 17, /threads must be between 1 and 16; got 17/],
    ["a half", 1.5, /whole number/],
    ["text", "many", /threads must be a number or "auto"; got "many"/],
  ])("%s threads are refused", async (_, threads, message) => {
    await expect(TiedAutoencoder.create({ layers, threads: threads as number })).rejects.toThrow(
      message,
    );
  });

  test("createSync has one thread and says so", () => {
    expect(() => TiedAutoencoder.createSync({ layers, threads: 2 })).toThrow(InvalidValueError);
    expect(() => TiedAutoencoder.createSync({ layers, threads: 2 })).toThrow(
      /needs create or load/,
    );
  });

  test("a file that cannot be read leaves no worker behind", async () => {
    const ends: Promise<unknown>[] = [];
    const createWorker = () => {
      const worker = new Worker(threadWorker, { eval: true });
      ends.push(once(worker, "exit"));
      return worker;
    };
    const loading = TiedAutoencoder.load(new Uint8Array(9), { threads: 2, createWorker });
    await expect(loading).rejects.toThrow(FormatError);
    expect(ends).toHaveLength(1);
    await Promise.all(ends);
  });

  test("workers that cannot start are one typed warning and one thread", async () => {
    const warnings: ThreadsUnavailableWarning[] = [];
    const createWorker = () => {
      throw new Error("blocked by policy");
    };
    const onWarning = (warning: ThreadsUnavailableWarning) => warnings.push(warning);
    const model = await TiedAutoencoder.create({ layers, threads: 2, createWorker, onWarning });
    expect(model.threads).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({
      name: "ThreadsUnavailableWarning",
      threads: 2,
      lacking: "workers",
    });
    expect(warnings[0]!.message).toMatch(/one thread instead of 2.*blocked by policy/);
    model.trainOnBatch(x);
  });
});

describe("a worker that dies", () => {
  const config: ModelConfig = { layers: [40, 30], simd: "baseline" };
  const x = randomRows(64, 40, 5);

  test("is one ThreadError, then one thread and the same numbers", async () => {
    let worker: Worker | undefined;
    const createWorker = () => {
      worker = new Worker(threadWorker, { eval: true });
      return worker;
    };
    const core = await sharedCore(2, createWorker, { leastShare: 1, patience: 3 });
    const engine = new Engine(resolveConfig(config), core);
    const plain = new Engine(resolveConfig(config), loadCoreSync({ simd: "baseline" }));
    const rows = readRows("x", x, 40);
    const batch = {
      x: rows,
      target: undefined,
      order: undefined,
      first: 0,
      count: 64,
      checked: false,
      held: undefined,
    };
    for (const model of [engine, plain]) {
      model.initialize();
      model.step.train(batch);
    }
    await worker!.terminate();
    // Not every call is shared: the first that is finds the worker gone.
    let error: unknown;
    for (let step = 0; step < 2000 && error === undefined; step++) {
      try {
        engine.step.train(batch);
        plain.step.train(batch);
      } catch (thrown) {
        error = thrown;
      }
    }
    expect(error).toBeInstanceOf(ThreadError);
    expect(engine.state.parameters.slice()).toEqual(plain.state.parameters.slice());
    expect(engine.step.train(batch)).toBe(plain.step.train(batch));
    expect(engine.state.parameters.slice()).toEqual(plain.state.parameters.slice());
  });
});
