// Axes: the places of ticks, the format of numbers, and the frame of a chart.

import type { Point, Surface } from "./picture.ts";

/** A range of values on a length of pixels, linear or logarithmic. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly log: boolean;
  /** The pixel of a value. */
  at(value: number): number;
}

export function scale(min: number, max: number, log: boolean, [from, to]: Point): Scale {
  const on = log ? Math.log10 : (value: number) => value;
  const [low, high] = [on(min), on(max)];
  const span = high - low || 1;
  return { min, max, log, at: (value) => from + ((on(value) - low) / span) * (to - from) };
}

/** Round numbers in [min, max], about `count` of them. */
export function ticks(min: number, max: number, count: number, log = false): number[] {
  if (log) return logTicks(min, max, count);
  const rough = (max - min) / Math.max(1, count);
  if (!(rough > 0)) return [min];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function logTicks(min: number, max: number, count: number): number[] {
  const [low, high] = [Math.floor(Math.log10(min)), Math.ceil(Math.log10(max))];
  const inside = (factors: readonly number[], every: number) => {
    const found: number[] = [];
    for (let power = low; power <= high; power += every) {
      for (const factor of factors) {
        const value = factor * 10 ** power;
        if (value >= min * 0.999 && value <= max * 1.001) found.push(value);
      }
    }
    return found;
  };
  const everyDecade = Math.max(1, Math.ceil((high - low) / count));
  const choices = [inside([1, 2, 5], 1), inside([1, 3], 1)];
  return choices.find(({ length }) => length <= count + 1) ?? inside([1], everyDecade);
}

/** A number as text with a few digits. Only very large and very small numbers have a power of ten. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value
      .toExponential(size >= 1e15 || size < 1e-15 ? 1 : 2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e")
      .replace("-", "\u2212");
  }
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 1 ? 2 : 4;
  return String(Number(value.toFixed(digits))).replace("-", "\u2212");
}

/** The space between the edge of a chart and its plot. */
export const MARGIN = { left: 52, right: 12, top: 12, bottom: 34 } as const;

/** Draws grid lines with their numbers, and the names of the axes. */
export function drawAxes(
  surface: Surface,
  [width, height]: Point,
  x: Scale,
  y: Scale,
  labels: { readonly x: string; readonly y: string },
): void {
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  for (const value of ticks(y.min, y.max, Math.max(2, Math.floor((bottom - top) / 36)), y.log)) {
    const at = y.at(value);
    surface.lines(
      [
        [
          [left, at],
          [right, at],
        ],
      ],
      { opacity: 0.15 },
    );
    surface.text(left - 6, at + 4, formatNumber(value), { anchor: "end" });
  }
  for (const value of ticks(x.min, x.max, Math.max(2, Math.floor((right - left) / 60)), x.log)) {
    const at = x.at(value);
    surface.lines(
      [
        [
          [at, bottom],
          [at, bottom + 4],
        ],
      ],
      { opacity: 0.5 },
    );
    surface.text(at, bottom + 16, formatNumber(value), { anchor: "middle" });
  }
  surface.lines(
    [
      [
        [left, bottom],
        [right, bottom],
      ],
    ],
    { opacity: 0.5 },
  );
  surface.text((left + right) / 2, height - 4, labels.x, { anchor: "middle" });
  surface.text(11, (top + bottom) / 2, labels.y, { anchor: "middle", vertical: true });
}
