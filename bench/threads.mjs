// Training steps on several threads against one: `npm run bench:threads [-- THREADS]`, after a build.
// Models take turns within a round, so that a busy neighbour slows them alike. Printed are the ratios of
// the median times, and of the fastest tenth, which is what a quiet machine would show.

import { TiedAutoencoder } from "tied-autoencoder";
import { describeHost } from "./support/host.mjs";
import { quantile } from "./support/rounds.mjs";

const threads = Number(process.argv[2] ?? 2);
const milliseconds = Number(process.argv[3] ?? 2000);
const stacks = [
  [784, 128],
  [784, 256, 64],
];
const batches = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];

console.log(describeHost());
for (const layers of stacks) {
  const models = [];
  for (const n of [1, threads]) models.push(await TiedAutoencoder.create({ layers, threads: n }));
  console.log(`\n${layers.join("-")}, ${models[0].build} build, ${models[1].threads} threads`);
  console.log("batch   1 thread ms   faster: median   fastest tenth");
  for (const batch of batches) {
    const x = Float32Array.from({ length: batch * 784 }, (_, i) => ((i * 7919) % 1000) / 1000);
    const times = models.map(() => []);
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      models.forEach((model, i) => {
        model.trainOnBatch(x); // wakes the workers, fills the caches
        const start = performance.now();
        for (let step = 0; step < 4; step++) model.trainOnBatch(x);
        times[i].push((performance.now() - start) / 4);
      });
    }
    const [one, many] = times;
    const ratio = (q) => (quantile(one, q) / quantile(many, q)).toFixed(2);
    console.log(
      `${String(batch).padStart(5)}${quantile(one, 0.1).toFixed(3).padStart(14)}${ratio(0.5).padStart(17)}${ratio(0.1).padStart(16)}`,
    );
  }
  for (const model of models) model.dispose();
}
