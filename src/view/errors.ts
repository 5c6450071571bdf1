// The distribution of reconstruction errors, or of any scores, with those above a threshold marked.

import { finiteNumber, numberList, optionalText, record, wholeNumber } from "../checks.ts";
import { drawAxes, formatNumber, MARGIN, scale } from "./axes.ts";
import { alarmColor, seriesColor } from "./colors.ts";
import { chartSize, type PictureOptions, picture } from "./picture.ts";

/** How the distribution of errors is drawn. */
export interface ErrorsOptions extends PictureOptions {
  /** From which error on a row counts as odd. Default: none. */
  threshold?: number;
  /** Bars. Default 40. */
  bins?: number;
  /** A logarithmic axis of errors. Default: true if the largest error is more than 30 times the median and all are above 0. */
  log?: boolean;
  /** What the horizontal axis shows. Default "error". */
  unit?: string;
  /** Width and height in CSS pixels. Default [480, 220]. */
  size?: readonly [width: number, height: number];
}

/**
 * Draws the distribution of `errors` [rows] as bars. A line with a number marks `threshold`. Bars above it have another
 * colour and a lighter middle. Errors that are not finite are left out, and the text alternative counts them.
 * @returns SVG, or with `context` the text alternative.
 * @throws InvalidTypeError when `errors` is not a list of numbers.
 */
export function drawErrors(errors: ArrayLike<number>, options: ErrorsOptions = {}): string {
  const given = numberList("errors", errors);
  record("drawErrors's options", options);
  const { threshold, dark } = options;
  const unit = optionalText("unit", options.unit) ?? "error";
  if (threshold !== undefined) finiteNumber("threshold", threshold);
  const bins = wholeNumber("bins", options.bins ?? 40, 1);
  const size = chartSize(options.size, [480, 220]);
  const values = given.filter(Number.isFinite).sort();
  const lost = given.length - values.length;
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 1];
  const median = values[values.length >> 1] ?? 0;
  const log = first > 0 && (options.log ?? last > 30 * median);
  const low =
    threshold === undefined || (log && threshold <= 0) ? first : Math.min(first, threshold);
  const top = Math.max(last, threshold ?? last);
  const high = top > low ? top : low + (Math.abs(low) || 1);
  const counts = count(values, bins, low, high, log);
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  const odd = threshold === undefined ? 0 : values.filter((value) => value > threshold).length;
  const description =
    `${values.length} rows; ${unit} from ${formatNumber(first)} to ${formatNumber(last)}, median ${formatNumber(median)}` +
    (threshold === undefined ? "" : `; ${odd} above the threshold ${formatNumber(threshold)}`) +
    (lost > 0 ? `; ${lost} that are not finite are left out` : "") +
    ".";
  return picture(options, size, "Distribution of errors", description, (surface) => {
    const x = scale(low, high, log, [MARGIN.left, size[0] - MARGIN.right]);
    const y = scale(0, most, false, [size[1] - MARGIN.bottom, MARGIN.top + 16]);
    drawAxes(surface, size, x, y, { x: log ? `${unit} (log)` : unit, y: "rows" });
    const width = (size[0] - MARGIN.right - MARGIN.left) / bins;
    const limit = threshold === undefined ? Infinity : x.at(threshold);
    counts.forEach((rows, i) => {
      if (rows === 0) return;
      const left = MARGIN.left + i * width;
      const bar = Math.max(1, width - 1);
      const height = Math.max(1, y.at(0) - y.at(rows)); // one row among thousands stays visible
      const isOdd = left + width / 2 > limit;
      surface.rect(
        left,
        y.at(0) - height,
        bar,
        height,
        isOdd ? alarmColor(dark) : seriesColor(0, dark),
      );
      if (isOdd && bar > 4)
        surface.rect(left + bar / 2 - 1, y.at(0) - height, 2, height, "#fff", 0.7);
    });
    if (threshold === undefined) return;
    surface.lines(
      [
        [
          [limit, MARGIN.top + 4],
          [limit, size[1] - MARGIN.bottom],
        ],
      ],
      { dash: true, width: 1.5 },
    );
    const isRight = limit > size[0] / 2;
    surface.text(
      limit + (isRight ? -6 : 6),
      MARGIN.top + 8,
      `${odd} above ${formatNumber(threshold)}`,
      {
        anchor: isRight ? "end" : "start",
      },
    );
  });
}

function count(
  values: Float64Array,
  bins: number,
  low: number,
  high: number,
  log: boolean,
): number[] {
  const place = scale(low, high, log, [0, bins]);
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(place.at(value))));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
