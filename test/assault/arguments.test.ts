// Every public call with arguments that are valid, or anything at all in place of one or of a part of one: a result, or an
// error of the package that says what was expected. Nothing is added to what objects inherit.

import fc from "fast-check";
import { expect, test } from "vitest";
import * as detect from "../../src/detect.ts";
import * as formats from "../../src/formats.ts";
import * as api from "../../src/index.ts";
import { report } from "../../src/report.ts";
import { loadFrom, removeFrom, StorageError, saveTo } from "../../src/store.ts";
import { rowsFrom } from "../../src/table.ts";
import * as view from "../../src/view.ts";
import { attack } from "./support.ts";

const classes: readonly unknown[] = [
  StorageError,
  ...[api, detect, formats].flatMap((module) => Object.values(module as Record<string, unknown>)),
].filter((each) => typeof each === "function" && each.prototype instanceof Error);
const isOurs = (error: unknown) =>
  classes.some((each) => error instanceof (each as ErrorConstructor));

const x = Float32Array.from({ length: 40 }, (_, i) => ((i * 37) % 11) / 11);
const rows = Array.from({ length: 30 }, (_, i) => ({
  a: (i * 7) % 13,
  b: Math.sin(i),
  kind: `k${i % 3}`,
}));
const model = api.TiedAutoencoder.createSync({ layers: [4, 3], simd: "baseline" });
const sparse = api.TiedAutoencoder.createSync({ layers: [4, 3], code: { type: "topK", k: 1 } });
const gaussian = api.TiedAutoencoder.createSync({ layers: [4, 3], code: "gaussian" });
const detector = await detect.AnomalyDetector.fit(rows, { model: 1 });
const series = await detect.AnomalyDetector.fit(
  Array.from({ length: 80 }, (_, i) => ({ t: i, a: Math.sin(i / 3), b: Math.cos(i / 4) })),
  { window: 6, columns: { t: "time" }, model: 1 },
);
const bytes = model.save();

/** Calls with arguments that they take. */
const calls: Record<string, [call: (...args: never[]) => unknown, ...args: unknown[]]> = {
  create: [
    api.TiedAutoencoder.create,
    { layers: [4, 3], activation: "tanh", penalties: [{ type: "l1", weight: 1 }] },
  ],
  createSync: [
    api.TiedAutoencoder.createSync,
    { layers: [4, 3], code: { type: "topK", k: 2, auxiliary: { k: 1 } } },
  ],
  load: [api.TiedAutoencoder.load, bytes, { simd: "baseline" }],
  fromStateDict: [api.fromStateDict, bytes, { activation: "relu" }],
  averageWeights: [api.averageWeights as never, [model.weights(), model.weights()]],
  ...Object.fromEntries(
    (
      [
        "encode",
        "reconstruct",
        "reconstructionErrors",
        "featureErrors",
        "evaluate",
        "fitScaler",
      ] as const
    ).map((name) => [
      name,
      [(...args: never[]) => (model[name] as (...args: never[]) => unknown)(...args), x, x],
    ]),
  ),
  decode: [(code: never) => model.decode(code), new Float32Array(6)],
  sparse: [(a: never, b: never) => sparse.encode(a, b), x, { sparse: true }],
  sample: [(a: never, b: never) => gaussian.sample(a, b), 3, { seed: 1 }],
  negativeElbo: [(a: never, b: never) => gaussian.negativeElbo(a, b), x, { samples: 1, seed: 2 }],
  trainOnBatch: [(a: never, b: never) => model.trainOnBatch(a, b), x, x],
  accumulateGradients: [
    (a: never, b: never, c: never) => model.accumulateGradients(a, b, c),
    x,
    x,
    { scale: 1 },
  ],
  addGradients: [(a: never, b: never) => model.addGradients(a, b), model.weights(), { scale: 1 }],
  setWeights: [(a: never) => model.setWeights(a), model.weights()],
  fit: [
    (a: never, b: never) => model.fit(a, b),
    x,
    {
      epochs: 2,
      maxSteps: 3,
      batchSize: 4,
      validationSplit: 0.2,
      schedule: { type: "cosine", tMax: 3 },
      corruption: { type: "gaussian", std: 1 },
      earlyStopping: { patience: 1 },
    },
  ],
  initializeFrom: [(a: never, b: never) => model.initializeFrom(a, b), x, { method: "pca" }],
  save: [(a: never) => model.save(a), { optimizer: true }],
  toOnnx: [(a: never) => model.toOnnx(a), { part: "encoder" }],
  rowsFrom: [rowsFrom, rows.map(({ a, b }) => ({ a, b })), { columns: ["a", "b"] }],
  "rowsFrom columns": [rowsFrom, { a: [1, 2], b: [3, 4] }],
  "rowsFrom arrow": [
    rowsFrom,
    { numRows: 2, schema: { fields: [{ name: "a" }] }, getChildAt: () => [1, 2] },
  ],
  "rowsFrom images": [
    rowsFrom,
    { data: new Uint8ClampedArray(16), width: 2, height: 2 },
    { grayscale: true },
  ],
  readTable: [
    formats.readTable,
    new TextEncoder().encode("a,b\n1,2\n"),
    { kinds: { a: "number" } },
  ],
  "detector fit": [
    detect.AnomalyDetector.fit,
    rows.slice(0, 12),
    { model: 1, columns: { kind: "category" }, contamination: 0.1 },
  ],
  "detector load": [detect.AnomalyDetector.load, detector.save(), { simd: "baseline" }],
  score: [(a: never) => detector.score(a), rows],
  pValues: [(a: never) => detector.pValues(a), rows],
  detect: [(a: never, b: never) => detector.detect(a, b), rows, { alpha: 0.1 }],
  threshold: [(a: never) => detector.threshold(a), { quantile: 0.9 }],
  detectTraining: [(a: never) => detector.detectTraining(a), { quantile: 0.9 }],
  evaluate2: [
    (a: never, b: never, c: never) => detector.evaluate(a, b, c),
    rows,
    rows.map((_, i) => i % 2),
    { fdr: 0.1 },
  ],
  explain: [(a: never) => detector.explain(a), rows.slice(0, 2)],
  report2: [(a: never, b: never) => detector.report(a, b), rows.slice(0, 5), { title: "t" }],
  drift: [(a: never) => detector.drift(a), rows],
  events: [
    (a: never, b: never, c: never) => series.events(a, b, c),
    Array.from({ length: 30 }, (_, i) => ({ t: i, a: 1, b: 2 })),
    { alpha: 0.2 },
    { patience: 2 },
  ],
  stream: [
    (decision: never, ...pushed: never[]) => {
      const stream = detector.stream(decision);
      for (const row of pushed) stream.push(row);
      return stream.end();
    },
    { alpha: 0.1 },
    rows[0],
    rows[1],
  ],
  "series stream": [
    (decision: never, ...pushed: never[]) => {
      const stream = series.stream(decision);
      for (const row of pushed) stream.push(row);
      return stream.end();
    },
    { alpha: 0.1 },
    { t: 0, a: 1, b: 2 },
    { t: 1, a: 1, b: 2 },
    { t: 2, a: 1, b: 2 },
  ],
  report: [report as never, model, x, { title: "t", labels: [0, 1, 0, 1, 0, 1, 0, 1, 0, 1] }],
  drawLoss: [
    view.drawLoss as never,
    { epoch: [0, 1], history: { loss: [2, 1] } },
    { title: "t", width: 200 },
  ],
  drawCodes: [
    view.drawCodes as never,
    new Float32Array(20),
    { labels: ["a", "b"], size: [200, 200] },
  ],
  drawErrors: [view.drawErrors as never, [1, 2, 3], { threshold: 2, labels: ["a", "b", "c"] }],
  drawImages: [view.drawImages as never, x, { width: 2, height: 2, captions: ["a"] }],
  drawFilters: [view.drawFilters as never, { data: x, shape: [10, 4] }, { width: 2, height: 2 }],
  saveTo: [saveTo, bytes, "opfs://models/a"],
  loadFrom: [loadFrom, "indexeddb://a", { as: api.TiedAutoencoder }],
  removeFrom: [removeFrom, "download://a"],
};

