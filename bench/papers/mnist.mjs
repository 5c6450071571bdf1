// Reads the four MNIST files, gzipped or not, from the folder that the command line or $MNIST names. The project does not
// contain them.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { decodeIdx } from "tied-autoencoder/formats";

export const WIDTH = 784;

const places = [
  process.argv.slice(2).find((argument) => !argument.startsWith("-")),
  process.env.MNIST,
  fileURLToPath(new URL("../../../shared/data/mnist", import.meta.url)),
];

/** The folder, or undefined if none is named. */
export const folder = places.find((place) => place && fileOf(place, "train-images-idx3-ubyte"));

/** Pixels in [0, 1] and labels of both parts. Without MNIST it prints the reason and ends the program. */
export function loadMnist() {
  if (!folder) {
    const tried = places.filter(Boolean).join(", ");
    console.log(
      `skipped: no MNIST in ${tried}. Name a folder with the four IDX files, or set MNIST.`,
    );
    process.exit(0);
  }
  const part = (name) => ({
    // A copy and map, because Float32Array.from with a function takes much longer and more memory.
    x: new Float32Array(read(folder, `${name}-images-idx3-ubyte`)).map((value) => value / 255),
    labels: Uint8Array.from(read(folder, `${name}-labels-idx1-ubyte`)),
  });
  return { train: part("train"), test: part("t10k") };
}

function fileOf(folder, name) {
  return [name, `${name}.gz`].map((file) => join(folder, file)).find((path) => existsSync(path));
}

function read(folder, name) {
  const path = fileOf(folder, name);
  if (!path) throw new Error(`${folder} lacks ${name}, with or without .gz.`);
  const bytes = readFileSync(path);
  return decodeIdx(path.endsWith(".gz") ? new Uint8Array(gunzipSync(bytes)) : bytes).data;
}
