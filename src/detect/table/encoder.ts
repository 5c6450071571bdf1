// Converts rows of the caller to the input of the models, and back. Numbers are in standard deviations, categories have
// one unit for each level, and missing values are marked. Every column has variance 1 in total, so all have equal weight.
//
// "Raw" rows contain one float64 for each column: a number, the index of a category's level, or NaN for a missing value.
// "Encoded" rows contain one or more float32 for each column, its features.

import { ColumnStatistics } from "../../data/column-statistics.ts";
import { type Rows, readRows } from "../../data/rows.ts";
import { InvalidValueError, show } from "../../errors.ts";
import { type CellOptions, CellReader } from "../../formats/cell-values.ts";
import { at } from "../../math/order.ts";
import { finish, type Paused } from "../../platform/turns.ts";
import { visiting } from "../passes.ts";
import { isMissing, toLevel, toNumber } from "./cells.ts";
import {
  type ColumnSchema,
  type ColumnsOption,
  guessingSchema,
  OTHER_LEVEL,
  theColumns,
  truthOf,
} from "./schema.ts";
import type { MatrixSource, Source, TableSource } from "./source.ts";

/** A column that the models read. */
export type Field = NumberField | CategoryField;

interface FieldBase {
  /** Its index in the schema and in raw rows. */
  readonly column: number;
  /** Its features are [start, start + width) of an encoded row. */
  readonly start: number;
  readonly width: number;
}

/** Encoded as (value - center) / scale. */
export interface NumberField extends FieldBase {
  readonly kind: "number";
  readonly center: number;
  readonly scale: number;
}

/**
 * If models learn the column as a choice, level l is encoded as [value is l], 1 or 0. Otherwise, for squared errors, it is
 * ([value is l] - shares[l]) / scale, which gives variance 1 over all features of the column.
 */
export interface CategoryField extends FieldBase {
  readonly kind: "category";
  readonly levels: readonly string[];
  /** Share of the training rows at each level. */
  readonly shares: readonly number[];
  /** 1 for a choice. */
  readonly scale: number;
  /** Whether models learn it as a choice among its levels, by cross entropy. */
  readonly isChoice: boolean;
}

/** The state of an encoder; saved as JSON. */
export interface EncoderState {
  readonly schema: readonly ColumnSchema[];
  /** The text format of numbers and missing values. */
  readonly cells: CellOptions;
  readonly fields: readonly Field[];
}

export interface Encoded {
  readonly count: number;
  /** Features [count, width], finite. A missing value or an unseen level is the mean of its column. */
  readonly features: Float32Array;
  /** 1 if the field of a row is missing, or is an unseen level of a choice, [count, fields]; undefined if there is none. */
  readonly missing: Uint8Array | undefined;
  /** For each row the number of columns with a changed constant or an unseen level. */
  readonly novelties: Uint8Array | undefined;
}

/** The most standard deviations of a value. This limit keeps squares within the range of float32. */
const FARTHEST = 1e6;
/** The index of an unseen level, that is, one that did not occur in training. */
export const UNSEEN = -1;

export class Encoder {
  readonly state: EncoderState;
  /** Features of an encoded row. */
  readonly width: number;
  /** Columns of a raw row. */
  readonly columns: number;
  readonly cells: CellReader;
  readonly #constants: readonly { column: number; value: number }[];
  readonly #categories: readonly CategoryField[];

