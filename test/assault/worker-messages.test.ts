// Messages between a page and its worker, valid and damaged. The worker answers every call with a value or an error,
// ignores other data, and answers a valid call afterwards. The page settles every promise, for any reply of a worker.
// Neither changes the prototypes of objects.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import type { Port } from "../../src/worker/call-server.ts";
import { serveDetector } from "../../src/worker/detector-host.ts";
import { serve } from "../../src/worker/host.ts";
import type * as entry from "../../src/worker.ts";
import { attack } from "./support.ts";

const built = new URL("../../dist/worker.js", import.meta.url).href;
const page = (await import(/* @vite-ignore */ built)) as typeof entry;

const inherited = () => JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
const before = inherited();
const rejections: unknown[] = [];
const keep = (reason: unknown) => rejections.push(reason);
beforeAll(() => void process.on("unhandledRejection", keep));
afterAll(() => {
  process.off("unhandledRejection", keep);
  expect(rejections).toEqual([]);
  expect(inherited()).toBe(before);
});

const x = Float32Array.from({ length: 24 }, (_, i) => (i % 7) / 7);
const table = Array.from({ length: 12 }, (_, i) => ({ a: i, b: i % 3, c: `x${i % 2}` }));
const file = TiedAutoencoder.createSync({ layers: [6, 3] }).save();
const detectorFile = (await AnomalyDetector.fit(table)).save();

/** Objects with keys that all objects inherit, as JSON makes them. */
const odd = fc
  .constantFrom(
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"data":{"length":4},"shape":[1,4]}',
    '{"tied-autoencoder data":0}',
    '{"tied-autoencoder data":"__proto__"}',
    '"tied-autoencoder callback"',
  )
  .map((text): unknown => JSON.parse(text));

const anything = fc.oneof(odd, fc.anything({ withTypedArray: true, withSparseArray: true }));
const holdsItself = () => {
  const self: Record<string, unknown> = {};
  self.self = self;
  return self;
};
const argument = fc.oneof(
  fc.constantFrom<unknown>(
    x,
    x.subarray(0, 6),
    table,
    table[0],
    file,
    detectorFile,
    { columns: { a: [1, 2, 3], b: ["x", "y", "z"] } },
    { layers: [6, 3], simd: "baseline" },
    { layers: [6, 3], __proto__: null, seed: -1 },
    { epochs: 2, onEpoch: "tied-autoencoder callback" },
    { method: "pca" },
    { alpha: 0.1 },
    { yardstick: true, seed: 1 },
    undefined,
    0,
    1,
    -1,
    Number.NaN,
  ),
  anything,
  fc.constant(null).map(holdsItself),
);

