// For hosts with a console: runs the cases and prints the records as one line of JSON. No await at the top
// level, which a bundle in CommonJS could not have.

import * as main from "tied-autoencoder";
import * as detect from "tied-autoencoder/detect";
import * as kernels from "tied-autoencoder/kernels";
import * as worker from "tied-autoencoder/worker";
import { run } from "./cases.mjs";

run({ main, kernels, detect, worker }).then((records) => {
  console.log(`RECORDS ${JSON.stringify(records)}`);
});