  constructor(state: EncoderState) {
    this.state = state;
    this.columns = state.schema.length;
    this.cells = new CellReader(state.cells);
    this.width = state.fields.reduce((sum, field) => sum + field.width, 0);
    this.#constants = state.schema.flatMap(({ kind, value }, column) =>
      kind === "constant" ? [{ column, value: typeof value === "number" ? value : 0 }] : [],
    );
    this.#categories = state.fields.filter((field) => field.kind === "category");
  }

  /** Learns schema and scales from training rows. With `asChoices` categories are learned by cross entropy. */
  static *fitting(
    source: Source,
    columns?: ColumnsOption,
    cells: CellOptions = {},
    asChoices = false,
  ): Paused<Encoder> {
    const schema =
      source.kind === "table"
        ? yield* guessingSchema(source, columns, new CellReader(cells))
        : matrixSchema(source, columns);
    // Reading rows needs levels and constants. Scales are learned from the rows after reading.
    const reader = new Encoder({ schema, cells, fields: [] });
    return yield* reader.#fitted(yield* reader.reading(source), asChoices);
  }

  /** An encoder with scales that include new raw rows, weighted by their number against `known` earlier rows. */
  *merging(raw: Rows, known: number): Paused<Encoder> {
    yield* this.#requiringFinite(raw);
    const statistics = new ColumnStatistics(this.columns);
    yield* statistics.adding(raw, 0, raw.count);
    const fields = this.state.fields.map((field): Field => {
      const fresh = at(statistics.counts, field.column);
      if (field.kind !== "number" || fresh === 0) return field;
      const share = fresh / (known + fresh);
      const shift = at(statistics.means, field.column) - field.center;
      const variance =
        (1 - share) * field.scale * field.scale +
        share * statistics.variance(field.column) +
        share * (1 - share) * shift * shift;
      const scale = Number.isFinite(variance) ? Math.sqrt(variance) : field.scale;
      return { ...field, center: field.center + share * shift, scale };
    });
    return new Encoder({ ...this.state, fields });
  }

  *#fitted(raw: Rows, isChoice: boolean): Paused<Encoder> {
    yield* this.#requiringFinite(raw);
    const statistics = new ColumnStatistics(this.columns);
    yield* statistics.adding(raw, 0, raw.count);
    const schema = this.state.schema.map((column, j) => noted(column, statistics, j));
    const fields: Field[] = [];
    let start = 0;
    for (const [column, { kind, levels = [] }] of schema.entries()) {
      if (kind === "category") {
        const shares = yield* levelShares(raw, column, levels.length);
        // The total variance of all units. A category with one level has no variance and is not learned.
        const spread = 1 - shares.reduce((sum, share) => sum + share * share, 0);
        const scale = spread > 0 && !isChoice ? Math.sqrt(spread) : 1;
        const width = levels.length;
        fields.push({ kind: "category", column, start, width, levels, shares, scale, isChoice });
        start += width;
      } else if (kind === "number" || kind === "boolean") {
        const center = at(statistics.means, column);
        const scale = deviationOf(statistics, column);
        fields.push({ kind: "number", column, start, width: 1, center, scale });
        start += 1;
      }
    }
    if (fields.length === 0) throw nothingToLearn(schema, raw.count);
    return new Encoder({ ...this.state, schema, fields });
  }

  /** The rows of a source as raw rows. Columns are matched by name or by position. */
  read(source: Source, name = "rows"): Rows {
    return finish(this.reading(source, name));
  }

  /** `read` with pauses. */
  *reading(source: Source, name = "rows"): Paused<Rows> {
    const { schema } = this.state;
    if (source.kind === "matrix") return matrixRows(source, schema, name);
    if (schema.some((column) => typeof column.name === "number")) {
      throw new InvalidValueError(
        `${name} is a table, but the detector was fitted on a matrix without names. Give a matrix of ${schema.length} columns.`,
      );
    }
    const data = new Float64Array(source.count * schema.length);
    for (const [j, column] of schema.entries()) {
      yield* this.#readColumn(source, column, j, data, name);
    }
    return readRows(name, { data, shape: [source.count, schema.length] }, schema.length);
  }

  *#readColumn(
    source: TableSource,
    { name, kind, levels = [], value: constant, missing }: ColumnSchema,
    column: number,
    data: Float64Array,
    table: string,
  ): Paused<void> {
    if (kind === "ignore" || kind === "id" || kind === "time") return;
    const { cells } = this;
    const width = this.columns;
    if (!source.names.includes(String(name))) {
      // Objects may leave out unknown values. If no training row lacked the column, its name must be wrong.
      if (missing === 0) throw noLearnedColumn(table, name, source);
      for (let i = 0; i < source.count; i++) data[i * width + column] = Number.NaN;
      return;
    }
    const places = new Map(levels.map((level, place) => [level, place]));
    const other = places.get(OTHER_LEVEL) ?? UNSEEN;
    const read = (value: unknown): number | undefined => {
      if (kind === "boolean") return truthOf(value, cells);
      if (kind === "number" || typeof constant === "number") return toNumber(value, cells);
      if (isMissing(value, cells)) return Number.NaN;
      const level = toLevel(value);
      if (kind === "constant") return level === constant ? 0 : 1;
      return places.get(level) ?? other;
    };
    const values = source.column(String(name));
    yield* visiting(values.length, (i) => {
      const number = read(values[i]);
      if (number === undefined) {
        // Text in place of a constant number is a novelty, not an error.
        if (kind === "constant") data[i * width + column] = Infinity;
        else throw notReadable(table, i, name, kind, values[i]);
      } else data[i * width + column] = number;
    });
  }

  /** Encodes rows [first, first + count) of raw rows. */
  encode(raw: Rows, first: number, count: number): Encoded {
    return finish(this.encoding(raw, first, count));
  }

  /** `encode` with pauses. */
  *encoding(raw: Rows, first: number, count: number): Paused<Encoded> {
    const { fields } = this.state;
    const { width, columns } = this;
    const features = new Float32Array(count * width);
    let missing: Uint8Array | undefined;
    const isMissing = (i: number, f: number) => {
      missing ??= new Uint8Array(count * fields.length);
      missing[i * fields.length + f] = 1;
    };
    let novelties: Uint8Array | undefined;
    const isNew = (i: number) => {
      novelties ??= new Uint8Array(count);
      novelties[i] = Math.min(255, at(novelties, i) + 1);
    };
    for (const { cells, row } of pieces(raw, first, count)) {
      fields.forEach((field, f) => {
        const target = { features, width, row, f, isMissing };
        if (field.kind === "number") encodeNumbers(field, cells, columns, target);
        else encodeLevels(field, cells, columns, target);
      });
      this.#findNovelties(cells, row, isNew);
      yield;
    }
    return { count, features, missing, novelties };
  }

  /** Marks the rows with a changed constant or an unseen level, once for each such column. */
  #findNovelties(cells: Float64Array, row: number, isNew: (row: number) => void): void {
    const { columns } = this;
    for (const { column, value } of this.#constants) {
      for (let i = 0; i * columns < cells.length; i++) {
        const cell = at(cells, i * columns + column);
        if (cell !== value && !Number.isNaN(cell)) isNew(row + i);
      }
    }
    for (const { column } of this.#categories) {
      for (let i = 0; i * columns < cells.length; i++) {
        if (cells[i * columns + column] === UNSEEN) isNew(row + i);
      }
    }
  }

  /** The number that a feature of a number field encodes. */
  decodeNumber(field: NumberField, feature: number): number {
    return field.center + field.scale * feature;
  }

  /** The probabilities of the levels that the features of a category field encode, [levels]. */
  decodeCategory(field: CategoryField, features: ArrayLike<number>): Float64Array {
    const raised = Float64Array.from(field.shares, (share, level) =>
      Math.max(at(features, level) * field.scale + (field.isChoice ? 0 : share), 1e-6),
    );
    const sum = raised.reduce((total, value) => total + value, 0);
    return raised.map((value) => value / sum);
  }

  *#requiringFinite(raw: Rows): Paused<void> {
    const used = this.state.schema.flatMap(({ kind, name }, column) =>
      kind === "number" || kind === "constant" ? [{ column, name }] : [],
    );
    const { columns } = this;
    for (const { cells, row } of pieces(raw, 0, raw.count)) {
      for (const { column, name } of used) {
        for (let i = 0; i * columns < cells.length; i++) {
          const value = cells[i * columns + column] ?? 0;
          if (value !== Infinity && value !== -Infinity) continue;
          throw new InvalidValueError(
            `Row ${row + i}, column ${show(name)} of ${raw.name} is ${value}; training rows must be finite, or NaN where a value is missing.`,
          );
        }
      }
      yield;
    }
  }
}

