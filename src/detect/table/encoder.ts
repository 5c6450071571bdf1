// From rows as they come to what the models read, and back: numbers in standard deviations, categories as one
// unit a level, what is missing marked. Every column has variance 1 as a whole, so that all weigh alike.
//
// "Raw" rows hold one float64 a column: a number as it is, a category's level by its place, NaN where missing.
// "Encoded" rows hold one or more float32 a column, its features.

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
  /** Its place in the schema and in raw rows. */
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
 * Level l of the column is encoded as [value is l], 1 or 0, where models learn it as a choice; else, for squared errors, as
 * ([value is l] - shares[l]) / scale: variance 1 over all its features.
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

/** What an encoder has learned; saved as JSON. */
export interface EncoderState {
  readonly schema: readonly ColumnSchema[];
  /** How text stands for numbers and for missing values. */
  readonly cells: CellOptions;
  readonly fields: readonly Field[];
}

export interface Encoded {
  readonly count: number;
  /** Features [count, width], finite: a missing value, or a level that training never saw, is its column's mean. */
  readonly features: Float32Array;
  /** 1 where the field of a row is missing, or an unseen level of a choice, [count, fields]; undefined where nothing is. */
  readonly missing: Uint8Array | undefined;
  /** For each row how many columns hold what training never saw: a constant that moved, an unknown level. */
  readonly novelties: Uint8Array | undefined;
}

/** Beyond this many deviations all values are alike. It keeps squares within float32. */
const FARTHEST = 1e6;
/** The place of a level that training did not see. */
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
    // Levels and constants are needed to read rows, scales are learned from what was read.
    const reader = new Encoder({ schema, cells, fields: [] });
    return yield* reader.#fitted(yield* reader.reading(source), asChoices);
  }

  /** The same with scales that new raw rows have moved: they count as so many rows beside `known` earlier ones. */
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
        // The variance of all units together; a category with one level has none, and learns nothing.
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

  /** The rows of a source as raw rows, matched by name or by place. */
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
      // Objects leave out what they do not know. Where no training row lacked the column, its name is wrong.
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
        // Text where a constant number was is news, not an error.
        if (kind === "constant") data[i * width + column] = Infinity;
        else throw notReadable(table, i, name, kind, values[i]);
      } else data[i * width + column] = number;
    });
  }

  /** Rows [first, first + count) of raw rows as the models read them. */
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

  /** Marks the rows in which a column holds what training never saw, once a column. */
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

  /** The number that a feature of a number field stands for. */
  decodeNumber(field: NumberField, feature: number): number {
    return field.center + field.scale * feature;
  }

  /** The chances of the levels that the features of a category field stand for, [levels]. */
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

/** Where features are written: from row `row` on, of field number `f`. */
interface FeatureTarget {
  readonly features: Float32Array;
  /** Features of a row. */
  readonly width: number;
  readonly row: number;
  readonly f: number;
  readonly isMissing: (row: number, field: number) => void;
}

/** Writes the features of a number field for all rows. The loop runs over every value that is scored: plain indexing. */
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

/** Values that are copied at a time. */
const PIECE = 65_536;

/** Raw rows [first, first + count) piece by piece: cells [rows, columns], the first of them row `row` of these. */
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

/** A column's schema with what its values show: how much is missing, and that a number never changes. */
function noted(column: ColumnSchema, statistics: ColumnStatistics, j: number): ColumnSchema {
  if (column.kind !== "number" && column.kind !== "boolean") return column;
  const known = at(statistics.counts, j);
  const missing = statistics.rows > 0 ? 1 - known / statistics.rows : 0;
  if (known === 0) return { ...column, kind: "ignore", reason: "has no value", missing };
  const value = at(statistics.lowest, j);
  return value === at(statistics.highest, j)
    ? { ...column, kind: "constant", reason: "has one value", value, missing }
    : { ...column, missing };
}

/** The standard deviation of a column that varies. */
function deviationOf(statistics: ColumnStatistics, column: number): number {
  const variance = statistics.variance(column);
  if (variance > 0 && Number.isFinite(variance)) return Math.sqrt(variance);
  // The square of a value left the range of float64: half of the column's range stands for its deviation.
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

/** The rows of a matrix, columns by their place. */
function matrixRows({ rows }: MatrixSource, schema: readonly ColumnSchema[], name: string): Rows {
  const other = schema.find(({ kind }) => kind === "category" || kind === "boolean");
  if (other) {
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
