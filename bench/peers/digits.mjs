// 28 x 28 images in [0, 1], mostly zero: MNIST where its files are found. Otherwise seeded strokes of a soft pen, which are
// as sparse and as smooth but have no meaning.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { seeded } from "../support/random.mjs";

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const IDX_HEADER = 16;

/** `count` images, row after row, and their name. */
export function digits(count, mnistFolder) {
  const file = mnistFolder && join(mnistFolder, "train-images-idx3-ubyte.gz");
  if (file && existsSync(file)) {
    const bytes = gunzipSync(readFileSync(file)).subarray(IDX_HEADER, IDX_HEADER + count * PIXELS);
    if (bytes.length < count * PIXELS) throw new Error(`${file} holds fewer than ${count} images.`);
    return { source: "MNIST", images: Float32Array.from(bytes, (byte) => byte / 255) };
  }
  const random = seeded(1);
  const images = new Float32Array(count * PIXELS);
  for (let i = 0; i < count; i++) draw(images.subarray(i * PIXELS, (i + 1) * PIXELS), random);
  return { source: "synthetic strokes", images };
}

/** Three connected strokes. The pen draws a soft dot every half pixel. */
function draw(image, random) {
  const place = () => 5 + 18 * random();
  let [x, y] = [place(), place()];
  for (let stroke = 0; stroke < 3; stroke++) {
    const [toX, toY] = [place(), place()];
    const stamps = Math.max(1, Math.ceil(2 * Math.hypot(toX - x, toY - y)));
    for (let s = 0; s < stamps; s++) {
      stamp(image, x + ((toX - x) * s) / stamps, y + ((toY - y) * s) / stamps);
    }
    [x, y] = [toX, toY];
  }
}

function stamp(image, x, y) {
  for (let row = Math.floor(y) - 1; row <= Math.floor(y) + 2; row++) {
    for (let col = Math.floor(x) - 1; col <= Math.floor(x) + 2; col++) {
      const ink = Math.min(1, 1.8 - Math.hypot(row - y, col - x));
      const at = row * SIDE + col;
      if (ink > image[at]) image[at] = ink;
    }
  }
}
