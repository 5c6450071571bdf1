// For hosts with a console: runs the cases and prints the records as one line of JSON.

import * as main from "tied-autoencoder";
import * as kernels from "tied-autoencoder/kernels";
import * as worker from "tied-autoencoder/worker";
import { run } from "./cases.mjs";

console.log(`RECORDS ${JSON.stringify(await run({ main, kernels, worker }))}`);
