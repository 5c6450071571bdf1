// Measures the public API for run.mjs: training steps, inference, the time to the first result, and the memory of a model.

import { fileURLToPath } from "node:url";
import { TiedAutoencoder } from "tied-autoencoder";
import { Bench } from "tinybench";
import { startup } from "./startup.mjs";
import { digitsLike, inTurn } from "./support/batches.mjs";
import { quantile } from "./support/rounds.mjs";

const MODELS = [
  [784, 128],
  [784, 256, 64],
];
const BATCHES = [1, 8, 32, 128, 256, 1024];

/** Times every task of `bench` and returns rows of milliseconds: median and the 10th and 90th percentile. */
async function times(bench) {
  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== "completed") throw result.error ?? new Error(`${name}: ${result.state}`);
    const { samples } = result.latency;
    const at = (q) => quantile(samples, q);
    return { name, median: at(0.5), low: at(0.1), high: at(0.9) };
  });
}

export async function benchModels() {
  const report = [];
  for (const layers of MODELS) {
    const width = layers[0];
    const label = layers.join("-");
    const data = digitsLike(2048, width);
    const model = await TiedAutoencoder.create({ layers });
    const options = { time: 400, warmupTime: 150, retainSamples: true };
    const steps = new Bench(options);
    const inference = new Bench(options);
    for (const rows of BATCHES) {
      const step = inTurn(data, rows, width, (batch) => void model.trainOnBatch(batch));
      steps.add(`${label} step, batch ${rows}`, step);
    }
    for (const rows of [1, 32, 1024]) {
      const encode = inTurn(data, rows, width, (batch) => void model.encode(batch));
      inference.add(`${label} encode, ${rows} rows`, encode);
    }
    report.push(...(await times(steps)), ...(await times(inference)));
    report.push({ name: `${label} arena after batch 1024`, bytes: model.byteLength });
    model.dispose();
  }
  return report;
}

/** The time of a program that encodes one row minus that of an empty program, in milliseconds, in new processes. */
export function benchStart(runs = 15) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const [{ differences }] = startup([root], { runs }).results;
  const at = (q) => quantile(differences, q);
  return { name: "import to first result", median: at(0.5), low: at(0.1), high: at(0.9) };
}

export function printModels(report) {
  console.log(
    `${"".padEnd(36)}${["ms", "p10", "p90", "a second"].map((t) => t.padStart(10)).join("")}`,
  );
  for (const { name, median, low, high, bytes } of report) {
    if (bytes)
      console.log(`${name.padEnd(36)}${`${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(10)}`);
    else {
      const cells = [median, low, high].map((ms) => ms.toFixed(3).padStart(10)).join("");
      console.log(
        `${name.padEnd(36)}${cells}${Math.round(1000 / median)
          .toString()
          .padStart(10)}`,
      );
    }
  }
}