/** The destination of features: field number `f` of the rows from `row` on. */
interface FeatureTarget {
  readonly features: Float32Array;
  /** Features of a row. */
  readonly width: number;
  readonly row: number;
  readonly f: number;
  readonly isMissing: (row: number, field: number) => void;
}

/** Writes the features of a number field for all rows. The loop runs over every scored value, so it uses plain indexing. */
function encodeNumbers(
  { column, start, center, scale }: NumberField,
  cells: Float64Array,
  columns: number,
  { features, width, row, f, isMissing }: FeatureTarget,
): void {
  let i = row;
  let to = row * width + start;
  for (let from = column; from < cells.length; from += columns) {
    const value = ((cells[from] ?? 0) - center) / scale;
    if (value >= -FARTHEST && value <= FARTHEST) features[to] = value;
    else if (Number.isNaN(value) && Number.isNaN(cells[from])) isMissing(i, f);
    else features[to] = value > 0 ? FARTHEST : -FARTHEST;
    i += 1;
    to += width;
  }
}

/** Writes the features of a category field for all rows. */
function encodeLevels(
  { column, start, shares, scale, isChoice }: CategoryField,
  cells: Float64Array,
  columns: number,
  { features, width, row, f, isMissing }: FeatureTarget,
): void {
  const rows = cells.length / columns;
  for (let i = 0; i < rows; i++) {
    const value = cells[i * columns + column] ?? Number.NaN;
    const isUnknown = Number.isNaN(value) || (isChoice && value === UNSEEN);
    if (isUnknown) isMissing(row + i, f);
    const to = (row + i) * width + start;
    for (let level = 0; level < shares.length; level++) {
      const share = shares[level] ?? 0;
      const one = isUnknown ? share : level === value ? 1 : 0;
      features[to + level] = isChoice ? one : (one - share) / scale;
    }
  }
}

/** Values that are copied together. */
const PIECE = 65_536;

