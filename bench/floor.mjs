// Measures training steps and inference as a share of the machine's peak of multiply and add:
//
//   npm run build && node bench/build.mjs
//   node bench/floor.mjs [baseline|relaxed] [--only REGEXP] [--rounds N]
//
// The floor of a call counts the multiplications of its matrix products and nothing else: no activation, loss, optimizer,
// copy or check. A step's floor is that of the cheaper of the direct and the Gram step (docs/decisions/040-gram-step.md). The
// rate of a large product of ours is measured before and after each call: the share of it shows what a call spends on other
// things than products. The share of the peak, a loop that multiplies and adds in registers, is that times the product's own.

import { parseArgs } from "node:util";
import { TiedAutoencoder } from "tied-autoencoder";
import { digitsLike, inTurn } from "./support/batches.mjs";
import { describeHost, readBuild } from "./support/host.mjs";
import { measure } from "./support/rounds.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "." },
    rounds: { type: "string", default: "25" },
  },
});
const [build = "baseline"] = positionals;
const only = new RegExp(values.only);

const MODELS = [
  [784, 128],
  [784, 256, 64],
];
const STEPS = [8, 32, 128, 256, 1024];
const CALLS = [32, 128, 1024];
const ROWS = 2048;

/** Products of the weight of a direct step: encoding, decoding, the gradient at the units, and the weight's two gradients. */
const directStep = (rows, width, units) => 10 * rows * width * units;

/** Products of a Gram step. Those of W Wᵀ and of HᵀH compute half of a symmetric matrix. */
const gramStep = (rows, width, units) =>
  4 * rows * width * units + 3 * width * units * units + 3 * rows * units * units;

/** Operations of a step. Layers after the first also compute a gradient at their input. */
function stepWork(rows, [width, units, ...rest]) {
  let work = Math.min(directStep(rows, width, units), gramStep(rows, width, units));
  let inputs = units;
  for (const outputs of rest) {
    work += directStep(rows, inputs, outputs) + 2 * rows * inputs * outputs;
    inputs = outputs;
  }
  return work;
}

/** Operations of encoding. */
function encodeWork(rows, layers) {
  let work = 0;
  for (let i = 1; i < layers.length; i++) work += 2 * rows * layers[i - 1] * layers[i];
  return work;
}

const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536 });
const instantiate = (name) =>
  new WebAssembly.Instance(new WebAssembly.Module(readBuild(name)), { env: { memory } }).exports;
const peak = instantiate(`peak-${build}`);
const core = instantiate(build);
const ceilings = [
  ["chains12", 96],
  ["chains13", 104],
].map(([name, work]) => ({ name, work: 1e4 * work, run: () => peak[name](1e4, 512, 0.5) }));
const rates = await measure(ceilings, [], 40);
const best = ceilings.reduce((a, b) => (rates.get(a.name).high >= rates.get(b.name).high ? a : b));
const [SIZE, A, B, C, WORKSPACE] = [512, 1 << 20, 2 << 20, 3 << 20, 4 << 20];
new Float32Array(memory.buffer).fill(0.01);
const product = {
  name: "product",
  work: 2 * SIZE ** 3,
  run: () => core.gemmNT(SIZE, SIZE, SIZE, A, SIZE, B, SIZE, 0, C, SIZE, WORKSPACE),
};

const tasks = [];
for (const layers of MODELS) {
  const [width] = layers;
  const label = layers.join("-");
  const data = digitsLike(ROWS, width);
  const model = await TiedAutoencoder.create({ layers, simd: build });
  const task = (name, rows, work, use) =>
    tasks.push({
      name: `${label} ${name} ${rows}`,
      work,
      run: inTurn(data, rows, width, use),
      yardstick: "product",
    });
  for (const rows of STEPS)
    task("step", rows, stepWork(rows, layers), (x) => model.trainOnBatch(x));
  for (const rows of CALLS) {
    task("encode", rows, encodeWork(rows, layers), (x) => model.encode(x));
    task("errors", rows, 2 * encodeWork(rows, layers), (x) => model.reconstructionErrors(x));
  }
}

const chosen = tasks.filter(({ name }) => only.test(name));
const large = { ...product, name: "large product", yardstick: "peak" };
const sticks = [{ ...best, name: "peak" }, product];
const results = await measure([large, ...chosen], sticks, Number(values.rounds));
const peakRate = results.get("peak").rate;
const productShare = results.get("large product").fraction;
console.log(`${describeHost()}, ${build} build, ${values.rounds} rounds`);
console.log(
  `peak ${peakRate.toFixed(1)} GFLOP/s, a product of ${SIZE} x ${SIZE} x ${SIZE} ${productShare.toFixed(3)} of it\n`,
);
const HEAD = ["floor, ms", "median, ms", "of product", "of peak"];
console.log(`${"".padEnd(24)}${HEAD.map((text) => text.padStart(12)).join("")}`);
for (const { name, work } of chosen) {
  const { rate, fraction } = results.get(name);
  const cells = [work / peakRate / 1e6, work / rate / 1e6, fraction, fraction * productShare];
  console.log(`${name.padEnd(24)}${cells.map((x) => x.toFixed(3).padStart(12)).join("")}`);
}
