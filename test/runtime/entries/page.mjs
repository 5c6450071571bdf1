// For pages: runs the cases and reports by going to another address, which no policy forbids.

import * as main from "tied-autoencoder";
import * as detect from "tied-autoencoder/detect";
import * as kernels from "tied-autoencoder/kernels";
import * as worker from "tied-autoencoder/worker";
import { run } from "./cases.mjs";
import { report } from "./report.mjs";

// Under a strict policy no worker is made of text; the page's address names the script to make it of.
const script = new URLSearchParams(location.search).get("script");
const workers = script ? { refused: true, createWorker: () => new Worker(script) } : {};

report(() => run({ main, kernels, detect, worker, workers }));
