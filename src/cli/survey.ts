// A survey of the numbers of a table in one pass, and the default settings that follow from it.

import type { Numbers } from "./input.ts";

export interface Survey {
  readonly rows: number;
  readonly columns: number;
  readonly low: number;
  readonly high: number;
  /** Whether all numbers are whole. */
  readonly whole: boolean;
  /** The number of missing values (NaN), and the index of the first, or -1. */
  readonly missing: number;
  readonly firstMissing: number;
  /** The index of the first infinity, or -1. */
  readonly firstInfinite: number;
}

export function survey(data: Numbers, columns: number): Survey {
  let [low, high] = [Infinity, -Infinity];
  let whole = true;
  let missing = 0;
  let firstMissing = -1;
  let firstInfinite = -1;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? Number.NaN;
    if (value - value !== 0) {
      if (Number.isNaN(value)) {
        if (missing++ === 0) firstMissing = i;
      } else if (firstInfinite < 0) firstInfinite = i;
      continue;
    }
    if (value < low) low = value;
    if (value > high) high = value;
    if (whole && value !== Math.trunc(value)) whole = false;
  }
  const rows = columns > 0 ? data.length / columns : 0;
  return { rows, columns, low, high, whole, missing, firstMissing, firstInfinite };
}

/** The columns without any value. */
export function emptyColumns(data: Numbers, { columns, missing }: Survey): number[] {
  if (missing === 0) return [];
  return everyColumn(columns).filter((column) => {
    for (let i = column; i < data.length; i += columns) if (!Number.isNaN(data[i])) return false;
    return true;
  });
}

/** The fewest rows for recognising a column that counts. */
const COUNTER_ROWS = 8;
/** Names of columns that identify rows. */
const ID_NAME =
  /^(id|index|idx|row|rownum|row[_ ]?(id|number|no)|nr|no\.?|#|unnamed: \d+|)$|[_ -]id$/i;

/**
 * The columns that probably number the rows: their values have a constant step from each row to the next, or they have a
 * name for this purpose and a different whole number in each row.
 */
export function idColumns(
  data: Numbers,
  { columns, rows }: Survey,
  names: readonly string[] | undefined,
): number[] {
  if (rows < COUNTER_ROWS) return [];
  const at = (row: number, column: number) => data[row * columns + column] ?? Number.NaN;
  return everyColumn(columns).filter((column) => {
    const step = at(1, column) - at(0, column);
    let isCounter = step !== 0;
    for (let row = 2; isCounter && row < rows; row++) {
      isCounter = at(row, column) - at(row - 1, column) === step;
    }
    if (isCounter || !ID_NAME.test(names?.[column] ?? "value")) return isCounter;
    const seen = new Set<number>();
    for (let row = 0; row < rows; row++) {
      const value = at(row, column);
      if (!Number.isInteger(value) || seen.has(value)) return false;
      seen.add(value);
    }
    return true;
  });
}

const everyColumn = (columns: number): number[] => Array.from({ length: columns }, (_, i) => i);

/** A scaling: none, by columns, or from one range for all columns to [0, 1]. */
export type Scale =
  | "none"
  | "standard"
  | "minMax"
  | { readonly low: number; readonly high: number };

/** A row with at least this many columns of whole numbers 0 to 255 is assumed to be an image. */
const IMAGE_COLUMNS = 64;

/** The default scaling for the data, and the reason. */
export function defaultScale(data: Survey, loss: string): readonly [Scale, string] {
  const { low, high, whole, columns } = data;
  if (low >= 0 && high <= 1) return ["none", "the data lie in [0, 1]"];
  if (low >= -1 && high <= 1 && loss !== "bce") return ["none", "the data lie in [-1, 1]"];
  if (whole && low >= 0 && high <= 255 && columns >= IMAGE_COLUMNS) {
    return [{ low: 0, high }, "whole numbers in many columns: an image's pixels"];
  }
  if (loss === "bce") return ["minMax", "bce wants numbers in [0, 1]"];
  return ["standard", "each column to mean 0 and deviation 1"];
}

/** The default layers: one code layer, whose size is the largest power of two that is at most a quarter of the width. */
export function defaultLayers(width: number): number[] {
  return [width, 2 ** Math.max(0, Math.floor(Math.log2(width / 4)))];
}

export const defaultBatchSize = (rows: number): number => (rows < 10_000 ? 32 : 128);

/** The default epochs: about five thousand steps, but at least 10 epochs and at most 200. */
export function defaultEpochs(rows: number, batchSize: number): number {
  return Math.min(200, Math.max(10, Math.ceil(5000 / Math.ceil(rows / batchSize))));
}
