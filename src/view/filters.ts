// Weights as small images: the input that each unit of a layer responds to, and with tied weights also what it adds to the
// reconstruction. Hue shows the sign. Negative pixels also have a bar if pixels are large enough.

import type { MatrixInput } from "../data/rows.ts";
import { formatNumber } from "./axes.ts";
import { cssColor, signedColor } from "./colors.ts";
import { readSheet, requireOptions, type SheetOptions, writeCaption } from "./images.ts";
import { type PictureOptions, type Point, picture } from "./picture.ts";

/** A weight of shape [units, inputs] as `model.weights()` returns it, or a matrix with one row for each unit. */
export type WeightInput =
  | MatrixInput
  | {
      /** [units, inputs]. */
      readonly shape: readonly number[];
      /** The weights, row-major. */
      readonly data: Float32Array;
    };

/** How weights are drawn. */
export interface FiltersOptions extends PictureOptions, SheetOptions {
  /** The magnitude that has full colour. Default: the largest magnitude in the picture. */
  limit?: number;
  /** Use a separate limit for each unit, so that weak units are visible too. Default false. */
  each?: boolean;
  /** Mark negative pixels with a bar. Default: true if a pixel takes 5 CSS pixels or more. */
  signs?: boolean;
  /** Draw a legend of the colours below the images. Default true. */
  legend?: boolean;
}

const LEGEND_HEIGHT = 26;
/** Negative pixels are marked from this share of the limit on. */
const MARKED = 0.2;

/**
 * Draws each row of `weight` [units, height · width · channels] as an image, blue below zero and orange
 * above. With 3 channels a pixel shows their sum.
 * @returns SVG, or with `context` the text alternative.
 * @throws InvalidTypeError or InvalidValueError when the weight and the options do not match.
 */
export function drawFilters(weight: WeightInput, options: FiltersOptions): string {
  requireOptions("drawFilters", options);
  const { legend = true, dark = false } = options;
  const below = legend ? LEGEND_HEIGHT : 0;
  const sheet = readSheet("weight", weight as MatrixInput, options, below, "Unit");
  const { width, height, channels, count, scale, values } = sheet;
  const pixels = width * height;
  const signed = new Float32Array(count * pixels);
  values.forEach((value, i) => {
    signed[Math.floor(i / channels)] = (signed[Math.floor(i / channels)] ?? 0) + value;
  });
  const overall = options.limit ?? largest(signed);
  const signs = options.signs ?? scale >= 5;
  const description = `${count} units as images of ${width} by ${height} weights, largest ${formatNumber(overall)}; orange is positive, blue${signs ? " with a bar" : ""} is negative.`;
  return picture(options, sheet.size, "Filters", description, (surface) => {
    for (let i = 0; i < count; i++) {
      const own = signed.subarray(i * pixels, (i + 1) * pixels);
      const limit = (options.each ? largest(own) : overall) || 1;
      const rgba = new Uint8ClampedArray(pixels * 4).fill(255);
      own.forEach((value, pixel) => {
        rgba.set(signedColor(value / limit || 0, dark), pixel * 4);
      });
      const [x, y] = sheet.place(i);
      surface.pixels(x, y, scale, { width, height, rgba }, sheet.caption(i));
      if (signs) {
        const bars: Point[][] = [];
        own.forEach((value, pixel) => {
          if (!(value < -MARKED * limit)) return;
          const left = x + (pixel % width) * scale;
          const middle = y + (Math.floor(pixel / width) + 0.5) * scale;
          bars.push([
            [left + scale * 0.25, middle],
            [left + scale * 0.75, middle],
          ]);
        });
        surface.lines(bars, {
          stroke: dark ? "#0b0d10" : "#ffffff",
          width: Math.max(1, scale / 7),
        });
      }
      if (options.showCaptions) writeCaption(surface, sheet, i);
    }
    if (!legend) return;
    const top = sheet.size[1] - 12;
    const label = options.each ? "own largest" : formatNumber(overall);
    const start = 12 + label.length * 7;
    surface.text(0, top + 9, `\u2212${label}`);
    for (let i = 0; i <= 10; i++) {
      surface.rect(start + i * 6, top, 6, 10, cssColor(signedColor(i / 5 - 1, dark)));
    }
    surface.text(start + 72, top + 9, `+${label}`);
  });
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values)
    if (Math.abs(value) > most && Number.isFinite(value)) most = Math.abs(value);
  return most;
}
