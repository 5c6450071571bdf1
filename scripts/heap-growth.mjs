// Measures the growth of the JavaScript heap for every training step between two collections, which is the garbage of a step.
// Prints a table and fails if a case grows by more than its limit. Needs a build (`npm run build:js`).
//
// heapUsed counts everything that the engine keeps on its heap. So a case is measured after a warm-up, with a young
// generation that is large enough for all of its steps. The result is the median of nine rounds.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
const ROUNDS = 9;
const STEPS = 2000;
const EPOCHS = 20;
/** Rounds before the first measured one. The engine compiles a step several times, with more optimizations each time. */
const WARM_UP = 15;
const WIDTH = 16;
/** The limit in bytes a step. */
const LIMITS = { trainOnBatch: 64, fit: 128 };

const { TiedAutoencoder } = await import(
  pathToFileURL(join(import.meta.dirname, "../dist/index.js")).href
);

/** Rows of numbers that are the same in every run. */
function data(rows) {
  return Float32Array.from({ length: rows * WIDTH }, (_, i) => Math.sin(i * i));
}

async function withModel(config, measure) {
  const model = await TiedAutoencoder.create({ layers: [WIDTH, 8, 4], ...config });
  try {
    return await measure(model);
  } finally {
    model.dispose();
  }
}

/** The median over all rounds of the bytes a step. */
async function growth(steps, run) {
  for (let i = 0; i < WARM_UP; i++) await run();
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    globalThis.gc();
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    await run();
    rounds.push((process.memoryUsage().heapUsed - before) / steps);
  }
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

/** A case that takes 2,000 steps of `trainOnBatch`. */
const batchCase = (rows, config = {}) => ({
  limit: LIMITS.trainOnBatch,
  measure: () =>
    withModel(config, (model) => {
      const batch = data(rows);
      return growth(STEPS, () => {
        for (let i = 0; i < STEPS; i++) model.trainOnBatch(batch);
      });
    }),
});

/** A case that takes 2,000 steps in 20 epochs of `fit`. */
const fitCase = (batchSize, options = {}, config = {}) => ({
  limit: LIMITS.fit,
  measure: () =>
    withModel(config, (model) => {
      const x = data((batchSize * STEPS) / EPOCHS);
      return growth(STEPS, () => model.fit(x, { epochs: EPOCHS, batchSize, ...options }));
    }),
});

const cosine = { schedule: { type: "cosine", tMax: STEPS } };
const noise = { corruption: { type: "gaussian", std: 0.1 } };
const cases = {
  "trainOnBatch, batch 8": batchCase(8),
  "trainOnBatch, batch 32": batchCase(32),
  "trainOnBatch, batch 32, direct gradient": batchCase(32, { gradient: "direct" }),
  "trainOnBatch, batch 32, dropout, clipNorm": batchCase(32, {
    dropout: 0.2,
    optimizer: { type: "adamw", clipNorm: 1 },
  }),
  "trainOnBatch, batch 32, l2, sgd": batchCase(32, { l2: 1e-4, optimizer: "sgd" }),
  "fit, batch 8, in order": fitCase(8, { shuffle: false }),
  "fit, batch 8": fitCase(8),
  "fit, batch 32": fitCase(32),
  "fit, batch 8, cosine": fitCase(8, cosine),
  "fit, batch 32, cosine, dropout": fitCase(32, cosine, { dropout: 0.2 }),
  "fit, batch 32, noise": fitCase(32, noise),
  "fit, batch 32, missing values masked": fitCase(32, {}, { missing: "mask" }),
};

/** This Node, and Node 24 if test:hosts has installed it, because they compile differently. */
function hosts() {
  const installed = join(import.meta.dirname, "../test/runtime/node_modules/node24/bin/node");
  const isAnother = !process.version.startsWith("v24.") && existsSync(installed);
  return isAnother ? [process.execPath, installed] : [process.execPath];
}

/**
 * The number of processes in which a case may fail before the script fails. The time at which the engine compiles the last
 * version of a step depends on the load of the machine, and rounds with an earlier version leave more garbage.
 */
const ATTEMPTS = 3;

// Each case runs in its own process, so that its code is compiled for this case only.
const title = process.argv[2];
if (title === undefined) {
  for (const host of hosts()) {
    const { stdout } = spawnSync(host, ["--version"], { encoding: "utf8" });
    console.log(`Node ${stdout.trim()}: bytes of heap a step`);
    for (const each of Object.keys(cases)) {
      const measured = () =>
        spawnSync(host, [...FLAGS, import.meta.filename, each], { stdio: "inherit" }).status === 0;
      let isWithin = measured();
      for (let i = 1; i < ATTEMPTS && !isWithin; i++) isWithin = measured();
      if (!isWithin) process.exitCode = 1;
    }
  }
} else {
  const { limit, measure } = cases[title];
  const bytes = await measure();
  const verdict = bytes > limit ? `more than ${limit}` : `at most ${limit}`;
  console.log(`${bytes.toFixed(0).padStart(6)}  ${title} (${verdict})`);
  if (bytes > limit) process.exitCode = 1;
}
