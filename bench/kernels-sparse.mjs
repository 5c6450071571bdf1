// Compares the kernels of a training step with a top-k code with those of the dense step of the same shapes, on one
// thread: 768 inputs, 6,144 units, 32 of them kept, 256 rows. Every round runs every kernel once, one after the other,
// so that other work on the machine slows all. Times are processor times. The ratios are medians of the ratios within a
// round.
//
//   npm run build:wasm
//   node bench/kernels-sparse.mjs [baseline|relaxed] [--rounds N]
//
// Runs on Node 20 and later.

import { describeHost, readBuild } from "./support/host.mjs";
import { quantile } from "./support/rounds.mjs";

const args = process.argv.slice(2);
const build = args.find((arg) => arg === "baseline" || arg === "relaxed") ?? "baseline";
const at = args.indexOf("--rounds");
const rounds = at < 0 ? 15 : Number(args[at + 1]);

const [ROWS, INPUTS, UNITS, KEPT] = [256, 768, 6144, 32];
const memory = new WebAssembly.Memory({ initial: 2600, maximum: 65536 });
const core = new WebAssembly.Instance(new WebAssembly.Module(readBuild(build)), { env: { memory } })
  .exports;

let top = 1024;
/** Room for this many floats, on a cache line. */
function floats(count) {
  const pointer = top;
  top = (top + 4 * count + 63) & ~63;
  if (top > memory.buffer.byteLength) throw new Error("The memory is too small.");
  return pointer;
}

const x = floats(ROWS * INPUTS);
const y = floats(ROWS * INPUTS);
const dy = floats(ROWS * INPUTS);
const h = floats(ROWS * UNITS);
const kept = floats(ROWS * UNITS);
const dh = floats(ROWS * UNITS);
const w = floats(UNITS * INPUTS);
const dw = floats(UNITS * INPUTS);
const [m, v] = [floats(UNITS * INPUTS), floats(UNITS * INPUTS)];
const [indices, values, dValues] = [0, 1, 2].map(() => floats(ROWS * KEPT));
const [entryRows, entries] = [floats(ROWS * KEPT), floats(ROWS * KEPT)];
const starts = floats(ROWS + 1);
const unitStarts = floats(UNITS + 1);
const workspace = floats(
  Math.max(
    core.topKWorkspace(ROWS * UNITS),
    core.gemmWorkspace(ROWS, UNITS, INPUTS),
    core.gemmWorkspace(UNITS, INPUTS, ROWS),
  ) / 4,
);

const normal = (count, out, std, stream) =>
  core.randomNormal(count, out, 0, 0, std, 1, 2, 3, stream);
normal(ROWS * INPUTS, x, 1, 1);
normal(UNITS * INPUTS, w, 1 / Math.sqrt(INPUTS), 2);
normal(ROWS * INPUTS, dy, 1e-3, 3);
new Uint32Array(memory.buffer, starts, ROWS + 1).forEach((_, r, all) => {
  all[r] = r * KEPT;
});
const STEP = [0, 0.9, 0.999, 1, 1e-8, 0, 1, 1]; // of size 0: the weights stay as they are
const adam = () => core.adam(UNITS * INPUTS, w, dw, m, v, ...STEP);
core.gemmNT(ROWS, UNITS, INPUTS, x, INPUTS, w, INPUTS, 0, h, UNITS, workspace);

/** Kernels by the steps that they are part of. */
const tasks = [
  [
    "encoder's product",
    "both",
    () => core.gemmNT(ROWS, UNITS, INPUTS, x, INPUTS, w, INPUTS, 0, h, UNITS, workspace),
  ],
  ["topK", "sparse", () => core.topK(ROWS, UNITS, KEPT, h, 0, indices, values, workspace)],
  [
    "sparseNN (decode)",
    "sparse",
    () => core.sparseNN(ROWS, INPUTS, starts, indices, values, w, INPUTS, 0, y, INPUTS),
  ],
  [
    "sampledNT (gradient at the code)",
    "sparse",
    () => core.sampledNT(ROWS, INPUTS, starts, indices, dy, INPUTS, w, INPUTS, dValues),
  ],
  [
    "invertLists",
    "sparse",
    () => core.invertLists(ROWS, UNITS, starts, indices, unitStarts, entryRows, entries),
  ],
  [
    "sparseTN (gradient of the weight)",
    "sparse",
    () =>
      core.sparseTN(
        UNITS,
        INPUTS,
        unitStarts,
        entryRows,
        entries,
        values,
        dy,
        INPUTS,
        dValues,
        x,
        INPUTS,
        0,
        dw,
        INPUTS,
      ),
  ],
  [
    "sparseColumnSums (of the bias)",
    "sparse",
    () => core.sparseColumnSums(UNITS, unitStarts, entries, dValues, 0, dh),
  ],
  [
    "topK with zeros in place",
    "else",
    () => core.topK(ROWS, UNITS, KEPT, h, kept, indices, values, workspace),
  ],
  [
    "topK of the whole batch",
    "else",
    () => core.topK(1, ROWS * UNITS, ROWS * KEPT, h, 0, dValues, entries, workspace),
  ],
  [
    "dense decode",
    "dense",
    () => core.gemmNN(ROWS, INPUTS, UNITS, kept, UNITS, w, INPUTS, 0, y, INPUTS, workspace),
  ],
  [
    "dense gradient at the code",
    "dense",
    () => core.gemmNT(ROWS, UNITS, INPUTS, dy, INPUTS, w, INPUTS, 0, dh, UNITS, workspace),
  ],
  [
    "dense gradient, decoder's use",
    "dense",
    () => core.gemmTN(UNITS, INPUTS, ROWS, kept, UNITS, dy, INPUTS, 0, dw, INPUTS, workspace),
  ],
  [
    "dense gradient, encoder's use",
    "dense",
    () => core.gemmTN(UNITS, INPUTS, ROWS, dh, UNITS, x, INPUTS, 1, dw, INPUTS, workspace),
  ],
  ["adam", "both", adam],
].map(([name, step, run]) => ({ name, step, run, times: [] }));

for (let round = -3; round < rounds; round++) {
  for (const task of tasks) {
    const start = process.cpuUsage();
    task.run();
    const { user, system } = process.cpuUsage(start);
    if (round >= 0) task.times.push((user + system) / 1000);
  }
}

const product = tasks[0].times;
const ratios = (times) =>
  quantile(
    times.map((time, i) => time / product[i]),
    0.5,
  );
const total = (...steps) =>
  product.map((_, i) =>
    tasks.reduce((sum, t) => sum + (steps.includes(t.step) ? t.times[i] : 0), 0),
  );
const line = (name, times) =>
  console.log(
    name.padEnd(36) +
      quantile(times, 0.5).toFixed(2).padStart(10) +
      Math.min(...times)
        .toFixed(2)
        .padStart(10) +
      ratios(times).toFixed(3).padStart(12),
  );
console.log(
  `${describeHost()}, ${build} build, ${rounds} rounds; ${INPUTS}-${UNITS}, ${KEPT} kept, ${ROWS} rows`,
);
console.log(
  `${"".padEnd(36)}${"median ms".padStart(10)}${"least".padStart(10)}${"of product".padStart(12)}`,
);
for (const { name, times } of tasks) line(name, times);
line("sparse parts together", total("sparse"));
line("dense parts together", total("dense"));
line("step with a sparse code", total("both", "sparse"));
line("dense step", total("both", "dense"));
const dense = total("both", "dense");
const share = quantile(
  total("both", "sparse").map((time, i) => time / dense[i]),
  0.5,
);
console.log(`sparse step / dense step: ${share.toFixed(3)}`);
