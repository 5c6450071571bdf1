// An independent model on its own thread, for bench/threads.mjs. It trains while the flag is set, and counts its steps and
// their microseconds. Two independent models at the same time show what the machine's cores can reach.

import { workerData } from "node:worker_threads";
import { TiedAutoencoder } from "tied-autoencoder";

const { layers, shared } = workerData;
const [RUN, STEPS, MICROSECONDS] = [0, 1, 2];
const words = new Int32Array(shared);
const model = await TiedAutoencoder.create({ layers });
for (;;) {
  Atomics.wait(words, RUN, 0);
  const rows = Atomics.load(words, RUN);
  if (rows === 0) continue; // the round ended before this thread woke up
  const x = new Float32Array(rows * layers[0]).fill(0.5);
  while (Atomics.load(words, RUN) === rows) {
    const start = performance.now();
    model.trainOnBatch(x);
    Atomics.add(words, MICROSECONDS, Math.round(1000 * (performance.now() - start)));
    Atomics.add(words, STEPS, 1);
  }
}
