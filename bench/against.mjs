// Compares this build with another one, such as that of an earlier version, in one process:
//
//   node bench/against.mjs FOLDER [--rounds 60] [--only TEXT]
//
// FOLDER is a checkout of the package in which `npm run build` has run. The build of this checkout is also needed. Both
// builds make the same models and use the same batches. A round times each of them for about 8 ms of processor time, so that
// other work on the machine has little effect. Every second round has the reverse order. Prints a table in Markdown: the
// median times, and this build's time divided by the other's, as the median over the rounds and at the fastest tenth of
// each. Below 1 this build is faster.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { digitsLike, inTurn } from "./support/batches.mjs";
import { describeHost } from "./support/host.mjs";
import { quantile } from "./support/rounds.mjs";

const MODELS = [
  [784, 128],
  [784, 256, 64],
];
const STEPS = [1, 8, 32, 128, 256, 1024];
const ENCODINGS = [1, 32, 1024];
const SAMPLE_MS = 8;
/** Rows that batches are taken from. */
const ROWS = 2048;

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "60" }, only: { type: "string", default: "" } },
  allowPositionals: true,
});
const [folder] = positionals;
if (folder === undefined) {
  console.error("Usage: node bench/against.mjs FOLDER [--rounds 60] [--only TEXT]");
  process.exit(2);
}
const rounds = Number(values.rounds);

const load = async (root) => ({
  version: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
  ...(await import(pathToFileURL(join(root, "dist/index.js")).href)),
});
const ours = await load(join(import.meta.dirname, ".."));
const theirs = await load(resolve(folder));

/** Milliseconds of processor time that a call takes. */
function time(run, calls) {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / calls;
}

/** The number of calls that take about SAMPLE_MS. Also warms up. */
function calibrate(run) {
  let calls = 1;
  for (;;) {
    const each = time(run, calls);
    if (each * calls > 4 * SAMPLE_MS) return Math.max(1, Math.round(SAMPLE_MS / each));
    calls *= 2;
  }
}

/** Times both alternately. Returns the times of each, one for each round. */
function compare(first, second) {
  calibrate(first);
  const calls = Math.max(calibrate(first), calibrate(second));
  const found = [[], []];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const which of order) found[which].push(time(which === 0 ? first : second, calls));
  }
  return found;
}

const milliseconds = (value) => value.toFixed(value < 1 ? 4 : 2);

const build = (await ours.TiedAutoencoder.create({ layers: [1, 1] })).build;
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${describeHost()}, ${build} build, one thread`,
);
console.log(
  `\n| | ${ours.version}, ms | ${theirs.version}, ms | share, median | share, fastest tenth |`,
);
console.log("| --- | ---: | ---: | ---: | ---: |");
for (const layers of MODELS) {
  const [width] = layers;
  const data = digitsLike(ROWS, width);
  const shapes = [
    ...STEPS.map((rows) => [`step of ${rows}`, rows, "trainOnBatch"]),
    ...ENCODINGS.map((rows) => [`encode ${rows}`, rows, "encode"]),
  ];
  for (const [what, rows, method] of shapes) {
    const name = `${layers.join("-")}, ${what}`;
    if (!name.includes(values.only)) continue;
    const models = await Promise.all(
      [ours, theirs].map(({ TiedAutoencoder }) => TiedAutoencoder.create({ layers })),
    );
    const [a, b] = compare(
      ...models.map((model) => inTurn(data, rows, width, (x) => model[method](x))),
    );
    const share = quantile(
      a.map((value, i) => value / b[i]),
      0.5,
    );
    const fast = quantile(a, 0.1) / quantile(b, 0.1);
    const [own, other] = [a, b].map((all) => milliseconds(quantile(all, 0.5)));
    console.log(`| ${name} | ${own} | ${other} | ${share.toFixed(3)} | ${fast.toFixed(3)} |`);
    for (const model of models) model.dispose();
  }
}
