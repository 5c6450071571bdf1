// Compares the anomaly detector with detectors that Python users know: scikit-learn's MLPRegressor trained to reproduce its
// input, its isolation forest, and PyOD's AutoEncoder, if the Python has them. Each has its own defaults and gets standardised
// columns. All run on one core. Prints AUROC, average precision, and the seconds to learn and to score.
//
//   npm run bench:detectors -- [FILE.npz ...] [--python python3] [--markdown FILE]      after npm run build
//   npm run bench:detectors -- --speed      the detector alone: seconds for 10,000 and 1,000,000 rows, one and two threads
//
// Without files there are two workloads. "Digits": each of the ten digits in turn is normal. Half of its rows are for
// training, and the other half is scored with an equal number of rows of other digits. "Sensors": 10,000 rows of 30 columns that
// depend on 6 hidden ones. Of 5,000 further rows one in ten has one or two columns of another row. A file holds X
// [rows, columns] and y [rows], 1 for odd, like those of ADBench. The first half of the normal rows is for training.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AnomalyDetector, auroc, averagePrecision } from "tied-autoencoder/detect";
import { digits } from "tied-autoencoder/digits";
import { decodeNpz } from "tied-autoencoder/formats";
import { describeHost } from "./support/host.mjs";
import { seeded } from "./support/random.mjs";

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    markdown: { type: "string" },
    speed: { type: "boolean", default: false },
  },
});
const SCRIPT = fileURLToPath(new URL("detectors.py", import.meta.url));
const ONE_THREAD = { OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
const folder = mkdtempSync(join(tmpdir(), "detectors-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Some rows of a matrix [rows, width]. */
function take(data, width, rows) {
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}

function digitTasks() {
  const { data: values, labels, width: side, height } = digits();
  const width = side * height;
  return Array.from({ length: 10 }, (_, digit) => {
    const rows = Array.from(labels, (_, row) => row);
    const own = rows.filter((row) => labels[row] === digit);
    const half = own.length >> 1;
    const others = rows.filter((row) => labels[row] !== digit);
    const every = Math.floor(others.length / (own.length - half));
    const odd = others.filter((_, i) => i % every === 0).slice(0, own.length - half);
    const tested = [...own.slice(half), ...odd];
    return {
      width,
      train: take(values, width, own.slice(0, half)),
      test: take(values, width, tested),
      labels: Uint8Array.from(tested, (row) => (labels[row] === digit ? 0 : 1)),
    };
  });
}

const [SENSORS, HIDDEN] = [30, 6];

/** Rows [rows, SENSORS] that follow HIDDEN columns, the same on every run. */
function sensorRows(rows) {
  const [width, hidden] = [SENSORS, HIDDEN];
  const random = seeded(3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const mixing = Array.from({ length: width * hidden }, normal);
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const sources = Array.from({ length: hidden }, normal);
    for (let j = 0; j < width; j++) {
      const sum = sources.reduce((total, s, k) => total + s * mixing[j * hidden + k], 0);
      data[row * width + j] = Math.tanh(sum / 3) + 0.1 * normal();
    }
  }
  return data;
}

function sensorTask() {
  const [width, learned, rows] = [SENSORS, 10_000, 15_000];
  const data = sensorRows(rows);
  const labels = new Uint8Array(rows - learned);
  for (let row = learned; row < rows; row += 10) {
    labels[row - learned] = 1;
    const other = learned + ((row - learned + 5) % (rows - learned));
    for (const j of [row % width, (row / 10) % width]) {
      data[row * width + j] = data[other * width + j];
    }
  }
  return {
    width,
    train: data.subarray(0, learned * width),
    test: data.subarray(learned * width),
    labels,
  };
}

function fileTask(file) {
  const arrays = decodeNpz(readFileSync(file));
  const [x, y] = [arrays.get("X"), arrays.get("y")];
  if (!x || !y) throw new Error(`${file} has no X and y.`);
  const width = x.shape[1];
  const values = Float32Array.from(x.data, Number);
  const rows = Array.from(y.data, (_, row) => row);
  const normal = rows.filter((row) => !Number(y.data[row]));
  const half = normal.length >> 1;
  const tested = [...normal.slice(half), ...rows.filter((row) => Number(y.data[row]))];
  return {
    width,
    train: take(values, width, normal.slice(0, half)),
    test: take(values, width, tested),
    labels: Uint8Array.from(tested, (row) => Number(y.data[row])),
  };
}

/** Seconds of the detector alone for many rows, with one and with two threads. */
async function speed() {
  const [learned, scored, repeated] = [10_000, 1_000_000, 50_000];
  const data = sensorRows(learned + repeated);
  const train = data.subarray(0, learned * SENSORS);
  const test = new Float32Array(scored * SENSORS);
  for (let row = 0; row < scored; row += repeated) {
    test.set(data.subarray(learned * SENSORS), row * SENSORS);
  }
  console.log(describeHost());
  for (const threads of [1, 2]) {
    for (let round = 1; round <= 3; round++) {
      const { fit, score } = await ours({ width: SENSORS, train, test }, { threads });
      console.log(
        `${threads} ${threads === 1 ? "thread" : "threads"}, round ${round}: ` +
          `fit ${learned} x ${SENSORS} in ${fit.toFixed(2)} s, score ${scored} rows in ${score.toFixed(2)} s`,
      );
    }
  }
}

if (options.speed) {
  await speed();
  process.exit();
}

const workloads =
  files.length > 0
    ? files.map((file) => ({ name: basename(file, ".npz"), tasks: [fileTask(file)] }))
    : [
        { name: "digits, ten sets", tasks: digitTasks() },
        { name: "sensors, 10,000 x 30", tasks: [sensorTask()] },
      ];

async function ours({ width, train, test }, runtime = {}) {
  const matrix = (data) => ({ data, shape: [data.length / width, width] });
  const start = performance.now();
  const detector = await AnomalyDetector.fit(matrix(train), { seed: 1, ...runtime });
  const middle = performance.now();
  const scores = detector.score(matrix(test));
  const end = performance.now();
  detector.dispose();
  return { scores, fit: (middle - start) / 1000, score: (end - middle) / 1000 };
}

/** Runs one method on one task in Python. Throws the last line of its error if it fails. */
function python(method, { width, train, test }) {
  const [trainFile, testFile, out] = ["train", "test", "scores"].map((name) => join(folder, name));
  writeFileSync(trainFile, Buffer.from(train.buffer, train.byteOffset, train.byteLength));
  writeFileSync(testFile, Buffer.from(test.buffer, test.byteOffset, test.byteLength));
  const { status, stdout, stderr, error } = spawnSync(
    options.python,
    [SCRIPT, method, `${width}`, trainFile, testFile, out],
    { encoding: "utf8", env: { ...process.env, ...ONE_THREAD } },
  );
  if (status !== 0) throw new Error(error?.message ?? stderr.trim().split("\n").at(-1));
  const scores = new Float64Array(new Uint8Array(readFileSync(out)).buffer);
  return { scores, ...JSON.parse(stdout.trim().split("\n").at(-1)) };
}

const peers = {
  "tied-autoencoder": ours,
  "scikit-learn MLPRegressor": (task) => python("mlp", task),
  "scikit-learn IsolationForest": (task) => python("forest", task),
  "PyOD AutoEncoder": (task) => python("pyod", task),
};

const total = (values) => values.reduce((sum, value) => sum + value, 0);
const mean = (values) => total(values) / values.length;
const lines = [];
const say = (line) => {
  console.log(line);
  lines.push(line);
};

console.log(`${describeHost()}, one core`);
say("| workload | detector | AUROC | average precision | learn, s | score, s |");
say("| --- | --- | ---: | ---: | ---: | ---: |");
const absent = new Map();
for (const { name, tasks } of workloads) {
  for (const [peer, run] of Object.entries(peers)) {
    if (absent.has(peer)) continue;
    try {
      const results = [];
      for (const task of tasks) {
        const { scores, fit, score } = await run(task);
        results.push({
          auroc: 100 * auroc(scores, task.labels),
          precision: 100 * averagePrecision(scores, task.labels),
          fit,
          score,
        });
      }
      const column = (key) => results.map((result) => result[key]);
      const cells = [
        mean(column("auroc")).toFixed(1),
        mean(column("precision")).toFixed(1),
        total(column("fit")).toFixed(2),
        total(column("score")).toFixed(3),
      ];
      say(`| ${name} | ${peer} | ${cells.join(" | ")} |`);
    } catch (error) {
      if (run === ours) throw error;
      absent.set(peer, error.message);
    }
  }
}
for (const [peer, reason] of absent) say(`\nNot measured: ${peer} (${reason}).`);
if (options.markdown) writeFileSync(options.markdown, `${lines.join("\n")}\n`);
