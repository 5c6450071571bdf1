// A model on several threads gives the results of one thread, and continues after the loss of a worker. Every call
// that can be divided is shared here. test/threads/kernels.test.ts tests each kernel separately.

import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { SUM_BLOCK } from "../../assembly/ops.ts";
import type { KernelExports } from "../../src/core/generated/exports.ts";
import { kernelNames } from "../../src/core/kernel-table.ts";
import { type Core, loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import { type ModelConfig, ThreadError } from "../../src/index.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { Board, MOST_TASKS } from "../../src/threads/board.ts";
import { threadWorker } from "../../src/threads/generated/thread-worker.ts";
import { Team } from "../../src/threads/team.ts";
import { randomRows } from "../support/random.ts";
import { sharedCore } from "../support/shared-core.ts";

const cores: Core[] = [];
afterEach(() => {
  for (const core of cores.splice(0)) core.dispose();
});

/** A core on several threads, whose workers end with the test. */
async function coreOn(...options: Parameters<typeof sharedCore>): Promise<Core> {
  const core = await sharedCore(...options);
  cores.push(core);
  return core;
}

/** Weights and losses after a few steps, and results of inference. */
function fewSteps(config: ModelConfig, core: Core, x: Float32Array) {
  const engine = new Engine(resolveConfig(config), core);
  engine.initialize();
  const rows = readRows("x", x, config.layers[0]!);
  const batch = {
    x: rows,
    target: undefined,
    order: undefined,
    held: undefined,
    first: 0,
    count: rows.count,
    checked: false,
  };
  const losses = Array.from({ length: 2 }, () => engine.step.train(batch));
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
    ["the direct step", { gradient: "direct" }],
    ["the Gram step", { gradient: "gram" }],
    [
      "logits, sgd with momentum",
      {
        activation: "sigmoid",
        outputActivation: "sigmoid",
        loss: "bce",
        optimizer: { type: "sgd", momentum: 0.9 },
      },
    ],
    [
      "dropout, penalties, clipping",
      { dropout: 0.3, l1: 1e-3, l2: 1e-3, optimizer: { type: "adam", clipNorm: 0.1 } },
    ],
  ];

  test.each(configs)("%s", async (_, rest) => {
    const config: ModelConfig = { layers, simd: "baseline", ...rest };
    const alone = fewSteps(config, loadCoreSync({ simd: "baseline" }), x);
    expect(fewSteps(config, await coreOn(2), x)).toEqual(alone);
  });

  test("three threads", async () => {
    const config: ModelConfig = { layers, simd: "baseline" };
    const alone = fewSteps(config, loadCoreSync({ simd: "baseline" }), x);
    expect(fewSteps(config, await coreOn(3), x)).toEqual(alone);
  });

  test.each([1, 2])("batches of %i rows, which take the vector paths", async (rows) => {
    const config: ModelConfig = { layers, simd: "baseline" };
    const few = x.subarray(0, rows * 53);
    const alone = fewSteps(config, loadCoreSync({ simd: "baseline" }), few);
    expect(fewSteps(config, await coreOn(2), few)).toEqual(alone);
  });
});

describe("sums with more blocks than a batch has tasks", () => {
  const { kernels: alone, memory } = loadCoreSync({ simd: "baseline" });
  const most = (MOST_TASKS + 2) * SUM_BLOCK + 5;
  const x = randomRows(1, most, 8).map((value, i) => value * 10 ** (i % 7));
  const at = 1 << 20;

  test.each([MOST_TASKS * SUM_BLOCK, most])("of %i elements", async (count) => {
    const core = await coreOn(2);
    for (const each of [memory, core.memory]) {
      each.grow(320);
      new Float32Array(each.buffer, at, most).set(x);
    }
    expect(core.kernels.sumSquares(count, at)).toBe(alone.sumSquares(count, at));
    expect(core.kernels.sumAbs(count, at)).toBe(alone.sumAbs(count, at));
    expect(core.kernels.dot(count - 3, at, at + 12)).toBe(alone.dot(count - 3, at, at + 12));
  });
});

describe("which calls are shared among threads", () => {
  /** A team without workers whose kernels do nothing, and the number of shares of a call of adam. */
  function countingTeam() {
    let calls = 0;
    const count = () => {
      calls += 1;
    };
    const kernels = Object.fromEntries(kernelNames.map((name) => [name, count]));
    const exports = { ...kernels, gemmWorkspace: () => 1024 } as unknown as KernelExports;
    const board = new Board(Board.allocate(), exports, 0);
    const workers = { lost: undefined, terminate() {} };
    const team = new Team({ exports, board, threads: 2, maySleep: false, workers });
    return {
      product(size: number) {
        team.kernels.gemmNN(size, size, size, 64, size, 64, size, 0, 64, size, 64);
      },
      sharesOfAdam() {
        calls = 0;
        team.kernels.adam(100_000, 64, 64, 64, 64, 0.1, 0.9, 0.999, 1, 1e-8, 0, 1, 1);
        return calls;
      },
    };
  }

  test("begins with a large product and continues for a few small ones", () => {
    const { product, sharesOfAdam } = countingTeam();
    expect(sharesOfAdam()).toBe(1);
    product(512);
    for (let i = 0; i < 5; i++) product(8);
    expect(sharesOfAdam()).toBeGreaterThan(1);
  });

  test("ends with many small products in a row, as in a small batch", () => {
    const { product, sharesOfAdam } = countingTeam();
    product(512);
    for (let i = 0; i < 50; i++) product(8);
    expect(sharesOfAdam()).toBe(1);
  });
});

describe("a worker that dies", () => {
  const config: ModelConfig = { layers: [40, 30], simd: "baseline" };
  const x = randomRows(64, 40, 5);

  test("gives one ThreadError, then the same results on one thread", async () => {
    let worker: Worker | undefined;
    const createWorker = () => {
      worker = new Worker(threadWorker, { eval: true });
      return worker;
    };
    const core = await coreOn(2, { createWorker, patience: 3 });
    const engine = new Engine(resolveConfig(config), core);
    const plain = new Engine(resolveConfig(config), loadCoreSync({ simd: "baseline" }));
    const rows = readRows("x", x, 40);
    const batch = {
      x: rows,
      target: undefined,
      order: undefined,
      held: undefined,
      first: 0,
      count: 64,
      checked: false,
    };
    for (const model of [engine, plain]) {
      model.initialize();
      model.step.train(batch);
    }
    await worker!.terminate();
    expect(() => engine.step.train(batch)).toThrow(ThreadError);
    expect(engine.state.parameters.slice()).toEqual(plain.state.parameters.slice());
    expect(engine.step.train(batch)).toBe(plain.step.train(batch));
    expect(engine.state.parameters.slice()).toEqual(plain.state.parameters.slice());
  });
});
