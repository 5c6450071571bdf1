// The visitor's own files: a table, images, or MNIST. Nothing leaves the device. Whatever a file holds, the page says in words what became of it.

import { rowsFrom } from "tied-autoencoder/table";
import { helperClient } from "../helper.ts";
import type { DataSet } from "../protocol.ts";
import { notices, openOwn, say } from "../state.ts";

const MOST_IMAGES = 5000;
/** Side of a small image, and of the patches that a single large image is cut into. */
const IMAGE_SIDE = 16;
const PATCH = 12;
const LARGEST_PIXELS = 64e6;

/** Opens what was dropped or chosen. */
export async function openFiles(files: readonly File[]): Promise<void> {
  notices.value = []; // of data that are left now
  try {
    const images = files.filter(({ type }) => type.startsWith("image/"));
    const idx = files.filter(({ name }) => /ubyte|\.idx/i.test(name));
    if (idx.length > 0) await openOwn(await readMnist(idx), "mnist");
    else if (images.length > 0) await openOwn(await readImages(images), "own");
    else if (files[0]) await openOwn(await readTable(files[0]), "own");
  } catch (error) {
    const name = files.length === 1 ? `\u201c${files[0]?.name}\u201d` : "These files";
    say(
      `${name} could not be used: ${error instanceof Error ? error.message : String(error)}`,
      "problem",
    );
  }
}

async function plainStream(file: File): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  return isGzip ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
}

async function readTable(file: File): Promise<DataSet> {
  const helper = await helperClient();
  const { values, names, labels, said } = await helper.ask("table", { file });
  for (const sentence of said) say(sentence);
  const columns = names.length;
  return {
    title: file.name,
    values,
    columns,
    width: columns,
    height: 1,
    labels,
    names,
    kind: "table",
    faults: [],
  };
}

// Images

async function readImages(files: readonly File[]): Promise<DataSet> {
  const [only] = files;
  if (files.length === 1 && only) return readPatches(only);
  const used = files.slice(0, MOST_IMAGES);
  if (used.length < 20) {
    throw new Error(
      `${used.length} images are too few to learn from. Give 20 or more, or a single one, which is cut into patches.`,
    );
  }
  const images: ImageData[] = [];
  for (const file of used) {
    images.push(await pixelsOf(file, IMAGE_SIDE, IMAGE_SIDE));
    if (images.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  if (files.length > used.length)
    say(
      `The first ${used.length.toLocaleString("en")} of ${files.length.toLocaleString("en")} images are used.`,
    );
  return imageSet(`${images.length} images`, images, IMAGE_SIDE);
}

/** A single image as patches, evenly spread. */
async function readPatches(file: File): Promise<DataSet> {
  const bitmap = await bitmapOf(file);
  const { width, height } = bitmap;
  bitmap.close();
  if (width < PATCH * 6 || height < PATCH * 6) {
    throw new Error(
      `it has ${width} by ${height} pixels, too few to cut into patches of ${PATCH} by ${PATCH}.`,
    );
  }
  const scale = Math.min(1, 600 / Math.max(width, height));
  const [w, h] = [Math.floor(width * scale), Math.floor(height * scale)];
  const whole = await pixelsOf(file, w, h);
  if (scale < 1) say(`The image of ${width} by ${height} pixels is used at ${w} by ${h}.`);
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
  return imageSet(`Patches of ${file.name}`, patches, PATCH);
}

function imageSet(title: string, images: readonly ImageData[], side: number): DataSet {
  const { data } = rowsFrom(images);
  return {
    title,
    values: inUnits(data),
    columns: side * side,
    width: side,
    height: side,
    labels: [],
    names: [],
    kind: "image",
    faults: [],
  };
}

async function bitmapOf(file: File): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("this browser cannot read it as an image.");
  });
  if (bitmap.width * bitmap.height > LARGEST_PIXELS) {
    bitmap.close();
    throw new Error("it is too large: at most 64 megapixels.");
  }
  return bitmap;
}

/** The image drawn at a size. */
async function pixelsOf(file: File, width: number, height: number): Promise<ImageData> {
  const bitmap = await bitmapOf(file);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas to read it with.");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// MNIST

const MOST_DIGITS = 6000;

async function readMnist(files: readonly File[]): Promise<DataSet> {
  let images: Idx | undefined;
  let labels: string[] = [];
  for (const file of files) {
    const array = bytesOfIdx(await wholeOf(file), file.name);
    if (array.shape.length === 3) images = array;
    else if (array.shape.length === 1) labels = Array.from(array.data, String);
  }
  if (!images) throw new Error("none of these files holds images; train-images-idx3-ubyte does.");
  const [count = 0, height = 0, width = 0] = images.shape;
  if (width * height > 1024)
    throw new Error(`images of ${width} by ${height} pixels are too large here: at most 32 by 32.`);
  const used = Math.min(count, MOST_DIGITS);
  if (used < count)
    say(`The first ${used.toLocaleString("en")} of ${count.toLocaleString("en")} images are used.`);
  const { data } = images;
  return {
    title: "MNIST",
    values: inUnits(data.subarray(0, used * width * height)),
    columns: width * height,
    width,
    height,
    labels: labels.length >= used ? labels.slice(0, used) : [],
    names: [],
    kind: "image",
    faults: [],
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
    throw new Error(`\u201c${name}\u201d is no IDX file of bytes.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const data = bytes.subarray(4 + 4 * rank);
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (wanted !== data.length) {
    throw new Error(`\u201c${name}\u201d should hold ${wanted} bytes and holds ${data.length}.`);
  }
  return { shape, data };
}

async function wholeOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await plainStream(file)).arrayBuffer());
}

/** Bytes as values from 0 to 1. A loop: millions of calls of a function would be felt as a stutter. */
function inUnits(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = (bytes[i] ?? 0) / 255;
  return values;
}
