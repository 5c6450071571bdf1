// Losses during training, on a logarithmic axis, with reference lines such as the error of PCA.

import { numberList, optionalText, record } from "../checks.ts";
import { InvalidTypeError, show } from "../errors.ts";
import { drawAxes, formatNumber, MARGIN, scale } from "./axes.ts";
import { seriesColor } from "./colors.ts";
import { chartSize, type PictureOptions, type Point, picture, type Surface } from "./picture.ts";

/** The result of `fit`, series of several models by name, or a list of losses. */
export type LossInput =
  | {
      /** The series by name. The first is drawn as a solid line, the others as dashed lines. */
      readonly series: Readonly<Record<string, ArrayLike<number>>>;
      /** Positions of the values on the horizontal axis. Default: 0, 1, 2, … */
      readonly at?: readonly number[];
    }
  | {
      /** Number of each epoch. Default: from 0. */
      readonly epoch?: readonly number[];
      /** `loss` and `valLoss` as in the result of `fit`, and any other series by its name. */
      readonly history: {
        readonly loss: readonly number[];
        readonly valLoss?: readonly number[];
        readonly [name: string]: readonly number[] | undefined;
      };
    }
  | ArrayLike<number>;

/** How losses are drawn. */
export interface LossOptions extends PictureOptions {
  /** Width and height in CSS pixels. Default [480, 240]. */
  size?: readonly [width: number, height: number];
  /** A logarithmic axis of losses, which leaves out losses of 0 or less. Default true. */
  log?: boolean;
  /** Reference levels, such as `{ PCA: 0.031 }`. Default: none. */
  references?: Readonly<Record<string, number>>;
  /** Draw a legend of the lines above the chart. Default true. */
  legend?: boolean;
  /** Unit of the horizontal axis. Default "epoch" for a history, else "step". */
  unit?: string;
  /** Name of the vertical axis. Default "loss". */
  quantity?: string;
}

interface Series {
  readonly name: string;
  readonly values: Float64Array;
  readonly color: string;
  readonly dash: boolean;
}

/**
 * Draws the losses of `history`: training, or the first series, as a solid line; validation and other series as dashed lines.
 * @returns SVG, or with `context` the text alternative.
 * @throws InvalidTypeError when `history` is not a history, series or a list of numbers.
 */
export function drawLoss(history: LossInput, options: LossOptions = {}): string {
  record("drawLoss's options", options);
  const size = chartSize(options.size, [480, 240]);
  const { series, positions, unit: own } = readHistory(history, options.dark);
  const unit = optionalText("unit", options.unit) ?? own;
  const quantity = optionalText("quantity", options.quantity) ?? "loss";
  const { log = true } = options;
  const references = record("references", options.references);
  const usable = (value: unknown): value is number =>
    typeof value === "number" && Number.isFinite(value) && (!log || value > 0);
  const levels = Object.entries(references).flatMap(([name, value]) =>
    usable(value) ? [[name, value] as const] : [],
  );
  const shown = [
    ...series.flatMap(({ values }) => Array.from(values).filter(usable)),
    ...levels.map(([, value]) => value),
  ];
  const [low, high] = bounds(shown, log);
  const first = positions[0] ?? 0;
  const last = Math.max(positions.at(-1) ?? 1, first + 1);
  const x = scale(first, last, false, [MARGIN.left, size[0] - MARGIN.right]);
  const y = scale(low, high, log, [
    size[1] - MARGIN.bottom,
    MARGIN.top + (options.legend === false ? 4 : 14),
  ]);
  const said = [
    ...series.map(({ name, values }) => describe(name, Array.from(values))),
    ...levels.map(([name, value]) => `${name} at ${formatNumber(value)}`),
  ];
  const description = `${said.join("; ")}.`;
  return picture(options, size, "Loss", description, (surface) => {
    const axes = { x: unit, y: log ? `${quantity} (log)` : quantity };
    drawAxes(surface, size, x, y, axes);
    for (const [name, value] of levels) {
      const at = y.at(value);
      surface.lines(
        [
          [
            [MARGIN.left, at],
            [size[0] - MARGIN.right, at],
          ],
        ],
        { dash: true, opacity: 0.8 },
      );
      // The text is on the left and below the line, where a falling loss does not cross it. It is above the line only at the
      // lower edge of the chart.
      const isLow = at + 14 > size[1] - MARGIN.bottom;
      surface.text(MARGIN.left + 4, at + (isLow ? -4 : 12), `${name} ${formatNumber(value)}`);
    }
    for (const { values, color, dash } of series) {
      const parts = runs(values, usable).map((run) =>
        run.map((i): Point => [x.at(positions[i] ?? i), y.at(values[i] ?? 0)]),
      );
      surface.lines(parts, { stroke: color, width: 2, dash });
      // A line needs two points.
      const alone = parts.flatMap((points) => (points.length === 1 ? points : []));
      surface.glyphs("circle", alone, 2, color);
    }
    if (options.legend !== false) drawKey(surface, series);
  });
}

