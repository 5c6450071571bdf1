// MNIST, for checks with real images. It is not part of the project. The files are expected in the folder
// of the environment variable TIED_AUTOENCODER_MNIST, or in ../shared/data/mnist next to the project.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const folder =
  process.env.TIED_AUTOENCODER_MNIST ??
  fileURLToPath(new URL("../../../shared/data/mnist", import.meta.url));

export const mnistIsThere = existsSync(join(folder, "train-images-idx3-ubyte.gz"));
export const mnistSkipped = `skipped: no MNIST in ${folder} (set TIED_AUTOENCODER_MNIST)`;

/** The file of a part as it is distributed, gzipped IDX. */
export function mnistFile(part: "train" | "t10k"): Uint8Array {
  return readFileSync(join(folder, `${part}-images-idx3-ubyte.gz`));
}

/** Pixels in [0, 1], 784 a row: 60,000 rows to train on or 10,000 to test on. */
export function loadMnist(part: "train" | "t10k"): Float32Array {
  const bytes = gunzipSync(mnistFile(part));
  return Float32Array.from(bytes.subarray(16), (value) => value / 255);
}
