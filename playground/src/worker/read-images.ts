// A visitor's images as rows: many small ones, a single large one cut into patches, or the files of MNIST. It runs in the
// helper's worker, so that decoding never stops the page.

import { rowsFrom } from "tied-autoencoder/table";
import type { DataSet, FilesRead } from "../protocol.ts";

const MOST_IMAGES = 5000;
const FEWEST_IMAGES = 20;
/** Side of a small image, and of the patches that a single large image is cut into. */
const IMAGE_SIDE = 16;
const PATCH = 12;
/** The longer side to which a single image is reduced before it is cut. */
const LONGEST_SIDE = 600;
const LARGEST_PIXELS = 64e6;

const count = (value: number) => value.toLocaleString("en");

/** Images as rows of pixels from 0 to 1. */
export async function readImageFiles(files: readonly File[]): Promise<FilesRead> {
  const [only] = files;
  if (files.length === 1 && only) return readPatches(only);
  const used = files.slice(0, MOST_IMAGES);
  if (used.length < FEWEST_IMAGES) {
    throw new Error(
      `${used.length} images are too few to learn from. Give ${FEWEST_IMAGES} or more, or a single one, which is cut into patches.`,
    );
  }
  const images: ImageData[] = [];
  for (const file of used) {
    const bitmap = await bitmapOf(file, `\u201c${file.name}\u201d`);
    images.push(pixelsOf(bitmap, IMAGE_SIDE, IMAGE_SIDE));
  }
  const said =
    files.length > used.length
      ? [`The first ${count(used.length)} of ${count(files.length)} images are used.`]
      : [];
  return {
    data: imageSet(`${count(images.length)} images`, images, IMAGE_SIDE),
    name: "own",
    said,
  };
}

/** A single image as patches, evenly spread. */
async function readPatches(file: File): Promise<FilesRead> {
  const bitmap = await bitmapOf(file, "it");
  const { width, height } = bitmap;
  if (width < PATCH * 6 || height < PATCH * 6) {
    bitmap.close();
    throw new Error(
      `it has ${width} by ${height} pixels, too few to cut into patches of ${PATCH} by ${PATCH}.`,
    );
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const [w, h] = [Math.floor(width * scale), Math.floor(height * scale)];
  const whole = pixelsOf(bitmap, w, h);
  const step = Math.max(3, Math.ceil(Math.sqrt((w * h) / 3000)));
  const patches: ImageData[] = [];
  for (let y = 0; y + PATCH <= h; y += step) {
    for (let x = 0; x + PATCH <= w; x += step) {
      const patch = new ImageData(PATCH, PATCH);
      for (let row = 0; row < PATCH; row++) {
        const from = ((y + row) * w + x) * 4;
        patch.data.set(whole.data.subarray(from, from + PATCH * 4), row * PATCH * 4);
      }
      patches.push(patch);
    }
  }
  if (patches.length < FEWEST_IMAGES) {
    throw new Error(
      `its ${width} by ${height} pixels give only ${patches.length} patches; ${FEWEST_IMAGES} are the least.`,
    );
  }
  const said =
    scale < 1 ? [`The image of ${width} by ${height} pixels is used at ${w} by ${h}.`] : [];
  return { data: imageSet(`Patches of ${file.name}`, patches, PATCH), name: "own", said };
}

function imageSet(title: string, images: readonly ImageData[], side: number): DataSet {
  const { data } = rowsFrom(images);
  return imageRows(title, data, side, side, []);
}

function imageRows(
  title: string,
  bytes: Uint8Array,
  width: number,
  height: number,
  labels: readonly string[],
): DataSet {
  return {
    title,
    values: Float32Array.from(bytes, (value) => value / 255),
    columns: width * height,
    width,
    height,
    labels,
    names: [],
    kind: "image",
    faults: [],
  };
}

async function bitmapOf(file: File, what: string): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`this browser cannot read ${what} as an image.`);
  });
  if (bitmap.width * bitmap.height > LARGEST_PIXELS) {
    bitmap.close();
    throw new Error(`${what} is too large: at most 64 megapixels.`);
  }
  return bitmap;
}

/** The image drawn at a size. Closes the bitmap. */
function pixelsOf(bitmap: ImageBitmap, width: number, height: number): ImageData {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas to read images with.");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// MNIST

const MOST_DIGITS = 6000;

/** The files of MNIST: images and, if they are among them, labels. */
export async function readMnistFiles(files: readonly File[]): Promise<FilesRead> {
  let images: Idx | undefined;
  let labels: string[] = [];
  for (const file of files) {
    const array = bytesOfIdx(await wholeOf(file), file.name);
    if (array.shape.length === 3) images = array;
    else if (array.shape.length === 1) labels = Array.from(array.data, String);
  }
  if (!images) {
    throw new Error("none of these files contains images; train-images-idx3-ubyte does.");
  }
  const [rows = 0, height = 0, width = 0] = images.shape;
  if (width * height > 1024) {
    throw new Error(`images of ${width} by ${height} pixels are too large here: at most 32 by 32.`);
  }
  if (rows < FEWEST_IMAGES) {
    throw new Error(`${rows} images are too few to learn from: at least ${FEWEST_IMAGES}.`);
  }
  const used = Math.min(rows, MOST_DIGITS);
  const bytes = images.data.subarray(0, used * width * height);
  return {
    data: imageRows(
      "MNIST",
      bytes,
      width,
      height,
      labels.length >= used ? labels.slice(0, used) : [],
    ),
    name: "mnist",
    said: used < rows ? [`The first ${count(used)} of ${count(rows)} images are used.`] : [],
  };
}

interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** An IDX file of bytes, as MNIST's are: two zeros, 8, the number of sizes, the sizes, the bytes. */
function bytesOfIdx(bytes: Uint8Array, name: string): Idx {
  const [zero, alsoZero, type, rank = 0] = bytes;
  if (zero !== 0 || alsoZero !== 0 || type !== 8 || bytes.length < 4 + 4 * rank) {
    throw new Error(`\u201c${name}\u201d is not an IDX file of bytes.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const data = bytes.subarray(4 + 4 * rank);
  const expected = shape.reduce((product, size) => product * size, 1);
  if (expected !== data.length) {
    throw new Error(
      `\u201c${name}\u201d announces ${count(expected)} bytes and contains ${count(data.length)}.`,
    );
  }
  return { shape, data };
}

async function wholeOf(file: File): Promise<Uint8Array> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const stream = isGzip
    ? file.stream().pipeThrough(new DecompressionStream("gzip"))
    : file.stream();
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
