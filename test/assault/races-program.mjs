// Runs races.mjs on the built package: `node races-program.mjs SECONDS SEED`.

import { Worker } from "node:worker_threads";
import { AnomalyDetector } from "../../dist/detect.js";
import { TiedAutoencoder } from "../../dist/index.js";
import * as worker from "../../dist/worker.js";
import { races } from "./races.mjs";

const [seconds, seed] = globalThis.process.argv.slice(2).map(Number);
const running = (script) => () => new Worker(new URL(`../../dist/${script}.js`, import.meta.url));
const makeWorker = running("worker-script");
const makeDetectorWorker = running("detector-script");
const entries = { TiedAutoencoder, AnomalyDetector, worker };
console.log(
  JSON.stringify(await races(entries, { seconds, seed, makeWorker, makeDetectorWorker })),
);
