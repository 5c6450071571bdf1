// How costs grow with the number of layers and with the number of columns: `npm run bench:growth`, after a build.
// Prints for every size what each call took by one layer or by one thousand columns, which stays the same where cost is
// linear, and the memory that the model holds. Times are processor time, so that a busy machine changes them less.

import { TiedAutoencoder } from "../dist/index.js";
import { describeHost } from "./support/host.mjs";

const ROUNDS = 3;

function processorTime() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Runs the calls of a case in order; returns the microseconds of each, the least of a few rounds. */
async function measure(calls) {
  const best = {};
  for (let round = 0; round < ROUNDS; round++) {
    const state = {};
    for (const [name, call] of Object.entries(calls)) {
      const start = processorTime();
      await call(state);
      best[name] = Math.min(best[name] ?? Infinity, processorTime() - start);
    }
    best.bytes = state.model.byteLength;
    state.model.dispose();
    state.copy.dispose();
  }
  return best;
}

const calls = (config, rows, fitOptions) => {
  const width = config.layers[0];
  const x = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i));
  return {
    create: async (state) => {
      state.model = await TiedAutoencoder.create(config);
    },
    fit: async ({ model }) => {
      await model.fit(x, fitOptions);
    },
    save: (state) => {
      state.bytes = state.model.save({ optimizer: true });
    },
    load: async (state) => {
      state.copy = await TiedAutoencoder.load(state.bytes);
    },
    weights: ({ model, copy }) => {
      copy.setWeights(model.weights());
    },
    score: ({ model }) => {
      model.reconstructionErrors(x);
    },
    toOnnx: ({ model }) => {
      model.toOnnx();
    },
  };
};

/** Prints one line a size: microseconds by `unit` units of the size. */
async function table(title, sizes, unit, callsOf) {
  console.log(`\n${title}`);
  let isFirst = true;
  for (const size of sizes) {
    const { bytes, ...times } = await measure(callsOf(size));
    if (isFirst) console.log(["size", ...Object.keys(times), "KiB"].map(cell).join(""));
    isFirst = false;
    const numbers = [...Object.values(times), bytes / 1024].map((n) =>
      ((n * unit) / size).toFixed(2),
    );
    console.log([size, ...numbers].map(cell).join(""));
  }
}

const cell = (value) => String(value).padStart(9);

console.log(describeHost());
const warm = await measure(calls({ layers: new Array(101).fill(2) }, 4, { epochs: 1 }));
if (!(warm.create > 0)) throw new Error("The clock does not move.");

await table(
  "Layers of 2 units: microseconds and KiB a layer",
  [1000, 2000, 4000, 8000],
  1,
  (layers) => calls({ layers: new Array(layers + 1).fill(2) }, 4, { epochs: 1 }),
);
await table(
  "Columns to 4 units: microseconds and KiB a thousand columns",
  [1000, 10_000, 100_000],
  1000,
  (columns) =>
    calls({ layers: [columns, 4], scaler: "standard", missing: "mean" }, 16, {
      epochs: 1,
      batchSize: 8,
    }),
);
