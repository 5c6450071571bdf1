// For workerd: runs the cases inside a request, where compiling bytes is refused.

import * as main from "tied-autoencoder";
import * as detect from "tied-autoencoder/detect";
import * as kernels from "tied-autoencoder/kernels";
import * as worker from "tied-autoencoder/worker";
import { run } from "./cases.mjs";

export default {
  async fetch() {
    return Response.json(await run({ main, kernels, detect, worker, workers: { refused: true } }));
  },
};
