// Measures the detector on a folder of ADBench files: AUROC and average precision, with those of PCA, Mahalanobis distance,
// nearest neighbours and isolation forest on the same rows, which are computed here, and those of the published table if it
// is given.
//
//   npm run build && npm run bench:detect -- FOLDER [--table FILE] [--sets a,b] [--seeds 1] [--unsupervised]
//   npm run bench:detect -- FOLDER --faults [--sets a,b]
//
// Each file is an .npz with X [rows, columns] and y [rows], 1 for odd. Protocol of the table (Livernoche et al. 2023): train on
// the first half of the normal rows in the file's order, test on all other rows. The table resamples sets of less than 1,000
// rows. Here their halves are random, so these sets are compared with the methods computed here only. With --unsupervised:
// train on all rows, score all. With --faults: a random column of 100 normal test rows is moved by six or three of its deviations,
// and the share of these rows is printed for which `explain` names that column first.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { AnomalyDetector, auroc, averagePrecision } from "tied-autoencoder/detect";
import { decodeNpz } from "tied-autoencoder/formats";
import { describeHost } from "./support/host.mjs";
import { seeded } from "./support/random.mjs";
import {
  isolationForest,
  nearest,
  permutation,
  principalScores,
  standardized,
} from "./support/yardsticks.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    table: { type: "string" },
    sets: { type: "string" },
    seeds: { type: "string", default: "1" },
    unsupervised: { type: "boolean", default: false },
    faults: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error(
    "usage: npm run bench:detect -- FOLDER [--table FILE] [--sets a,b] [--seeds N] [--unsupervised | --faults]",
  );
  process.exit(2);
}
/** The table resamples sets with fewer rows. */
const LARGE = 1000;
const seeds = Number(options.seeds);

/** The set's name as the table writes it: "6_cardio.npz" is "cardio". */
const nameOf = (file) => basename(file, ".npz").replace(/^\d+_/, "").toLowerCase();

function readSet(file) {
  const arrays = decodeNpz(readFileSync(join(folder, file)));
  const { shape, data } = arrays.get("X");
  const labels = Uint8Array.from(arrays.get("y").data, Number);
  return { name: nameOf(file), width: shape[1], x: Float64Array.from(data, Number), labels };
}

