// A survey of the numbers of a table in one pass over its rows, and the default settings that follow from it.

import type { ScalerSpec } from "../model/scalers.ts";
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
  /** The index of the first number that is infinite as float32, or -1. */
  readonly firstInfinite: number;
  /** The index of the first number outside of [0, 1], or -1. */
  readonly firstOutside: number;
}

/** The survey of a table in memory. */
export function survey(data: Numbers, columns: number): Survey {
  const surveyor = new Surveyor(columns);
  surveyor.add(data);
  return surveyor.facts;
}

/** Numbers from here on are infinite as float32. */
const INFINITE = 2 ** 128 - 2 ** 103;
/** The fewest rows for recognising a column that counts. */
const COUNTER_ROWS = 8;
/** So many different whole numbers in a column with the name of an identifier identify rows. */
const ENOUGH_IDS = 1_000_000;
/** Names of columns that identify rows. */
const ID_NAME =
  /^(id|index|idx|row|rownum|row[_ ]?(id|number|no)|nr|no\.?|#|unnamed: \d+|)$|[_ -]id$/i;

/** Surveys a table whose rows arrive in pieces. */
export class Surveyor {
  readonly #columns: number;
  #count = 0;
  #low = Infinity;
  #high = -Infinity;
  #whole = true;
  #missing = 0;
  #firstMissing = -1;
  #firstInfinite = -1;
  #firstOutside = -1;
  /** Whether a column has a value. */
  readonly #hasValue: Uint8Array;
  #counters: Counter[];
  #identifiers: Identifier[];

  /** @param names The names of the columns, if they have names. */
  constructor(columns: number, names?: readonly string[]) {
    this.#columns = columns;
    this.#hasValue = new Uint8Array(columns);
    this.#counters = everyColumn(columns).map((column) => ({
      column,
      last: Number.NaN,
      step: Number.NaN,
    }));
    this.#identifiers = everyColumn(columns)
      .filter((column) => ID_NAME.test(names?.[column] ?? "value"))
      .map((column) => ({ column, seen: new Set() }));
  }

  /** Adds whole rows. */
  add(data: Numbers): void {
    const missingBefore = this.#missing;
    this.#addNumbers(data);
    this.#markColumns(data, this.#missing > missingBefore);
    this.#counters = this.#counters.filter((counter) => this.#isCounter(counter, data));
    this.#identifiers = this.#identifiers.filter((one) => this.#isIdentifier(one, data));
    this.#count += data.length;
  }

  get facts(): Survey {
    return {
      rows: this.#rows,
      columns: this.#columns,
      low: this.#low,
      high: this.#high,
      whole: this.#whole,
      missing: this.#missing,
      firstMissing: this.#firstMissing,
      firstInfinite: this.#firstInfinite,
      firstOutside: this.#firstOutside,
    };
  }

  /** The columns without any value. */
  get emptyColumns(): number[] {
    return everyColumn(this.#columns).filter((column) => this.#hasValue[column] === 0);
  }

  /**
   * The columns that probably number the rows: their values have a constant step from each row to the next, or they have
   * a name for this purpose and a different whole number in each row.
   */
  get idColumns(): number[] {
    if (this.#rows < COUNTER_ROWS) return [];
    const found = [...this.#counters, ...this.#identifiers].map(({ column }) => column);
    return [...new Set(found)].sort((a, b) => a - b);
  }

  get #rows(): number {
    return this.#columns > 0 ? this.#count / this.#columns : 0;
  }

  #addNumbers(data: Numbers): void {
    let [low, high] = [this.#low, this.#high];
    let whole = this.#whole;
    let firstInfinite = this.#firstInfinite;
    let firstOutside = this.#firstOutside;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] ?? Number.NaN;
      if (value - value !== 0) {
        if (Number.isNaN(value)) {
          if (this.#missing++ === 0) this.#firstMissing = this.#count + i;
        } else if (firstInfinite < 0) firstInfinite = this.#count + i;
        continue;
      }
      if (firstInfinite < 0 && (value >= INFINITE || value <= -INFINITE)) {
        firstInfinite = this.#count + i;
      }
      if (value < low) low = value;
      if (value > high) high = value;
      if (whole && value !== Math.trunc(value)) whole = false;
      if (firstOutside < 0 && (value < 0 || value > 1)) firstOutside = this.#count + i;
    }
    this.#low = low;
    this.#high = high;
    this.#whole = whole;
    this.#firstInfinite = firstInfinite;
    this.#firstOutside = firstOutside;
  }

  #markColumns(data: Numbers, hasMissing: boolean): void {
    if (data.length === 0) return;
    if (!hasMissing) this.#hasValue.fill(1);
    for (const column of this.emptyColumns) {
      let i = column;
      while (i < data.length && Number.isNaN(data[i])) i += this.#columns;
      if (i < data.length) this.#hasValue[column] = 1;
    }
  }

  /** Whether a column still has a constant step with these rows. */
  #isCounter(counter: Counter, data: Numbers): boolean {
    for (let i = counter.column; i < data.length; i += this.#columns) {
      const value = data[i] ?? Number.NaN;
      const step = value - counter.last;
      if (this.#count + i >= 2 * this.#columns && step !== counter.step) return false;
      if (step === 0) return false;
      counter.last = value;
      counter.step = step;
    }
    return true;
  }

  /** Whether a column still has a different whole number in each row with these rows. */
  #isIdentifier({ column, seen }: Identifier, data: Numbers): boolean {
    for (let i = column; i < data.length && seen.size < ENOUGH_IDS; i += this.#columns) {
      const value = data[i] ?? Number.NaN;
      if (!Number.isInteger(value) || seen.has(value)) return false;
      seen.add(value);
    }
    return true;
  }
}

interface Counter {
  readonly column: number;
  /** The value of the last row, and its difference from the row before. */
  last: number;
  step: number;
}

interface Identifier {
  readonly column: number;
  readonly seen: Set<number>;
}

const everyColumn = (columns: number): number[] => Array.from({ length: columns }, (_, i) => i);

/** A scaling: none, by columns, or from one range for all columns to [0, 1]. */
export type Scale =
  | "none"
  | Extract<ScalerSpec, string>
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
