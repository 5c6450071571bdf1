// The map of codes: each row of the data is a point, and its code gives the position.

import { labelTexts, list, record, wholeNumber } from "../checks.ts";
import { type MatrixInput, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { drawAxes, formatNumber, MARGIN, scale } from "./axes.ts";
import { alarmColor, seriesColor, seriesShape } from "./colors.ts";
import { chartSize, type PictureOptions, type Point, picture } from "./picture.ts";

/** How codes are drawn. */
export interface CodesOptions extends PictureOptions {
  /** A name or a number for each point, which determines its colour and shape. Default: all points are alike. */
  labels?: ArrayLike<string | number>;
  /** Values in a code. Default 2. With more, `axes` selects the two that are drawn. With 1, points form a line. */
  dimensions?: number;
  /** The two values of a code to draw. Default [0, 1]. */
  axes?: readonly [horizontal: number, vertical: number];
  /** Names of the two axes. Default: "code 0" and "code 1", or those of `axes`. */
  axisNames?: readonly [horizontal: string, vertical: string];
  /** Numbers of the points to highlight. Default: none. */
  highlighted?: Iterable<number>;
  /** Width and height in CSS pixels. Default [420, 420]. */
  size?: readonly [width: number, height: number];
  /** Radius of a point in CSS pixels. Default 3, less from 500 points on. */
  radius?: number;
}

const MOST_IN_KEY = 12;

/**
 * Draws `points` [rows, dimensions] as a map with one point for each row. Points that are not finite are left out, and
 * the text alternative counts them.
 * @returns SVG, or with `context` the text alternative.
 * @throws InvalidTypeError or InvalidValueError when points, labels and axes do not match.
 */
export function drawCodes(points: MatrixInput, options: CodesOptions = {}): string {
  record("drawCodes's options", options);
  const dimensions = wholeNumber("dimensions", options.dimensions ?? 2, 1);
  const rows = readRows("points", points, dimensions);
  const values = new Float32Array(rows.count * dimensions);
  rows.copy(0, rows.count, values, 0);
  const [horizontal, vertical] = readAxes(options.axes, dimensions);
  const [across, up] = readNames(options.axisNames) ?? [`code ${horizontal}`, `code ${vertical}`];
  const { dark } = options;
  const labels =
    options.labels === undefined ? undefined : labelTexts(options.labels, rows.count, "point");
  const names = labels ? distinct(labels) : [];
  const kinds = new Map(names.map((name, i) => [name, i]));
  const size = chartSize(options.size, [420, 420]);
  const hasKey = names.length > 1 && names.length <= MOST_IN_KEY;
  const plotRight = size[0] - MARGIN.right - (hasKey ? 64 : 0);

  const drawn: { index: number; at: readonly [number, number] }[] = [];
  for (let i = 0; i < rows.count; i++) {
    const x = values[i * dimensions + horizontal] ?? Number.NaN;
    const y = dimensions === 1 ? 0 : (values[i * dimensions + vertical] ?? Number.NaN);
    if (Number.isFinite(x) && Number.isFinite(y)) drawn.push({ index: i, at: [x, y] });
  }
  const x = scale(...extent(drawn, 0), false, [MARGIN.left, plotRight]);
  const y = scale(...extent(drawn, 1), false, [size[1] - MARGIN.bottom, MARGIN.top]);
  const lost = rows.count - drawn.length;
  const description =
    `${drawn.length} points; ${across} from ${formatNumber(x.min)} to ${formatNumber(x.max)}` +
    (dimensions > 1 ? `, ${up} from ${formatNumber(y.min)} to ${formatNumber(y.max)}` : "") +
    (names.length > 1 ? `; ${names.length} labels` : "") +
    (lost > 0 ? `; ${lost} points that are not finite are left out` : "") +
    ".";
  return picture(options, size, "Map of codes", description, (surface) => {
    const plot = [plotRight + MARGIN.right, size[1]] as const;
    drawAxes(surface, plot, x, y, {
      x: across,
      y: dimensions > 1 ? up : "",
    });
    const radius = options.radius ?? (drawn.length > 500 ? 2 : 3);
    const standing = new Set(Array.from(list("highlighted", options.highlighted ?? [])));
    const groups = new Map<number, Point[]>();
    const highlighted: Point[] = [];
    for (const { index, at } of drawn) {
      const kind = labels ? (kinds.get(labels[index] ?? "") ?? 0) : 0;
      const point: Point = [x.at(at[0]), y.at(at[1])];
      const group = groups.get(kind);
      if (group) group.push(point);
      else groups.set(kind, [point]);
      if (standing.has(index)) highlighted.push(point);
    }
    for (const [kind, group] of groups) {
      surface.glyphs(seriesShape(kind), group, radius, seriesColor(kind, dark), 0.75);
    }
    if (highlighted.length > 0) {
      surface.glyphs("diamond", highlighted, radius + 3, dark ? "#ffffff" : "#111111");
      surface.glyphs("diamond", highlighted, radius + 1.5, alarmColor(dark));
    }
    if (!hasKey) return;
    names.forEach((name, i) => {
      const top = MARGIN.top + 8 + i * 17;
      surface.glyphs(seriesShape(i), [[plotRight + 16, top]], 4, seriesColor(i, dark));
      surface.text(plotRight + 25, top + 4, name.length > 8 ? `${name.slice(0, 7)}\u2026` : name);
    });
  });
}

/** The distinct labels: in ascending order if all are numbers, else in the order in which they first occur. */
function distinct(labels: readonly string[]): string[] {
  const names = [...new Set(labels)];
  const isNumber = names.every((name) => name !== "" && Number.isFinite(Number(name)));
  return isNumber ? names.sort((a, b) => Number(a) - Number(b)) : names;
}

function readNames(names: unknown): readonly [string, string] | undefined {
  if (names === undefined) return undefined;
  const [across, up, ...more] = Array.from(list("axisNames", names));
  if (typeof across === "string" && typeof up === "string" && more.length === 0) {
    return [across, up];
  }
  throw new InvalidTypeError(`axisNames must be two names; got ${show(names)}.`);
}

function readAxes(axes: unknown, dimensions: number): readonly [number, number] {
  if (axes === undefined) return [0, Math.min(1, dimensions - 1)];
  const [horizontal, vertical] = Array.isArray(axes) ? (axes as unknown[]) : [];
  if (typeof horizontal !== "number" || typeof vertical !== "number") {
    throw new InvalidTypeError(`axes must be two numbers of code values; got ${show(axes)}.`);
  }
  for (const axis of [horizontal, vertical]) {
    if (wholeNumber("axes", axis, 0) >= dimensions) {
      throw new InvalidValueError(
        `axes must be below dimensions ${dimensions}; got ${show(axes)}.`,
      );
    }
  }
  return [horizontal, vertical];
}

function extent(
  drawn: readonly { readonly at: readonly [number, number] }[],
  axis: 0 | 1,
): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { at } of drawn) {
    low = Math.min(low, at[axis]);
    high = Math.max(high, at[axis]);
  }
  if (low > high) return [-1, 1];
  const room = (high - low) * 0.04 || 1;
  return [low - room, high + room];
}