/** Figures of other methods by set, in per cent. */
function readPublished(file) {
  const [head, ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const methods = head.split(",").slice(1);
  const sets = new Map(
    lines.map((line) => {
      const [name, ...figures] = line.split(",");
      return [
        name.toLowerCase(),
        Object.fromEntries(methods.map((m, i) => [m, Number(figures[i])])),
      ];
    }),
  );
  return { methods, sets };
}

function take({ x, width }, rows) {
  const out = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(x.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}

/** Training rows, test rows and the labels of the latter. */
function split(set, seed) {
  const all = Array.from(set.labels, (_, row) => row);
  if (options.unsupervised) return { train: set.x, test: set.x, labels: set.labels };
  const normal = all.filter((row) => !set.labels[row]);
  const order =
    set.labels.length >= LARGE
      ? normal
      : permutation(normal.length, seeded(seed)).map((i) => normal[i]);
  const half = Math.floor(normal.length / 2);
  const rest = [...order.slice(half), ...all.filter((row) => set.labels[row])];
  return {
    train: take(set, order.slice(0, half)),
    test: take(set, rest),
    labels: Uint8Array.from(rest, (row) => set.labels[row]),
  };
}

async function scores(set, seed) {
  const { train, test, labels } = split(set, seed);
  const { width } = set;
  const matrix = (data) => ({ data, shape: [data.length / width, width] });
  const started = performance.now();
  const detector = await AnomalyDetector.fit(matrix(train), {
    seed,
    ...(options.unsupervised ? { contamination: "auto" } : {}),
  });
  const seconds = (performance.now() - started) / 1000;
  const own = options.unsupervised ? detector.training.score : detector.score(matrix(test));
  detector.dispose();
  const [a, b] = standardized(train, test, width);
  const principal = principalScores(a, b, width);
  return {
    labels,
    seconds,
    scores: {
      detector: own,
      "PCA (PyOD)": principal.pyod,
      "PCA, half": principal.residual,
      Mahalanobis: principal.mahalanobis,
      "kNN (5)": nearest(a, b, width, 5, options.unsupervised),
      IForest: isolationForest(a, b, width, seeded(seed)),
    },
  };
}

/** Shares of rows for which the first reason is the column that was moved by six and by three deviations. */
async function namedFaults(set) {
  const { train, test, labels } = split(set, 1);
  const { width } = set;
  const detector = await AnomalyDetector.fit({ data: train, shape: [train.length / width, width] });
  const deviations = Array.from({ length: width }, (_, j) => {
    const column = train.filter((_, i) => i % width === j);
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    return Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length);
  });
  const varying = deviations.flatMap((deviation, j) => (deviation > 0 ? [j] : []));
  const normal = Array.from(labels, (_, row) => row).filter((row) => !labels[row]);
  const uniform = seeded(5);
  const some = permutation(normal.length, uniform)
    .slice(0, 100)
    .map((i) => normal[i]);
  const rates = [6, 3].map((size) => {
    const data = take({ x: test, width }, some);
    const moved = some.map((_, i) => {
      const j = varying[Math.floor(uniform() * varying.length)];
      data[i * width + j] += (i % 2 ? 1 : -1) * size * deviations[j];
      return j;
    });
    const reasons = detector.explain({ data, shape: [some.length, width] }, { top: 1 });
    return reasons.filter(([first], i) => first.column === moved[i]).length / some.length;
  });
  detector.dispose();
  return rates;
}

const published = options.table ? readPublished(options.table) : undefined;
const wanted = options.sets?.toLowerCase().split(",");
const files = readdirSync(folder)
  .filter((file) => file.endsWith(".npz") && (!wanted || wanted.includes(nameOf(file))))
  .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
if (options.faults) {
  console.log(`${describeHost()}; first reason is the moved column: by 6 deviations, by 3`);
  const all = [];
  for (const file of files) {
    const set = readSet(file);
    const rates = await namedFaults(set);
    all.push(rates);
    console.log(`${set.name.padEnd(12)} ${rates.map((rate) => rate.toFixed(2)).join(", ")}`);
  }
  const mean = (i) => all.reduce((sum, rates) => sum + rates[i], 0) / all.length;
  console.log(`mean of ${all.length} sets: ${mean(0).toFixed(3)}, ${mean(1).toFixed(3)}`);
  process.exit();
}
console.log(`${describeHost()}; seeds: ${seeds}; AUROC / average precision, per cent`);
const rows = [];
for (const file of files) {
  const set = readSet(file);
  const sums = {};
  let seconds = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await scores(set, seed);
    seconds += result.seconds / seeds;
    for (const [method, score] of Object.entries(result.scores)) {
      sums[method] ??= [0, 0];
      sums[method][0] += (100 * auroc(score, result.labels)) / seeds;
      sums[method][1] += (100 * averagePrecision(score, result.labels)) / seeds;
    }
  }
  rows.push({ name: set.name, isLarge: set.labels.length >= LARGE, figures: sums });
  const figures = Object.entries(sums).map(([m, [a, p]]) => `${m} ${a.toFixed(1)}/${p.toFixed(1)}`);
  console.log(`${set.name.padEnd(12)} ${figures.join("  ")}  fit ${seconds.toFixed(1)} s`);
}
for (const [title, some] of [
  ["1,000 rows and more", rows.filter(({ isLarge }) => isLarge)],
  ["smaller", rows.filter(({ isLarge }) => !isLarge)],
  ["all", rows],
]) {
  if (some.length === 0) continue;
  const methods = Object.keys(some[0].figures);
  const mean = (method, i) =>
    some.reduce((sum, row) => sum + row.figures[method][i], 0) / some.length;
  const own = methods.map((m) => `${m} ${mean(m, 0).toFixed(1)}/${mean(m, 1).toFixed(1)}`);
  console.log(`\nmean of ${some.length} sets (${title}): ${own.join("  ")}`);
  if (!published || options.unsupervised || title !== "1,000 rows and more") continue;
  const known = some.filter(({ name }) => published.sets.has(name));
  const figures = published.methods
    .map((method) => {
      const sum = known.reduce((total, { name }) => total + published.sets.get(name)[method], 0);
      return [method, sum / known.length];
    })
    .sort(([, a], [, b]) => b - a);
  console.log(
    `published, ${known.length} of them: ${figures.map(([m, a]) => `${m} ${a.toFixed(1)}`).join("  ")}`,
  );
  for (const { name, figures: own } of known) {
    const behind = published.sets.get(name).PCA - own.detector[0];
    if (behind > 5) console.log(`${name}: ${behind.toFixed(1)} points below the table's PCA`);
  }
}
