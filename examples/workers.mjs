// Data-parallel training on worker threads. In each step, every worker computes the gradients of its part of the batch, and
// this thread applies their mean. The same calls work across processes or machines, with another way to send arrays. At the
// end, the same training runs in one thread for comparison. For a model this small, the messages take more time than the
// workers save. The example shows the pattern.

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { averageWeights, TiedAutoencoder } from "tied-autoencoder";
import { loadDigits } from "./support/optdigits.mjs";

const WORKERS = 3;
const STEPS = 200;
const BATCH = 100; // does not divide by 3: shares differ by a row

if (isMainThread) await main();
else await work(workerData);

/** A worker: receives weights and rows, and returns the gradients of their mean loss. */
async function work(config) {
  const model = await TiedAutoencoder.create(config);
  parentPort.on("message", ({ weights, rows }) => {
    model.setWeights(weights);
    model.zeroGradients();
    const loss = model.accumulateGradients(rows);
    parentPort.postMessage({ loss, gradients: model.gradients() });
  });
}

async function main() {
  const { train, width } = loadDigits();
  const config = { layers: [width, 32], seed: 1 };
  const model = await TiedAutoencoder.create(config);
  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(new URL(import.meta.url), { workerData: config }),
  );

  const started = performance.now();
  for (let step = 0; step < STEPS; step++) {
    const shares = split(batch(train, width, step), width);
    const weights = model.weights();
    const replies = await Promise.all(
      workers.map((worker, i) => ask(worker, { weights, rows: shares[i] })),
    );
    // Each gradient is a mean over its rows, so its weight is the number of its rows.
    const rows = shares.map((share) => share.length / width);
    model.addGradients(
      averageWeights(
        replies.map(({ gradients }) => gradients),
        rows,
      ),
    );
    model.applyGradients();
    if ((step + 1) % 50 === 0) {
      const loss = replies.reduce((sum, reply, i) => sum + reply.loss * rows[i], 0) / BATCH;
      console.log(`step ${step + 1}: loss ${loss.toFixed(5)}`);
    }
  }
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));

  const alone = await TiedAutoencoder.create(config);
  for (let step = 0; step < STEPS; step++) alone.trainOnBatch(batch(train, width, step));
  console.log(`\n${STEPS} steps on ${WORKERS} workers in ${seconds.toFixed(2)} s`);
  console.log(`largest difference from one thread: ${difference(model, alone).toExponential(1)}`);
}

/** Sends a message to a worker and resolves with its reply. */
function ask(worker, message) {
  return new Promise((resolve, reject) => {
    const failed = (error) => {
      worker.off("message", done);
      reject(error);
    };
    const done = (reply) => {
      worker.off("error", failed);
      resolve(reply);
    };
    worker.once("message", done);
    worker.once("error", failed);
    worker.postMessage(message);
  });
}

/** The rows of a step. Continues at the start where the data end. */
function batch(data, width, step) {
  const batches = Math.floor(data.length / width / BATCH);
  const first = (step % batches) * BATCH * width;
  return data.subarray(first, first + BATCH * width);
}

/** Whole rows for each worker, as equal as possible. */
function split(rows, width) {
  const count = rows.length / width;
  const cut = (i) => Math.round((i * count) / WORKERS) * width;
  return Array.from({ length: WORKERS }, (_, i) => rows.slice(cut(i), cut(i + 1)));
}

/** The largest difference of all weights, relative to the largest weight. */
function difference(one, other) {
  let [worst, largest] = [0, 0];
  const theirs = other.weights();
  for (const [name, { data }] of Object.entries(one.weights())) {
    data.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - theirs[name].data[i]));
      largest = Math.max(largest, Math.abs(value));
    });
  }
  return worst / largest;
}
