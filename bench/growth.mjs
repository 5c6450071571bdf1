// Measures the growth of costs with layers, columns, models and rows: `npm run bench:growth [-- --rows 10000000]`, after a
// build. Prints for every size the time of each call divided by the size, which is constant for linear cost, and the memory
// in use. Below each table is the exponent of growth: the slope of log cost over log size for the last three sizes. 1 is
// linear. Below 1 a part of the cost is fixed. Times are processor times, because other work on the machine affects them less.

import { parseArgs } from "node:util";

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
    best.bytes = state.bytesHeld ?? state.model.byteLength;
    state.model?.dispose();
    state.copy?.dispose();
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
  const found = [];
  for (const size of sizes) {
    const { bytes, ...times } = await measure(callsOf(size));
    found.push({ ...times, bytes });
    if (isFirst) console.log(["size", ...Object.keys(times), "KiB"].map(cell).join(""));
    isFirst = false;
    const numbers = [...Object.values(times), bytes / 1024].map((n) =>
      ((n * unit) / size).toFixed(2),
    );
    console.log([size, ...numbers].map(cell).join(""));
  }
  const [last, before] = [sizes.length - 1, Math.max(0, sizes.length - 3)];
  const span = Math.log(sizes[last] / sizes[before]);
  const exponents = Object.keys(found[0]).map((name) =>
    (Math.log(found[last][name] / found[before][name]) / span).toFixed(2),
  );
  console.log(["exponent", ...exponents].map(cell).join(""));
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
  [1000, 5000, 20_000, 100_000],
  1000,
  (columns) =>
    calls({ layers: [columns, 4], scaler: "standard", missing: "mean" }, 16, {
      epochs: 1,
      batchSize: 8,
    }),
);

/** Many models of 30-8 at the same time: made, trained on 64 rows, used and disposed of. */
const manyModels = (count) => {
  const x = Float32Array.from({ length: 64 * 30 }, (_, i) => Math.sin(i));
  return {
    create: async (state) => {
      state.models = [];
      for (let i = 0; i < count; i++) {
        state.models.push(await TiedAutoencoder.create({ layers: [30, 8], seed: i }));
      }
    },
    fit: async ({ models }) => {
      for (const model of models) await model.fit(x, { epochs: 2, batchSize: 16 });
    },
    score: ({ models }) => {
      for (const model of models) model.reconstructionErrors(x);
    },
    dispose: (state) => {
      state.bytesHeld = state.models.reduce((sum, model) => sum + model.byteLength, 0);
      for (const model of state.models) model.dispose();
    },
  };
};
await table("Models of 30-8: microseconds and KiB a model", [10, 100, 1000], 1, manyModels);

/** Rows in parts, so that only one part is in memory. */
async function* piecesOf(rows, width) {
  const most = 1024;
  const piece = Float32Array.from({ length: most * width }, (_, i) => Math.sin(i));
  for (let at = 0; at < rows; at += most) {
    const count = Math.min(most, rows - at);
    yield { data: piece.subarray(0, count * width), shape: [count, width] };
  }
}
const { values } = parseArgs({ options: { rows: { type: "string", default: "1000000" } } });
const sizes = [];
for (let rows = 10; rows <= Number(values.rows); rows *= 10) sizes.push(rows);
await table("Rows of 8: microseconds and KiB a thousand rows", sizes, 1000, (rows) => ({
  create: async (state) => {
    state.model = await TiedAutoencoder.create({ layers: [8, 3] });
  },
  fit: async ({ model }) => {
    await model.fit(() => piecesOf(rows, 8), { epochs: 1 });
  },
  score: async ({ model }) => {
    for await (const piece of piecesOf(rows, 8)) model.reconstructionErrors(piece);
  },
}));
