// Converts images to rows of bytes: grey, colour, or colour with alpha.

import type { OwnBytes } from "../arrays.ts";
import { onlyKeys } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";

/** An image like the ImageData of a canvas: four bytes per pixel for red, green, blue and alpha. */
export interface ImageLike {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Options of `rowsFrom` for images. */
export interface ImageOptions {
  /**
   * The number of values per pixel: 1 for grey (0.299 red + 0.587 green + 0.114 blue, rounded), 3 for red, green and blue,
   * 4 for these and alpha. The values of a pixel are adjacent. With 1 and 3, transparent pixels are blended with black.
   * Default 1.
   */
  channels?: 1 | 3 | 4;
}

/** Images as a matrix with one row per image. */
export interface ImageRows {
  /** Bytes, 0 to 255, row-major. */
  readonly data: OwnBytes;
  /** The number of images, and the number of values per image. */
  readonly shape: readonly [rows: number, columns: number];
}

export function isImage(value: unknown): value is ImageLike {
  if (typeof value !== "object" || value === null) return false;
  const { data, width, height } = value as Partial<ImageLike>;
  return ArrayBuffer.isView(data) && typeof width === "number" && typeof height === "number";
}

/** Each image as a row [height · width · channels]. All images must have the same size. */
export function imageRows(images: readonly ImageLike[], options: ImageOptions = {}): ImageRows {
  onlyKeys("rowsFrom", options, ["channels"]);
  const { channels = 1 } = options;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new InvalidValueError(`channels must be 1, 3 or 4; got ${show(channels)}.`);
  }
  const { width = 0, height = 0 } = images[0] ?? {};
  const columns = width * height * channels;
  const rows = new Uint8Array(images.length * columns);
  images.forEach((image, i) => {
    requireBytes(image, i);
    if (image.width !== width || image.height !== height) {
      throw new InvalidValueError(
        `Image ${i} is ${image.width} by ${image.height} pixels; image 0 is ${width} by ${height}.`,
      );
    }
    copyPixels(image.data, channels, rows.subarray(i * columns, (i + 1) * columns));
  });
  return { data: rows, shape: [images.length, columns] };
}

function requireBytes(image: ImageLike, i: number): void {
  if (!isImage(image)) {
    throw new InvalidTypeError(`Image ${i} must be { data, width, height }; got ${show(image)}.`);
  }
  const { data, width, height } = image;
  if (data.BYTES_PER_ELEMENT !== 1) {
    throw new InvalidTypeError(`Image ${i} must hold bytes, 0 to 255; got ${show(data)}.`);
  }
  if (data.length !== width * height * 4) {
    throw new InvalidValueError(
      `Image ${i} of ${width} by ${height} pixels must hold ${width * height * 4} bytes; it holds ${data.length}.`,
    );
  }
}

function copyPixels(rgba: ArrayLike<number>, channels: 1 | 3 | 4, row: Uint8Array): void {
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += channels) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = [0, 1, 2, 3].map((c) => rgba[from + c]);
    const cover = channels === 4 ? 1 : alpha / 255;
    if (channels === 1) {
      row[to] = Math.round((0.299 * red + 0.587 * green + 0.114 * blue) * cover);
      continue;
    }
    row[to] = Math.round(red * cover);
    row[to + 1] = Math.round(green * cover);
    row[to + 2] = Math.round(blue * cover);
    if (channels === 4) row[to + 3] = alpha;
  }
}
