// Prints the digests of the present build, for expected.mjs.

import * as main from "tied-autoencoder";
import * as detect from "tied-autoencoder/detect";
import { detectorDigest, OPTIMIZERS, trainedDigest } from "./cases.mjs";

for (const name of Object.keys(OPTIMIZERS))
  console.log(`  ${name}: "${await trainedDigest(main, name)}",`);
console.log(`  detector: "${await detectorDigest(detect)}",`);
