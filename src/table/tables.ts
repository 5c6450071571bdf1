// Converts tables to rows. A table of any form is first read as named columns. These are then checked and copied. Values
// are float64, because float32 cannot represent times and large counters.

import type { OwnDoubles } from "../arrays.ts";
import { list, onlyKeys, wholeNumber } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { finish, type Paused } from "../platform/turns.ts";

/** Objects whose keys are read between pauses. */
const OBJECTS_AT_A_TIME = 4096;

/** An Arrow table of apache-arrow or duckdb-wasm. */
export interface ArrowLike {
  /** The number of rows. */
  readonly numRows: number;
  /** The names of the columns. */
  readonly schema: { readonly fields: readonly { readonly name: string }[] };
  /** The values of a column. `index` is its number from 0. */
  getChildAt(index: number): Iterable<unknown> | null;
}

/** A result of @duckdb/node-api with all rows: `await connection.runAndReadAll(sql)`. */
export interface DuckDbLike {
  /** The names of the columns. */
  columnNames(): readonly string[];
  /** The values of each column as JavaScript values. Default: `getColumns` is used. */
  getColumnsJS?(): readonly (readonly unknown[])[];
  /** The values of each column. */
  getColumns(): readonly (readonly unknown[])[];
}

/** A table: objects, an object of columns, an Arrow table or a DuckDB result. */
export type TableInput =
  | readonly Readonly<Record<string, unknown>>[]
  | Readonly<Record<string, ArrayLike<unknown>>>
  | ArrowLike
  | DuckDbLike;

/** Options of `rowsFrom` for tables. */
export interface TableOptions {
  /** The names of the columns to use, in the order of the result. Default: every column, in the order of the table. */
  columns?: readonly string[];
}

/** A table as a matrix, with the names of its columns. */
export interface TableRows {
  /** Values [rows, columns], row-major. */
  readonly data: OwnDoubles;
  /** The number of rows and of columns. */
  readonly shape: readonly [rows: number, columns: number];
  /** The names of the columns. */
  readonly columns: readonly string[];
}

/** A column before its values are converted. */
export interface TableColumn {
  readonly name: string;
  readonly length: number;
  values(): Iterable<unknown>;
}

export interface Table {
  readonly rows: number;
  readonly columns: readonly TableColumn[];
}

export function tableRows(input: TableInput, options: TableOptions = {}): TableRows {
  onlyKeys("rowsFrom", options, ["columns"]);
  const table = readTable(input);
  const columns = options.columns === undefined ? table.columns : chosen(table, options.columns);
  if (columns.length === 0) throw new InvalidValueError("rowsFrom needs at least one column.");
  const { rows } = table;
  const width = columns.length;
  const data = roomFor(rows, width);
  columns.forEach((column, j) => {
    if (column.length !== rows) {
      throw new InvalidValueError(
        `Column ${show(column.name)} holds ${column.length} values; column ${show(columns[0]?.name)} holds ${rows}.`,
      );
    }
    let i = 0;
    for (const value of column.values()) {
      const number = numberOf(value);
      if (number === undefined) throw notANumber(table, column.name, i, value);
      if (i < rows) data[i * width + j] = number;
      if (++i > rows) break;
    }
    if (i !== rows) {
      const held = i > rows ? "more" : i;
      throw new InvalidValueError(
        `Column ${show(column.name)} holds ${held} values; the table has ${rows} rows.`,
      );
    }
  });
  return { data, shape: [rows, width], columns: columns.map(({ name }) => name) };
}

function roomFor(rows: number, width: number): OwnDoubles {
  try {
    return new Float64Array(rows * width);
  } catch {
    throw new InvalidValueError(
      `There is no memory for a table of ${rows} rows and ${width} columns.`,
    );
  }
}

/** A table of any form as named columns. */
export function readTable(input: TableInput): Table {
  return finish(readingTable(input));
}

/** `readTable` with pauses. */
export function* readingTable(input: TableInput): Paused<Table> {
  if (Array.isArray(input)) return yield* tableOfObjects(input as readonly unknown[]);
  if (isArrow(input)) return tableOfArrow(input);
  if (isDuckDb(input)) {
    const values = input.getColumnsJS?.() ?? input.getColumns();
    const names: unknown = input.columnNames();
    if (!Array.isArray(names) || !Array.isArray(values)) {
      throw new InvalidTypeError(
        "columnNames and getColumns of a DuckDB result must return arrays.",
      );
    }
    return tableOfLists(names.map((name, i) => [nameOf(name, i), listOf(name, values[i])]));
  }
  return tableOfLists(
    Object.entries(input).map(([name, values]) => {
      return [name, listOf(name, values)];
    }),
  );
}

