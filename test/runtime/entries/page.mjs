// For pages: runs the cases and reports by going to another address, which no policy forbids.

import * as main from "tied-autoencoder";
import * as kernels from "tied-autoencoder/kernels";
import { run } from "./cases.mjs";
import { report } from "./report.mjs";

report(() => run({ main, kernels }));
