// Models and detectors whose files are valid safetensors with damage inside: a setting, a state or a number is replaced by
// another. Loading gives a FormatError, or a model or detector whose calls return numbers or throw errors of the package.
// The time is limited by the size of the file.

import fc from "fast-check";
import { expect, test } from "vitest";
import { AnomalyDetector } from "../../../src/detect.ts";
import { decodeSafetensors } from "../../../src/formats/safetensors.ts";
import type { NamedTensor } from "../../../src/formats/safetensors-types.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors-write.ts";
import * as api from "../../../src/index.ts";
import { type ModelConfig, TiedAutoencoder } from "../../../src/index.ts";
import { randomRows } from "../../support/random.ts";
import { attack, SECONDS } from "../support.ts";

const WIDTH = 5;
const MOST_SECONDS = 5;
const x = randomRows(24, WIDTH, 1);

const configs: Omit<ModelConfig, "layers">[] = [
  { optimizer: { type: "rmsprop", centered: true, momentum: 0.5 }, scaler: "standard" },
  { code: { type: "topK", k: 2, auxiliary: { k: 2, deadAfter: 3 } }, constraint: "unitNorm" },
  { code: { type: "batchTopK", k: 2, centered: true }, missing: "mask", scaler: "minMax" },
  { code: { type: "gaussian", beta: 0.5 }, loss: "bce", outputActivation: "sigmoid" },
  {
    activation: "tanh",
    penalties: [
      { type: "contraction", weight: 0.1 },
      { type: "klSparsity", rho: 0.1, weight: 0.1 },
    ],
    constraint: { type: "maxNorm", max: 1 },
  },
  { loss: { type: "mixed", categories: [[1, 3]], weights: [1, 2, 3] }, dropout: 0.2 },
];
const models = await Promise.all(
  configs.map(async (config) => {
    using model = await TiedAutoencoder.create({
      layers: [WIDTH, 4, 4],
      simd: "baseline",
      ...config,
    });
    const early = { patience: 2, restoreBest: true };
    await model.fit(x, { epochs: 3, maxSteps: 5, batchSize: 8, earlyStopping: early });
    return model.save({ optimizer: true });
  }),
);

const table = Array.from({ length: 60 }, (_, i) => ({
  a: Math.sin(i),
  b: (i * 7) % 11,
  kind: ["x", "y", "z"][i % 3]!,
}));
const series = Array.from({ length: 120 }, (_, i) => ({
  t: i,
  a: Math.sin(i / 3),
  b: Math.cos(i / 5),
}));
const detectors = [
  { rows: table, file: (await AnomalyDetector.fit(table, { model: 2 })).save() },
  { rows: table, file: (await AnomalyDetector.fit(table, { model: 1, score: "combined" })).save() },
  {
    rows: series,
    file: (
      await AnomalyDetector.fit(series, { model: 2, window: 8, columns: { t: "time" } })
    ).save(),
  },
];

const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      "",
      "x",
      "__proto__",
      -1,
      0,
      1,
      1.5,
      2,
      3,
      1e3,
      1e9,
      2 ** 31,
      2 ** 53,
      1e308,
      -1e308,
    ],
    ...[[], {}, [null], [1e9], { type: "topK" }, { type: "topK", k: 1 }, { type: "gaussian" }],
    ...["topK", "mixed", "standard", "number", "category", "time", "\u0000", "\u202e", "<script>"],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.string(),
);

