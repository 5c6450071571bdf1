// Rows of pixels as a sheet of small images.

import { optionalText, wholeNumber } from "../checks.ts";
import { type MatrixInput, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { formatNumber } from "./axes.ts";
import { type PictureOptions, type Point, picture } from "./picture.ts";

/** How rows become images, and how images are arranged on a sheet. */
export interface SheetOptions {
  /** Width of an image in its own pixels. */
  width: number;
  /** Height of an image in its own pixels. Default: the width. */
  height?: number;
  /** Values of a pixel: 1 for grey, 3 for red, green and blue, pixel by pixel as in ImageData. Default 1. */
  channels?: 1 | 3;
  /** Images in a line. Default: about as many as there are lines. */
  perRow?: number;
  /** CSS pixels for one pixel of an image. Default: makes an image about 48 CSS pixels wide, at least 1. */
  scale?: number;
  /** A caption for each image: shown on hover, and under the image with `showCaptions`. Default: none. */
  captions?: readonly string[];
  /** Write the captions under the images. Default false. */
  showCaptions?: boolean;
}

/** How images are drawn. */
export interface ImagesOptions extends PictureOptions, SheetOptions {
  /** The values of black and of white. Default: [0, 1], extended to the range of the values if that is larger. */
  range?: readonly [low: number, high: number];
  /** Draw high values dark. Default false: high values are light. */
  inverted?: boolean;
}

/** The checked sizes of a sheet. */
export interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly count: number;
  readonly perRow: number;
  readonly scale: number;
  readonly values: Float32Array;
  readonly size: Point;
  /** The upper left corner of an image. */
  place(index: number): Point;
  caption(index: number): string;
}

const GAP = 4;
const CAPTION_HEIGHT = 14;

/**
 * Draws each of `rows` [images, height · width · channels] as an image. NaN is drawn as a mid tone.
 * @returns SVG, or with `context` the text alternative.
 * @throws InvalidTypeError or InvalidValueError when rows and options do not match.
 */
export function drawImages(rows: MatrixInput, options: ImagesOptions): string {
  requireOptions("drawImages", options);
  const sheet = readSheet("rows", rows, options);
  const { width, height, channels, count, values } = sheet;
  const [low, high] = valueRange(options.range, values);
  const span = high - low || 1;
  const level = (value: number) => {
    const share = Number.isNaN(value) ? 0.5 : (value - low) / span;
    return 255 * (options.inverted ? 1 - share : share); // the Uint8ClampedArray clamps it
  };
  const description = `${count} images of ${width} by ${height} pixels; values from ${formatNumber(low)} (${options.inverted ? "light" : "dark"}) to ${formatNumber(high)}.`;
  return picture(options, sheet.size, "Images", description, (surface) => {
    for (let i = 0; i < count; i++) {
      const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
      for (let pixel = 0; pixel < width * height; pixel++) {
        const from = (i * width * height + pixel) * channels;
        for (let c = 0; c < 3; c++) {
          rgba[pixel * 4 + c] = level(values[from + (channels === 1 ? 0 : c)] ?? Number.NaN);
        }
      }
      const [x, y] = sheet.place(i);
      surface.pixels(x, y, sheet.scale, { width, height, rgba }, sheet.caption(i));
      if (options.showCaptions) writeCaption(surface, sheet, i);
    }
  });
}

export function writeCaption(
  surface: Parameters<Parameters<typeof picture>[4]>[0],
  sheet: Sheet,
  index: number,
): void {
  const [x, y] = sheet.place(index);
  const middle = x + (sheet.width * sheet.scale) / 2;
  surface.text(middle, y + sheet.height * sheet.scale + 11, sheet.caption(index), {
    anchor: "middle",
  });
}

/** Throws if the options are absent: only they contain the width of an image. */
export function requireOptions(call: string, options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new InvalidTypeError(`${call} needs options, such as { width: 28 }; got ${show(options)}.`);
}

/** Checks rows against the options and computes the layout of the sheet. `below` is the space for a legend. */
export function readSheet(
  name: string,
  rows: MatrixInput,
  options: SheetOptions,
  below = 0,
  noun = "Image",
): Sheet {
  const width = wholeNumber("width", options.width, 1);
  const height = wholeNumber("height", options.height ?? width, 1);
  const channels = options.channels ?? 1;
  if (channels !== 1 && channels !== 3) {
    throw new InvalidValueError(`channels must be 1 or 3; got ${show(channels)}.`);
  }
  const read = readRows(name, rows, width * height * channels);
  const { count } = read;
  const values = new Float32Array(count * width * height * channels);
  read.copy(0, count, values, 0);
  const perRow = wholeNumber("perRow", options.perRow ?? Math.ceil(Math.sqrt(count * 1.5)), 0) || 1;
  const pixel = options.scale ?? Math.max(1, Math.round(48 / width));
  if (!(pixel > 0)) throw new InvalidValueError(`scale must be above 0; got ${show(pixel)}.`);
  const lineHeight = height * pixel + GAP + (options.showCaptions ? CAPTION_HEIGHT : 0);
  const columnWidth = width * pixel + GAP;
  const lines = Math.ceil(count / perRow);
  return {
    width,
    height,
    channels,
    count,
    perRow,
    values,
    scale: pixel,
    size: [
      Math.max(1, Math.min(count, perRow)) * columnWidth - GAP,
      Math.max(1, lines) * lineHeight - GAP + below,
    ],
    place: (i) => [(i % perRow) * columnWidth, Math.floor(i / perRow) * lineHeight],
    caption: (i) => optionalText(`captions[${i}]`, options.captions?.[i]) ?? `${noun} ${i}`,
  };
}

function valueRange(range: unknown, values: Float32Array): readonly [number, number] {
  if (range !== undefined) {
    const [low, high] = Array.isArray(range) ? (range as unknown[]) : [];
    if (typeof low === "number" && typeof high === "number" && low < high) return [low, high];
    throw new InvalidValueError(`range must be [low, high] with low < high; got ${show(range)}.`);
  }
  let [low, high] = [0, 1];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return [low, high];
}
