// Runs races.mjs on the built package: `node races-program.mjs SECONDS SEED`.

import { Worker } from "node:worker_threads";
import { TiedAutoencoder } from "../../dist/index.js";
import * as worker from "../../dist/worker.js";
import { races } from "./races.mjs";

const [seconds, seed] = globalThis.process.argv.slice(2).map(Number);
const makeWorker = () => new Worker(new URL("../../dist/worker-script.js", import.meta.url));
console.log(
  JSON.stringify(await races({ TiedAutoencoder, worker }, { seconds, seed, makeWorker })),
);