const names = [
  ...["create", "load", "initializeFrom", "fit", "startSteps", "nextStep", "endSteps", "send"],
  ...["release", "setLearningRate", "encode", "decode", "evaluate", "trainOnBatch", "weights"],
  ...["setWeights", "gradients", "save", "summary", "update", "stream", "push", "end", "score"],
  ...["detect", "explain", "report", "drift", "pValues", "threshold", "dispose", "toOnnx"],
  ...["constructor", "__proto__", "__defineGetter__", "toString", "hasOwnProperty", "then", ""],
];
const call = fc.oneof(fc.constantFrom(...names), fc.string());
const message = fc.oneof(
  { weight: 8, arbitrary: fc.record({ call, args: fc.array(argument, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ call, args: argument }) },
  { weight: 1, arbitrary: fc.record({ answer: argument, value: argument, error: argument }) },
  { weight: 1, arbitrary: fc.record({ abort: argument }) },
  { weight: 1, arbitrary: anything },
);

/** The data that a port delivers, or undefined if they cannot be sent. */
function sent(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

const sides = [
  ["model", serve, "create", [{ layers: [6, 3], simd: "baseline" }]],
  ["detector", serveDetector, "load", [detectorFile, {}]],
] as const;

test.each(sides)(
  "the worker of a %s answers every call with a value or an error",
  async (_, start, make, given) => {
    await attack(fc.array(message, { maxLength: 12 }), async (messages) => {
      const answers = new Map<unknown, Record<string, unknown>>();
      let listener: (message: unknown) => void = () => {};
      const waiting = new Map<unknown, () => void>();
      const port: Port = {
        post(reply) {
          const copy = structuredClone(reply) as Record<string, unknown>;
          if ("ask" in copy) listener({ answer: copy.ask, value: undefined });
          else {
            answers.set(copy.id, copy);
            waiting.get(copy.id)?.();
          }
        },
        listen: (heard) => {
          listener = heard;
        },
      };
      start(port);
      const ask = async (id: number, one: object) => {
        const answered = new Promise<void>((resolve) => waiting.set(id, resolve));
        listener({ id, ...one });
        await answered;
        return answers.get(id);
      };
      await ask(2e6, { call: make, args: given });
      let id = 0;
      for (const one of messages) {
        const copy = sent(one);
        const isCall =
          typeof copy === "object" && copy !== null && "call" in copy && "args" in copy;
        if (!isCall || !Array.isArray(copy.args)) listener(copy);
        else {
          const answer = await ask(id, copy);
          expect("error" in (answer ?? {}) || "value" in (answer ?? {})).toBe(true);
        }
        id++;
      }
      const last = await ask(1e6, { call: make, args: given });
      expect(last?.error).toBeUndefined();
    });
  },
);

/** A worker that answers with `replies` in order. */
function workerOf(replies: readonly unknown[]) {
  const heard: Record<string, (event: { data: unknown }) => void> = {};
  let next = 0;
  return {
    addEventListener: (type: string, listener: (event: { data: unknown }) => void) => {
      heard[type] = listener;
    },
    postMessage({ id }: { id?: number }) {
      if (id === undefined) return;
      const reply = replies[next++ % replies.length];
      const isObject = typeof reply === "object" && reply !== null;
      const own = isObject && "ownId" in reply ? reply : isObject ? { id, ...reply } : reply;
      queueMicrotask(() => {
        heard.message?.({ data: own });
        // Even if the last answer of a worker is wrong, every promise must settle.
        heard.message?.({ data: { id, error: { name: "Error", message: "at last" } } });
      });
    },
    terminate() {},
  };
}

const reply = fc.oneof(
  fc.record({ value: argument, state: argument }),
  fc.record({ error: argument }),
  fc.record({
    error: fc.record({
      name: fc.constantFrom("Error", "__proto__", "constructor", "toString", "FormatError", ""),
      message: fc.oneof(fc.string(), anything),
      stack: anything,
    }),
  }),
  fc.record({ ask: argument, callback: fc.constantFrom("onEpoch", "constructor", "__proto__") }),
  fc.record({ ownId: fc.constant(true), id: argument, value: argument }),
  anything,
);

test("the page settles every call, for any reply of its worker", async () => {
  const settled = async (promise: Promise<unknown>) => {
    try {
      await promise;
    } catch (error) {
      expect(error === undefined || typeof error !== "function").toBe(true);
    }
  };
  const made = { value: { config: { layers: [6, 3] }, build: "baseline" } };
  await attack(fc.array(reply, { minLength: 1, maxLength: 6 }), async (replies) => {
    const options = { createWorker: () => workerOf([made, ...replies]) };
    const model = await page.TiedAutoencoder.create(
      { layers: [6, 3], wasm: new Uint8Array(8) },
      options,
    );
    await settled(model.encode(x));
    await settled(model.fit(x, { onEpoch() {} }));
    await settled(model.save());
    await settled(model.encode(holdsItself() as never));
    model.dispose();
    const hostile = { createWorker: () => workerOf(replies) };
    await settled(
      page.TiedAutoencoder.create({ layers: [6, 3], wasm: new Uint8Array(8) }, hostile),
    );
    await settled(page.AnomalyDetector.fit(table, { wasm: new Uint8Array(8) }, hostile));
  });
});
