// Compares training steps on two threads with steps on one: `npm run bench:threads`, after a build. Each round runs steps on
// one thread, on two threads, and on one thread while an independent copy of the model trains on its own thread, so that other
// work on the machine slows all. "Cores" is the speed of the two copies together. A machine whose cores share a unit or have
// other guests reaches less than 2, and two threads cannot exceed it. Prints medians over the rounds, and the ratio of the
// fastest hundredths of the steps, which estimates the result on an idle machine.

import { Worker } from "node:worker_threads";
import { TiedAutoencoder } from "tied-autoencoder";
import { describeHost } from "./support/host.mjs";
import { quantile } from "./support/rounds.mjs";

const milliseconds = Number(process.argv[2] ?? 3000);
const ROUND_MILLISECONDS = 25;
const stacks = [
  [784, 128],
  [784, 256, 64],
];
const batches = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];
const [RUN, STEPS, MICROSECONDS] = [0, 1, 2];

/** Runs steps for some time. Puts the milliseconds of each into `times` and returns their mean. */
function train(model, x, times) {
  const end = performance.now() + ROUND_MILLISECONDS;
  model.trainOnBatch(x); // wakes the workers, fills the caches
  let steps = 0;
  let total = 0;
  do {
    const start = performance.now();
    model.trainOnBatch(x);
    const time = performance.now() - start;
    times.push(time);
    total += time;
    steps += 1;
  } while (performance.now() < end);
  return total / steps;
}

console.log(describeHost());
for (const layers of stacks) {
  const [one, two] = await Promise.all(
    [1, 2].map((threads) => TiedAutoencoder.create({ layers, threads })),
  );
  const words = new Int32Array(new SharedArrayBuffer(16));
  const copy = new Worker(new URL("./support/second-copy.mjs", import.meta.url), {
    workerData: { layers, shared: words.buffer },
  });
  const together = (x, rows) => {
    Atomics.store(words, RUN, rows);
    Atomics.notify(words, RUN);
    train(one, x, []); // until the copy is under way
    Atomics.store(words, STEPS, 0);
    Atomics.store(words, MICROSECONDS, 0);
    const mine = train(one, x, []);
    const steps = Atomics.load(words, STEPS);
    const theirs = Atomics.load(words, MICROSECONDS) / steps / 1000;
    Atomics.store(words, RUN, 0);
    return steps === 0 ? mine : 1 / (1 / mine + 1 / theirs);
  };
  console.log(`\n${layers.join("-")}, ${one.build} build, ${two.threads} threads`);
  console.log("batch   1 thread ms   2 threads   cores   2 threads, fastest hundredth");
  for (const batch of batches) {
    const x = Float32Array.from({ length: batch * 784 }, (_, i) => ((i * 7919) % 1000) / 1000);
    const rounds = [];
    const steps = [[], []];
    const end = performance.now() + milliseconds;
    do {
      rounds.push([train(one, x, steps[0]), train(two, x, steps[1]), together(x, batch)]);
    } while (performance.now() < end);
    const ratio = (column) =>
      quantile(
        rounds.map((round) => round[0] / round[column]),
        0.5,
      ).toFixed(2);
    const best = quantile(steps[0], 0.01) / quantile(steps[1], 0.01);
    const alone = quantile(steps[0], 0.5).toFixed(3);
    console.log(
      `${String(batch).padStart(5)}${alone.padStart(14)}${ratio(1).padStart(12)}${ratio(2).padStart(8)}${best.toFixed(2).padStart(12)}`,
    );
  }
  await copy.terminate();
  for (const model of [one, two]) model.dispose();
}