const listOf = (name: unknown, values: unknown): ArrayLike<unknown> =>
  list(`Column ${show(name)}`, values, "an array");

function nameOf(name: unknown, index: number): string {
  if (typeof name === "string") return name;
  throw new InvalidTypeError(`The name of column ${index} must be a string; got ${show(name)}.`);
}

function isArrow(input: object): input is ArrowLike {
  const { numRows, schema, getChildAt } = input as Partial<ArrowLike>;
  return (
    Number.isSafeInteger(numRows) &&
    Array.isArray(schema?.fields) &&
    typeof getChildAt === "function"
  );
}

function isDuckDb(input: object): input is DuckDbLike {
  const { columnNames, getColumns } = input as Partial<DuckDbLike>;
  return typeof columnNames === "function" && typeof getColumns === "function";
}

function* tableOfObjects(objects: readonly unknown[]): Paused<Table> {
  // If only some objects have a key, the column has missing values.
  const names = new Set<string>();
  for (const [i, object] of objects.entries()) {
    if (i % OBJECTS_AT_A_TIME === 0) yield;
    if (typeof object !== "object" || object === null || Array.isArray(object)) {
      throw new InvalidTypeError(
        `Row ${i} must be an object with a value a column; got ${show(object)}.`,
      );
    }
    for (const name in object) names.add(name);
  }
  const rows = objects as readonly Readonly<Record<string, unknown>>[];
  return {
    rows: rows.length,
    columns: [...names].map((name) => ({
      name,
      length: rows.length,
      *values() {
        // A row without "constructor" has no value there, though every object inherits one.
        const inherits = name in Object.prototype;
        for (const row of rows) {
          yield inherits && !Object.hasOwn(row, name) ? undefined : row[name];
        }
      },
    })),
  };
}

function tableOfLists(lists: readonly (readonly [string, ArrayLike<unknown>])[]): Table {
  const columns = lists.map(([name, list]) => ({
    name,
    length: list.length,
    *values() {
      for (let i = 0; i < list.length; i++) yield list[i];
    },
  }));
  return { rows: columns[0]?.length ?? 0, columns };
}

function tableOfArrow(table: ArrowLike): Table {
  wholeNumber("numRows", table.numRows, 0);
  const columns = table.schema.fields.map((field: { name?: unknown } | null | undefined, i) => {
    const name = nameOf(field?.name, i);
    return { name, length: table.numRows, values: () => childOf(table, name, i) };
  });
  return { rows: table.numRows, columns };
}

function childOf(table: ArrowLike, name: string, index: number): Iterable<unknown> {
  const values = table.getChildAt(index) ?? new Array<null>(table.numRows).fill(null);
  if (typeof values[Symbol.iterator] === "function") return values;
  throw new InvalidTypeError(`Column ${show(name)} must be iterable; got ${show(values)}.`);
}

function chosen(table: Table, names: readonly string[]): TableColumn[] {
  if (!Array.isArray(names)) {
    throw new InvalidTypeError(`columns must be an array of names; got ${show(names)}.`);
  }
  return names.map((name) => {
    const column = table.columns.find((each) => each.name === name);
    if (column) return column;
    const known = table.columns.map((each) => show(each.name));
    const list = known.length > 12 ? [...known.slice(0, 12), "\u2026"] : known;
    throw new InvalidValueError(`There is no column ${show(name)}; there are ${list.join(", ")}.`);
  });
}

/** The number of a cell. Undefined if the cell is not a number. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "bigint") {
    const number = Number(value);
    return BigInt(number) === value ? number : undefined;
  }
  if (Object.prototype.toString.call(value) === "[object Date]") return (value as Date).getTime();
  return undefined;
}

function notANumber(table: Table, name: string, row: number, value: unknown): InvalidTypeError {
  const numeric = table.columns.filter((column) => {
    for (const cell of column.values()) if (numberOf(cell) === undefined) return false;
    return true;
  });
  const names = numeric.map((column) => show(column.name));
  const hint =
    names.length > 0 && names.length <= 20
      ? ` The columns of numbers are columns: [${names.join(", ")}].`
      : " Name the columns to take.";
  return new InvalidTypeError(
    `Row ${row} of column ${show(name)} must be a number; got ${show(value)}.${hint}`,
  );
}