const inheritedNames = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "then"];
const small = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      undefined,
      null,
      true,
      0,
      -1,
      1,
      2,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      3n,
      Symbol("s"),
    ],
    ...[
      "",
      "x",
      "__proto__",
      "constructor",
      "auto",
      "<script>alert(1)</script>",
      "\ud800",
      "../../x",
      "a\u0000b",
    ],
    ...[
      [],
      {},
      [null],
      [[]],
      [[1, 2, 3, 4]],
      [{}],
      [{ a: 1 }],
      new Float32Array(4),
      new Date(Number.NaN),
      /x/,
      () => 1,
    ],
    ...[
      new Map(),
      new Uint8Array(3),
      new ArrayBuffer(8),
      new DataView(new ArrayBuffer(8)),
      Promise.resolve(1),
    ],
    ...inheritedNames.map((name) => JSON.parse(`{"${name}":1}`)),
    ...inheritedNames.map((name) => JSON.parse(`[{"${name}":1},{"b":2}]`)),
    ...inheritedNames.map((name) => JSON.parse(`{"${name}":[1,2]}`)),
    { data: [1, 2], shape: [1, 2], stride: [1e9, 1] },
    { numRows: 2, schema: { fields: [{ name: "a" }] }, getChildAt: () => null },
    { numRows: 1e9, schema: { fields: [] }, getChildAt: () => null },
    { numRows: 3, schema: { fields: [{ name: "a" }] }, getChildAt: () => [1] },
    { columnNames: () => ["a"], getColumns: () => [] },
    { columns: { a: { length: 1e9 } } },
    new Proxy({}, {}),
    Object.create(null),
  ),
  fc.anything({ withTypedArray: true, withDate: true, withSparseArray: true, withBigInt: true }),
);

/** A copy of a value with one of its parts replaced; of text and numbers the whole. */
function replaced(value: unknown, path: readonly number[], put: unknown): unknown {
  const [at = 0, ...rest] = path;
  if (path.length === 0 || typeof value !== "object" || value === null) return put;
  if (
    ArrayBuffer.isView(value) ||
    !/^\[object (?:Object|Array)\]$/.test(String(Object.prototype.toString.call(value)))
  )
    return put;
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return put;
  const keys = Object.keys(value);
  const key = keys[at % (keys.length + 1)] ?? inheritedNames[at % inheritedNames.length] ?? "x";
  if (key === "length" && Array.isArray(value)) return put; // the length of an array takes only numbers
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  const inner = replaced(copy[key], rest, put);
  if (key === "__proto__") return { ...copy, [key]: inner };
  copy[key] = inner;
  return copy;
}

const change = fc.record({
  name: fc.constantFrom(...Object.keys(calls)),
  argument: fc.nat({ max: 3 }),
  path: fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
  put: small,
});

test("any value in place of an argument gives a result or an error of the package", async () => {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  await attack(change, async ({ name, argument, path, put }) => {
    const [call, ...given] = calls[name]!;
    const args = given.slice();
    const at = argument % Math.max(1, args.length);
    args[at] = replaced(args[at], path, put);
    try {
      await (call as (...args: unknown[]) => unknown)(...args);
    } catch (error) {
      if (!isOurs(error)) throw error;
    }
    expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
  });
});
