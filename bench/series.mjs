// Measures the detector on time series, with one setting for all files of a folder.
//
//   npm run build && npm run bench:series -- FOLDER [--window 10] [--score combined] [--pot 1e-4] [--each]
//
// SKAB (files with the columns anomaly and changepoint; folders are searched): fit on the first 400 rows of each file, decide on
// the rest. Prints F1, false alarms and missed rows over all rows of all files together, as in the benchmark's table.
// NAB (a folder with labels.json, time windows with anomalies): fit on the first 15 % of each series, decide on the rest.
// Prints how many windows have an event, and how much of the rest is flagged.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { AnomalyDetector } from "tied-autoencoder/detect";
import { readTable } from "tied-autoencoder/formats";
import { describeHost } from "./support/host.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    window: { type: "string" },
    score: { type: "string" },
    pot: { type: "string" },
    alpha: { type: "string" },
    each: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error(
    "usage: npm run bench:series -- FOLDER [--window N] [--score KIND] [--pot RATE | --alpha RATE] [--each]",
  );
  process.exit(2);
}
const window = (fallback) => {
  const given = options.window ?? fallback;
  return given === "auto" ? given : Number(given);
};
const decision = options.alpha
  ? { alpha: Number(options.alpha) }
  : { pot: Number(options.pot ?? 1e-4) };

/** The rows [from, to) of a table. */
const slice = (columns, from, to) => ({
  columns: columns.map(({ name, values }) => ({ name, values: values.slice(from, to) })),
});

console.log(describeHost());
if (existsSync(join(folder, "labels.json"))) await nab();
else await skab();

async function skab() {
  const settings = { window: window(10), ...(options.score ? { score: options.score } : {}) };
  const files = readdirSync(folder, { recursive: true }).filter(
    (file) => file.endsWith(".csv") && basename(file) !== "anomaly-free.csv",
  );
  const sum = { hits: 0, alarms: 0, odd: 0, normal: 0, files: 0 };
  for (const file of files.sort((a, b) => a.localeCompare(b, "en", { numeric: true }))) {
    const { columns, rows } = await readTable(readFileSync(join(folder, file)));
    const labels = columns.find(({ name }) => name === "anomaly")?.values;
    if (!labels) continue;
    const sensors = columns.filter(({ name }) => name !== "anomaly" && name !== "changepoint");
    const detector = await AnomalyDetector.fit(slice(sensors, 0, 400), settings);
    // All rows, so that the first windows after row 400 are complete.
    const { flagged } = detector.detect(slice(sensors, 0, rows), decision);
    detector.dispose();
    const own = count(flagged.subarray(400), labels.slice(400));
    for (const key of Object.keys(own)) sum[key] += own[key];
    sum.files += 1;
    if (options.each) console.log(`${file.padEnd(20)} ${figures(own)}`);
  }
  if (sum.files === 0) {
    console.error(
      `${folder} holds no SKAB files (CSV with a column "anomaly") and no labels.json of NAB.`,
    );
    process.exit(1);
  }
  console.log(
    `SKAB, ${sum.files} files, ${JSON.stringify({ ...settings, ...decision })}: ${figures(sum)}`,
  );
}

function count(flagged, labels) {
  const sum = { hits: 0, alarms: 0, odd: 0, normal: 0 };
  flagged.forEach((flag, i) => {
    const isOdd = labels[i] > 0;
    sum[isOdd ? "odd" : "normal"] += 1;
    if (flag) sum[isOdd ? "hits" : "alarms"] += 1;
  });
  return sum;
}

function figures({ hits, alarms, odd, normal }) {
  const f1 = hits > 0 ? (2 * hits) / (hits + alarms + odd) : 0;
  return `F1 ${f1.toFixed(3)}, false alarms ${((100 * alarms) / normal).toFixed(1)} %, missed ${(100 - (100 * hits) / odd).toFixed(1)} %`;
}

async function nab() {
  const settings = { window: window("auto"), ...(options.score ? { score: options.score } : {}) };
  const labels = JSON.parse(readFileSync(join(folder, "labels.json"), "utf8"));
  const time = (text) => Date.parse(`${text.slice(0, 19).replace(" ", "T")}Z`);
  let [found, all] = [0, 0];
  for (const [file, odd] of Object.entries(labels)) {
    const { columns, rows } = await readTable(readFileSync(join(folder, file)));
    const stamps = columns.find(({ name }) => name === "timestamp").values.map(time);
    const first = Math.floor(0.15 * rows);
    const detector = await AnomalyDetector.fit(slice(columns, 0, first), settings);
    const { flagged } = detector.detect(slice(columns, 0, rows), decision);
    const windows = odd
      .map(([from, to]) => [time(from), time(to)])
      .filter(([, to]) => to >= stamps[first]);
    const inside = (i) => windows.some(([from, to]) => stamps[i] >= from && stamps[i] <= to);
    const normal = stamps.flatMap((_, i) => (i >= first && !inside(i) ? [i] : []));
    const share = normal.filter((i) => flagged[i]).length / normal.length;
    const hits = windows.filter(([from, to]) =>
      stamps.some((stamp, i) => i >= first && flagged[i] && stamp >= from && stamp <= to),
    ).length;
    found += hits;
    all += windows.length;
    console.log(
      `${file}: ${hits} of ${windows.length} windows, ${(100 * share).toFixed(2)} % of the other rows; ${detector.notes.join(" ")}`,
    );
    detector.dispose();
  }
  console.log(
    `NAB, ${JSON.stringify({ ...settings, ...decision })}: an event in ${found} of ${all} windows`,
  );
}
