// Count, mean, variance and range of every column, in float64, from rows in pieces. Pieces are merged as in Chan, Golub &
// LeVeque 1979, which avoids differences of large sums. NaN is a missing value.

import { InvalidValueError } from "../errors.ts";
import { finish, type Paused } from "../platform/turns.ts";
import type { Rows } from "./rows.ts";

/** The number of values per piece. */
const PIECE = 65_536;

export class ColumnStatistics {
  readonly width: number;
  /** The number of rows, and in each column the number of values that are not NaN. */
  rows = 0;
  readonly counts: Float64Array;
  readonly means: Float64Array;
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
  /** The sum of squared differences from the mean. */
  readonly #squares: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.counts = new Float64Array(width);
    this.means = new Float64Array(width);
    this.lowest = new Float64Array(width).fill(Infinity);
    this.highest = new Float64Array(width).fill(-Infinity);
    this.#squares = new Float64Array(width);
  }

  /** The rows of a piece. Calls that each add a multiple of it, except the last, have the same bits as one call. */
  get rowsAtOnce(): number {
    return Math.max(1, Math.floor(PIECE / this.width));
  }

  /** Adds rows [first, end). @throws InvalidValueError for an infinity, before anything changes. */
  add(rows: Rows, first = 0, end = rows.count): void {
    finish(this.adding(rows, first, end));
  }

  /** `add` with a pause after every piece of rows. */
  *adding(rows: Rows, first: number, end: number): Paused<void> {
    const { width } = this;
    const most = this.rowsAtOnce;
    const piece = new Float64Array(Math.min(most, end - first) * width);
    for (let row = first; row < end; row += most) {
      const count = Math.min(most, end - row);
      rows.copy(row, count, piece, 0);
      requireFinite(rows, piece, count * width, row);
      yield;
    }
    for (let row = first; row < end; row += most) {
      const count = Math.min(most, end - row);
      rows.copy(row, count, piece, 0);
      for (let j = 0; j < width; j++) this.#addColumn(piece, j, count);
      this.rows += count;
      yield;
    }
  }

  /** The mean squared difference from the mean, as in numpy.var. NaN for a column without values. */
  variance(column: number): number {
    return (this.#squares[column] ?? 0) / (this.counts[column] ?? 0);
  }

  /** √variance, or 1 if the variance is so small that rounding errors of a constant column explain it. */
  standardDivisor(column: number): number {
    const variance = this.variance(column);
    const count = this.counts[column] ?? 0;
    const rounding = count * (this.means[column] ?? 0) * Number.EPSILON;
    const constant = variance <= count * Number.EPSILON * variance + rounding * rounding;
    return constant ? 1 : Math.sqrt(variance);
  }

  /** The range of a column, or 1 if it is so small that rounding errors of a constant column explain it. */
  rangeDivisor(column: number): number {
    const [low, high] = [this.lowest[column] ?? 0, this.highest[column] ?? 0];
    const range = high - low;
    const rounding = 10 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high));
    return range <= rounding ? 1 : range;
  }

  #addColumn(piece: Float64Array, j: number, rows: number): void {
    const { width } = this;
    const end = rows * width;
    let count = 0;
    let sum = 0;
    let low = this.lowest[j] ?? 0;
    let high = this.highest[j] ?? 0;
    for (let i = j; i < end; i += width) {
      const value = piece[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      count += 1;
      sum += value;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (count === 0) return;
    const mean = sum / count;
    let squares = 0;
    for (let i = j; i < end; i += width) {
      const difference = (piece[i] ?? Number.NaN) - mean;
      if (!Number.isNaN(difference)) squares += difference * difference;
    }
    const before = this.counts[j] ?? 0;
    const total = before + count;
    const shift = mean - (this.means[j] ?? 0);
    this.counts[j] = total;
    this.means[j] = (this.means[j] ?? 0) + (shift * count) / total;
    this.#squares[j] = (this.#squares[j] ?? 0) + squares + (shift * shift * before * count) / total;
    this.lowest[j] = low;
    this.highest[j] = high;
  }
}

function requireFinite(rows: Rows, values: Float64Array, count: number, firstRow: number): void {
  for (let i = 0; i < count; i++) {
    const value = values[i] ?? Number.NaN;
    if (value !== Infinity && value !== -Infinity) continue;
    throw new InvalidValueError(
      `Row ${firstRow + Math.floor(i / rows.width)}, column ${i % rows.width} of ${rows.name} is ${value}; a scaler needs finite numbers, or NaN for missing ones.`,
    );
  }
}
