// Runs the package for a long time and checks that the heap, the process and the memory of models do not grow, and that the
// bits at the end are the same. Needs a build.
//
//   npm run soak                    everything, some ten minutes
//   npm run soak -- steps models    only these parts
//   npm run soak -- --share .1      a tenth of everything
//
// Prints a line for each part, and fails if something grew or differs. docs/robustness.md has measured figures.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const { values, positionals } = parseArgs({
  options: { share: { type: "string" } },
  allowPositionals: true,
});
const share = Number(values.share ?? 1);
const entry = (name) => import(pathToFileURL(join(import.meta.dirname, "../dist", name)).href);
const { TiedAutoencoder } = await entry("index.js");
const { readCsv } = await entry("formats.js");

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Megabytes of the heap and of the process after a garbage collection. */
async function memory() {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed / 2 ** 20, process: rss / 2 ** 20 };
}

const x = Float32Array.from({ length: 32 * 16 }, (_, i) => Math.sin(i * i));
const config = { layers: [16, 8, 4], simd: "baseline", seed: 1 };
const same = (a, b) =>
  Object.keys(a).every((name) => a[name].data.every((value, i) => value === b[name].data[i]));

/** Each part does its work `count` times, and returns a description of what is wrong at the end. */
const PARTS = {
  /** Training steps in one run, and the same steps in two runs, saved and loaded in between. */
  async steps(count) {
    const model = await TiedAutoencoder.create(config);
    const options = { epochs: count, batchSize: 32 };
    const bytes = model.byteLength;
    await model.fit(x, { ...options, maxSteps: 100 });
    const before = model.byteLength;
    await model.fit(x, { ...options, resume: true });
    const cut = await TiedAutoencoder.create(config);
    await cut.fit(x, { ...options, maxSteps: Math.floor(count / 3) });
    const resumed = await TiedAutoencoder.load(cut.save({ optimizer: true }), { simd: "baseline" });
    await resumed.fit(x, { ...options, resume: true });
    const problems = [];
    if (model.stepCount !== count) problems.push(`${model.stepCount} steps`);
    if (!same(model.weights(), resumed.weights())) problems.push("other bits after a file");
    if (model.byteLength > Math.max(bytes, before)) problems.push("the model's memory grew");
    for (const each of [model, cut, resumed]) each.dispose();
    return problems;
  },
  /** Models that are made, trained for a step and disposed of. */
  async models(count) {
    for (let i = 0; i < count; i++) {
      const model = await TiedAutoencoder.create(config);
      model.trainOnBatch(x);
      model.dispose();
    }
    return [];
  },
  /** The same with a thread each. */
  async threads(count) {
    const alone = [];
    for (let i = 0; i < count; i++) {
      const onWarning = ({ message }) => alone.push(message);
      const model = await TiedAutoencoder.create({ ...config, threads: 2, onWarning });
      model.trainOnBatch(x);
      model.dispose();
    }
    return alone.length > 0 ? [`${alone.length} models on one thread, the first: ${alone[0]}`] : [];
  },
  /** Rows that come one by one, as a day of one a second: each is scored, and every 32 are trained on. */
  async rows(count) {
    const encoder = new TextEncoder();
    const line = (i) => `${Array.from({ length: 16 }, (_, j) => Math.sin(i + j).toFixed(4))}\n`;
    async function* lines() {
      for (let i = 0; i < count; i++) yield encoder.encode(line(i));
    }
    const model = await TiedAutoencoder.create({ ...config, scaler: "standard" });
    model.fitScaler({ data: x, shape: [32, 16] });
    let seen = 0;
    for await (const { data } of readCsv(lines(), { batchRows: 32, header: false })) {
      seen += model.reconstructionErrors(data).length;
      model.trainOnBatch(data);
    }
    model.dispose();
    return seen === count ? [] : [`${seen} rows of ${count}`];
  },
};

const COUNTS = { steps: 1_000_000, models: 100_000, threads: 10_000, rows: 86_400 };
/** Megabytes by which the heap and the process may be larger after the second half than after the first. */
const MOST_GROWTH = { heap: 2, process: 40 };

for (const [name, part] of Object.entries(PARTS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const half = Math.max(200, Math.ceil((COUNTS[name] * share) / 2));
  const start = performance.now();
  const problems = await part(half);
  const between = await memory();
  problems.push(...(await part(half)));
  const after = await memory();
  const seconds = (performance.now() - start) / 1000;
  const growth = Object.entries(MOST_GROWTH).map(([what, most]) => {
    const megabytes = after[what] - between[what];
    if (megabytes > most) problems.push(`the ${what} grew by ${megabytes.toFixed(1)} MiB`);
    return `${what} ${megabytes < 0 ? "" : "+"}${megabytes.toFixed(1)} MiB (${after[what].toFixed(0)})`;
  });
  const verdict = problems.length === 0 ? "fine" : problems.join("; ");
  console.log(`${name}: 2 x ${half} in ${seconds.toFixed(0)} s, ${growth.join(", ")}: ${verdict}`);
  if (problems.length > 0) process.exitCode = 1;
}