function drawKey(surface: Surface, series: readonly Series[]): void {
  let left = MARGIN.left + 8;
  for (const { name, color, dash } of series) {
    surface.lines(
      [
        [
          [left, 9],
          [left + 18, 9],
        ],
      ],
      { stroke: color, width: 2, dash },
    );
    surface.text(left + 23, 13, name);
    left += 36 + name.length * 6;
  }
}

function readHistory(
  history: LossInput,
  dark: boolean | undefined,
): {
  series: Series[];
  positions: readonly number[];
  unit: string;
} {
  const one = (name: string, values: unknown, index: number): Series => ({
    name,
    values: numberList(name, values),
    color: seriesColor(index, dark),
    dash: index > 0,
  });
  if (typeof history === "object" && history !== null && "series" in history) {
    const series = Object.entries(record("series", history.series)).map(([name, values], i) =>
      one(name, values, i),
    );
    const longest = Math.max(0, ...series.map(({ values }) => values.length));
    return { series, positions: positionsOf("at", history.at, longest), unit: "step" };
  }
  if (typeof history === "object" && history !== null && "history" in history) {
    const { loss: own, ...others } = record("history", history.history);
    const loss = numberList("history.loss", own);
    const series = [one("training", loss, 0)];
    for (const [name, values] of Object.entries(others)) {
      if (values) series.push(one(name === "valLoss" ? "validation" : name, values, series.length));
    }
    return { series, positions: positionsOf("epoch", history.epoch, loss.length), unit: "epoch" };
  }
  if (Array.isArray(history) || ArrayBuffer.isView(history)) {
    return { series: [one("loss", history, 0)], positions: count(history.length), unit: "step" };
  }
  throw new InvalidTypeError(
    `drawLoss takes what fit resolves with, { series } by name, or a list of losses; got ${show(history)}.`,
  );
}

const positionsOf = (name: string, given: unknown, length: number): readonly number[] =>
  given === undefined ? count(length) : Array.from(numberList(name, given));

const count = (length: number) => Array.from({ length }, (_, i) => i);

/** The indexes of neighbouring values that can be drawn. A loss that is not finite interrupts the line. */
function runs(values: ArrayLike<number>, usable: (value: number) => boolean): number[][] {
  const found: number[][] = [];
  let current: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (usable(values[i] ?? Number.NaN)) current.push(i);
    else current = [];
    if (current.length === 1) found.push(current);
  }
  return found;
}

function bounds(values: readonly number[], log: boolean): Point {
  if (values.length === 0) return log ? [0.1, 1] : [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (log) return [low / 1.15, Math.max(high, low * 1.5) * 1.15];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function describe(name: string, values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const [first, last] = [finite[0], finite.at(-1)];
  if (first === undefined || last === undefined) return `${name}: no value yet`;
  const lost = values.length - finite.length;
  const broken = lost > 0 ? `, ${lost} not finite` : "";
  return `${name} from ${formatNumber(first)} to ${formatNumber(last)} in ${values.length} values${broken}`;
}