/** A damaged place, given as a share of all places. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  inTensors: fc.boolean(),
  kind: fc.constantFrom("replace" as const, "replace" as const, "remove" as const, "copy" as const),
  value: hostile,
});
type Edit = { at: number; inTensors: boolean; kind: "replace" | "remove" | "copy"; value: unknown };

/** Every place of a JSON value: the containing object or array, and the key. */
function places(value: unknown, found: [Record<string, unknown>, string][] = []) {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Record<string, unknown>, key]);
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** The file with its edits. Its format is valid. */
function edited(file: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(file);
  const texts = Object.entries(metadata).map(([key, text]) => [key, parsed(text)]);
  const json: Record<string, unknown> = Object.fromEntries(texts);
  let list: NamedTensor[] = [...tensors].map(([name, tensor]) => ({ ...tensor, name }));
  for (const { at, inTensors, kind, value } of edits) {
    if (inTensors) {
      const place = Math.floor(at * list.length);
      const tensor = list[place];
      if (!tensor) continue;
      if (kind === "remove") list = list.filter((each) => each !== tensor);
      else if (kind === "copy") {
        const name = `${tensor.name}.${String(value)}`;
        if (list.every((each) => each.name !== name)) list.push({ ...tensor, name });
      } else if (typeof value === "number" && !(tensor.data instanceof BigInt64Array)) {
        const data = tensor.data.slice() as Float64Array;
        data[Math.floor(((at * 1e6) % 1) * data.length)] = value;
        list[place] = { ...tensor, data };
      } else list[place] = { ...tensor, shape: [tensor.data.length, 1] };
    } else {
      const all = places(json);
      const [holder, key] = all[Math.floor(at * all.length)] ?? [json, "format"];
      if (kind === "remove") delete holder[key];
      // A large index would make an array of that length.
      else if (kind === "copy" && Array.isArray(holder)) holder.push(holder[Number(key)]);
      else if (kind === "copy") holder[`${key}${String(value).slice(0, 9)}`] = holder[key];
      else holder[key] = structuredClone(value); // later edits change it, and other inputs share it
    }
  }
  const strings = Object.entries(json).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return encodeSafetensors(list, Object.fromEntries(strings));
}

const isOurs = (error: unknown) =>
  Object.values(api).some((each) => typeof each === "function" && error instanceof each) &&
  error instanceof Error;

/** Runs a call, which may throw errors of the package, and returns its result. */
async function answer(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    if (!isOurs(error)) throw error;
    return undefined;
  }
}

/** Processor time of `work`. */
async function within(seconds: number, work: () => Promise<void>): Promise<void> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(seconds);
}

async function load<Loaded>(loading: Promise<Loaded>): Promise<Loaded | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof api.FormatError || error instanceof api.MemoryLimitError) return undefined;
    throw error;
  }
}

const edits = fc.array(edit, { minLength: 1, maxLength: 3 });

test("a damaged model loads as a valid model or is refused", async () => {
  let loaded = 0;
  let refused = 0;
  await attack(
    fc.tuple(fc.constantFrom(...models), edits),
    ([file, damage]) =>
      within(MOST_SECONDS, async () => {
        const model = await load(TiedAutoencoder.load(edited(file, damage), { simd: "baseline" }));
        if (!model) return void refused++;
        loaded++;
        await answer(() => model.reconstruct(x));
        await answer(() => model.encode(x, { sparse: true }));
        await answer(() => model.evaluate(x));
        await answer(() => model.trainOnBatch(x));
        await answer(() => model.fit(x, { epochs: 4, batchSize: 8, resume: true }));
        await answer(() => model.summary());
        await answer(() => model.toOnnx());
        const again = await load(TiedAutoencoder.load(model.save({ optimizer: true })));
        again?.dispose();
        model.dispose();
      }),
    2 * SECONDS,
  );
  console.log(`${refused} refused, ${loaded} loaded`);
  expect(Math.min(refused, loaded)).toBeGreaterThan(0);
});

test("a damaged detector loads as a valid detector or is refused", async () => {
  let loaded = 0;
  let refused = 0;
  await attack(
    fc.tuple(fc.constantFrom(...detectors), edits),
    ([{ file, rows }, damage]) =>
      within(MOST_SECONDS, async () => {
        const detector = await load(
          AnomalyDetector.load(edited(file, damage), { simd: "baseline" }),
        );
        if (!detector) return void refused++;
        loaded++;
        const scores = (await answer(() => detector.score(rows))) as Float64Array | undefined;
        if (scores) expect(scores.length).toBe(rows.length);
        await answer(() => detector.pValues(rows));
        await answer(() => detector.detect(rows, { alpha: 0.1 }));
        await answer(() => detector.detect(rows, { fdr: 0.1 }));
        await answer(() => detector.threshold({ quantile: 0.9 }));
        await answer(() => detector.explain(rows.slice(0, 20)));
        await answer(() => detector.events(rows));
        await answer(() => detector.drift(rows));
        const page = await answer(() => detector.report(rows));
        expect(String(page)).not.toMatch(/<script>(?!\n)/);
        await answer(() => {
          const stream = detector.stream();
          for (const row of rows.slice(0, 20)) stream.push(row);
          return stream.end();
        });
        const again = await load(AnomalyDetector.load(detector.save()));
        again?.dispose();
        detector.dispose();
      }),
    4 * SECONDS,
  );
  console.log(`${refused} refused, ${loaded} loaded`);
  expect(Math.min(refused, loaded)).toBeGreaterThan(0);
});