/** Raw rows [first, first + count) in pieces: cells [rows, columns]. `row` is the number of the first row of a piece, from 0. */
function* pieces(
  raw: Rows,
  first: number,
  count: number,
): Generator<{ cells: Float64Array; row: number }> {
  const most = Math.max(1, Math.min(count, Math.floor(PIECE / raw.width)));
  const room = new Float64Array(most * raw.width);
  for (let row = 0; row < count; row += most) {
    const some = Math.min(most, count - row);
    raw.copy(first + row, some, room, 0);
    yield { cells: some === most ? room : room.subarray(0, some * raw.width), row };
  }
}

function matrixSchema(
  { rows: { width }, names: own }: MatrixSource,
  columns: ColumnsOption | undefined,
): ColumnSchema[] {
  const number = (name: string | number) =>
    ({ name, kind: "number", reason: "", missing: 0 }) as const;
  if (columns === undefined) return Array.from({ length: width }, (_, j) => number(own?.[j] ?? j));
  const names: unknown[] = Array.isArray(columns) ? [...columns] : Object.keys(columns);
  if (names.length !== width) {
    throw new InvalidValueError(`columns names ${names.length} columns; the matrix has ${width}.`);
  }
  const kinds = Array.isArray(columns) ? names.map(() => "number") : Object.values(columns);
  return names.map((name, j) => {
    const kind = kinds[j];
    if (kind !== "number" && kind !== "ignore") {
      throw new InvalidValueError(
        `Column ${show(name)} of a matrix can be a number or ignored; got ${show(kind)}. Give { columns: { name: values } } for other kinds.`,
      );
    }
    return { ...number(String(name)), kind };
  });
}

/** The schema of a column, with its share of missing values, and as a constant if its number never changes. */
function noted(column: ColumnSchema, statistics: ColumnStatistics, j: number): ColumnSchema {
  if (column.kind !== "number" && column.kind !== "boolean") return column;
  const known = at(statistics.counts, j);
  const missing = statistics.rows > 0 ? 1 - known / statistics.rows : 0;
  if (known === 0) return { ...column, kind: "ignore", reason: "no value", missing };
  const value = at(statistics.lowest, j);
  return value === at(statistics.highest, j)
    ? { ...column, kind: "constant", reason: "one value", value, missing }
    : { ...column, missing };
}

/** The standard deviation of a column that varies. */
function deviationOf(statistics: ColumnStatistics, column: number): number {
  const variance = statistics.variance(column);
  if (variance > 0 && Number.isFinite(variance)) return Math.sqrt(variance);
  // The square of a value is beyond the range of float64. Half of the column's range is used as its standard deviation.
  return at(statistics.highest, column) / 2 - at(statistics.lowest, column) / 2;
}

function* levelShares(raw: Rows, column: number, levels: number): Paused<number[]> {
  const counts = new Array<number>(levels).fill(0);
  let known = 0;
  for (const { cells } of pieces(raw, 0, raw.count)) {
    for (let i = column; i < cells.length; i += raw.width) {
      const level = at(cells, i);
      if (!(level >= 0)) continue;
      counts[level] = (counts[level] ?? 0) + 1;
      known += 1;
    }
    yield;
  }
  return counts.map((count) => count / Math.max(1, known));
}

/** The rows of a matrix, with columns by their position. */
function matrixRows({ rows }: MatrixSource, schema: readonly ColumnSchema[], name: string): Rows {
  const other = schema.find(({ kind }) => kind === "category" || kind === "boolean");
  // An empty array is a table without rows, too.
  if (other && rows.count > 0) {
    throw new InvalidValueError(
      `${name} is a matrix, but column ${show(other.name)} is a ${other.kind}. Give objects or { columns: { name: values } }.`,
    );
  }
  return rows;
}

function noLearnedColumn(
  table: string,
  name: string | number,
  source: TableSource,
): InvalidValueError {
  return new InvalidValueError(
    `${table} has no column ${show(name)}, which the detector learned from. ${theColumns(source)}`,
  );
}

function notReadable(
  table: string,
  row: number,
  name: string | number,
  kind: string,
  value: unknown,
): InvalidValueError {
  return new InvalidValueError(
    `Row ${row}, column ${show(name)} of ${table} must be a ${kind}, as in training; got ${show(value)}.`,
  );
}

function nothingToLearn(schema: readonly ColumnSchema[], rows: number): InvalidValueError {
  const constant = schema.filter(({ kind }) => kind === "constant").length;
  return new InvalidValueError(
    constant === schema.length && rows > 1
      ? `No column varies: all ${rows} rows are equal. A detector learns from how rows differ.`
      : `There is nothing to learn from: none of the ${schema.length} columns is a number or a category that varies.`,
  );
}
