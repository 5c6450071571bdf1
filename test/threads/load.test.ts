// The options for threads: `threads`, `createWorker` and `onWarning` of create and load.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  FormatError,
  InvalidValueError,
  type ThreadsUnavailableWarning,
  TiedAutoencoder,
} from "../../src/index.ts";
import { threadWorker } from "../../src/threads/generated/thread-worker.ts";
import { randomRows } from "../support/random.ts";

afterEach(() => vi.unstubAllGlobals());

const layers = [64, 48];
const x = randomRows(600, 64, 4);

test("a model on two threads gives the results of one thread", async () => {
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

test("createSync has one thread, and the error for more says so", () => {
  expect(() => TiedAutoencoder.createSync({ layers, threads: 2 })).toThrow(InvalidValueError);
  expect(() => TiedAutoencoder.createSync({ layers, threads: 2 })).toThrow(/needs create or load/);
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

test("workers that cannot start give one typed warning and one thread", async () => {
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

describe("memory that threads cannot share", () => {
  /** The warning of a model that asks for two threads and gets one. */
  async function warningOf() {
    const warnings: ThreadsUnavailableWarning[] = [];
    const onWarning = (warning: ThreadsUnavailableWarning) => warnings.push(warning);
    const model = await TiedAutoencoder.create({ layers, threads: 2, onWarning });
    expect(model.threads).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ threads: 2, lacking: "sharedMemory" });
    return warnings[0]!.message;
  }

  test("a program gets the reason of the host", async () => {
    const { Memory } = WebAssembly;
    class LimitedMemory extends Memory {
      constructor(limits: WebAssembly.MemoryDescriptor) {
        if (limits.shared) throw new RangeError("could not allocate memory");
        super(limits);
      }
    }
    vi.stubGlobal(
      "WebAssembly",
      Object.assign(Object.create(WebAssembly), { Memory: LimitedMemory }),
    );
    const message = await warningOf();
    expect(message).toMatch(/gave no memory that threads can share \(could not allocate memory\)/);
    expect(message).not.toMatch(/Cross-Origin/);
  });

  test("a page without isolation gets a message about the headers", async () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    vi.stubGlobal("crossOriginIsolated", false);
    expect(await warningOf()).toMatch(/Cross-Origin-Opener-Policy: same-origin/);
  });
});
