// Measures the speed of the matrix kernels as a fraction of the machine's peak of multiply and add, or for batch 1
// of its peak of reading and writing, and of Adam as a fraction of its square roots and divisions. The peaks are measured in the same run.
//
//   npm run build:wasm && node bench/build.mjs
//   node bench/kernels.mjs [baseline|relaxed] [--only REGEXP] [--rounds N]
//
// Runs on Node 20 and later, Deno and Bun.

import { describeHost, readBuild } from "./support/host.mjs";
import { measure } from "./support/rounds.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => {
  const at = args.indexOf(name);
  return at < 0 ? fallback : args[at + 1];
};
const build = args.find((arg) => arg === "baseline" || arg === "relaxed") ?? "baseline";
const only = new RegExp(option("--only", "."));
const rounds = Number(option("--rounds", "25"));

const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65536 });
const instantiate = (name) =>
  new WebAssembly.Instance(new WebAssembly.Module(readBuild(name)), { env: { memory } }).exports;
const core = instantiate(build);
const peak = instantiate(`peak-${build}`);

// One area for each operand, of the size of the largest, 2048 x 2048. The values are small, so that nothing overflows.
const AREA = 1 << 24;
const [A, B, C, WORKSPACE] = [1024, AREA + 1024 + 64, 2 * AREA + 1024 + 128, 3 * AREA + 1024 + 192];
new Float32Array(memory.buffer).fill(0.01);

/** @returns {import("./support/rounds.mjs").Task} */
function product(layout, label, m, n, k, beta, yardstick, work = 2 * m * n * k) {
  const lda = layout === "TN" ? m : k;
  const ldb = layout === "NT" ? k : n;
  const kernel = core[`gemm${layout}`];
  if (core.gemmWorkspace(m, n, k) >>> 0 > AREA) throw new Error("The workspace is too large.");
  const run = () => kernel(m, n, k, A, lda, B, ldb, beta, C, n, WORKSPACE);
  return { name: `${label} ${layout} ${m}x${n}x${k}${beta ? " add" : ""}`, work, run, yardstick };
}

const tasks = [];
const [D, H] = [784, 128];
const W_BYTES = 4 * D * H;
tasks.push(
  product("NT", "step 784-128 batch 1", 1, H, D, 0, "read", W_BYTES),
  product("NN", "step 784-128 batch 1", 1, D, H, 0, "read", W_BYTES),
  product("TN", "step 784-128 batch 1", H, D, 1, 0, "write", W_BYTES),
  product("TN", "step 784-128 batch 1", H, D, 1, 1, "update", W_BYTES),
);
for (const batch of [2, 4, 8, 16, 32, 64, 128, 256, 1024]) {
  const label = `step 784-128 batch ${batch}`;
  tasks.push(
    product("NT", label, batch, H, D, 0, "peak"),
    product("NN", label, batch, D, H, 0, "peak"),
    product("TN", label, H, D, batch, 0, "peak"),
    product("TN", label, H, D, batch, 1, "peak"),
  );
}
// Without clipping and weight decay. The yardstick is a square root and a division for each parameter, in registers.
for (const [label, count] of [
  ["784-128", D * H],
  ["in L1", 900],
]) {
  const run = () => core.adam(count, A, B, C, WORKSPACE, 1e-3, 0.9, 0.999, 1.5, 1e-8, 0, 1, 1);
  tasks.push({ name: `adam ${label}`, work: count, run, yardstick: "roots" });
}
for (const size of [64, 65, 96, 127, 128, 129, 192, 255, 256, 257, 384, 512, 768, 1024]) {
  for (const layout of ["NN", "NT", "TN"]) {
    tasks.push(product(layout, "square", size, size, size, 0, "peak"));
  }
}
for (const size of [128, 256, 512]) {
  for (const layout of ["NT", "TN"]) {
    const kernel = core[`gram${layout}`];
    tasks.push({
      name: `gram ${layout} ${size}x${size}`,
      work: size * (size + 1) * size,
      run: () => kernel(size, size, A, size, C, size, WORKSPACE),
      yardstick: "peak",
    });
  }
}

const ceilings = [
  ["chains12", 96],
  ["chains13", 104],
].map(([name, work]) => ({ name, work: 1e4 * work, run: () => peak[name](1e4, 512, 0.5) }));
const ceilingRates = new Map(
  [...(await measure(ceilings, [], 40))].map(([name, result]) => [name, result.high]),
);
const best = ceilings.reduce((a, b) =>
  ceilingRates.get(a.name) >= ceilingRates.get(b.name) ? a : b,
);
const yardsticks = [
  { ...best, name: "peak" },
  { name: "read", work: W_BYTES, run: () => peak.read(W_BYTES, B, 512) },
  { name: "write", work: W_BYTES, run: () => peak.write(W_BYTES, C, 0.01) },
  { name: "roots", work: 32e3, run: () => peak.roots(1e3, 512, 2) },
  { name: "update", work: W_BYTES, run: () => peak.update(W_BYTES, C, 0) },
];

const chosen = tasks.filter((task) => only.test(task.name));
const results = await measure(chosen, yardsticks, rounds);
console.log(`${describeHost()}, ${build} build, ${rounds} rounds`);
console.log(
  `peak: ${ceilings.map((c) => `${c.name} ${ceilingRates.get(c.name).toFixed(1)}`).join(", ")} GFLOP/s`,
);
console.log(
  `${"".padEnd(44)}${["median", "p10", "p90", "fraction", "quiet"].map((t) => t.padStart(9)).join("")}`,
);
for (const { name, yardstick } of chosen) {
  const { rate, low, high, fraction, quiet } = results.get(name);
  const unit =
    yardstick === "peak"
      ? "GFLOP/s"
      : yardstick === "roots"
        ? "parameters/ns of roots"
        : `GB/s of ${yardstick}`;
  const numbers = [rate, low, high].map((x) => x.toFixed(1).padStart(9)).join("");
  const shares = [fraction, quiet].map((x) => x.toFixed(3).padStart(9)).join("");
  console.log(`${name.padEnd(44)}${numbers}${shares}  ${unit}`);
}
