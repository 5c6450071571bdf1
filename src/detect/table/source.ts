// The rows of a detector behind one interface: a matrix of numbers, or a table of named columns.

import { type MatrixInput, OrderedRows, type Rows, readRows } from "../../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import { finish, type Paused } from "../../platform/turns.ts";
import { readingTable, type TableInput } from "../../table/tables.ts";

/**
 * Rows for a detector: a matrix as a model takes it, an array of objects, `{ columns: { name: values } }`, an
 * object of columns, an Arrow table, a DuckDB result, or the result of `readTable` of tied-autoencoder/formats.
 */
export type DetectorInput =
  | MatrixInput
  | TableInput
  | readonly object[]
  | {
      /** Values by the names of their columns, or a list of columns. Default: none; it is required in this form. */
      readonly columns: Readonly<Record<string, ArrayLike<unknown>>> | readonly NamedValues[];
    };

/** A column with its name, as `readTable` of tied-autoencoder/formats returns it. */
export interface NamedValues {
  /** The name of the column. */
  readonly name: string;
  /** One value for each row. */
  readonly values: ArrayLike<unknown>;
}

/** A matrix. Every column is a number, and columns are identified by their position. */
export interface MatrixSource {
  readonly kind: "matrix";
  readonly count: number;
  /** Names of the columns, if the matrix has them. */
  readonly names: readonly string[] | undefined;
  readonly rows: Rows;
}

/** A table. Columns are identified by their names, and values have any type. */
export interface TableSource {
  readonly kind: "table";
  readonly count: number;
  readonly names: readonly string[];
  /** The values of a column, `count` of them. */
  column(name: string): readonly unknown[];
}

export type Source = MatrixSource | TableSource;

/** Reads rows. `width` is the number of columns that a matrix must have, if it is known. */
export function readSource(name: string, input: DetectorInput, width?: number): Source {
  return finish(readingSource(name, input, width));
}

/** `readSource` with pauses. */
export function* readingSource(name: string, input: DetectorInput, width?: number): Paused<Source> {
  requireRows(name, input);
  const table = tableOf(input);
  if (table) return yield* namedColumns(name, table);
  const matrix = input as MatrixInput;
  const rows = readRows(name, matrix, width ?? matrixWidth(name, matrix));
  const names = "columns" in matrix && Array.isArray(matrix.columns) ? matrix.columns : undefined;
  return { kind: "matrix", count: rows.count, names, rows };
}

/** The rows of a source with the given numbers. */
export function someOf(source: Source, numbers: Uint32Array): Source {
  if (source.kind === "matrix") {
    return { ...source, count: numbers.length, rows: new OrderedRows(source.rows, numbers) };
  }
  return {
    ...source,
    count: numbers.length,
    column(name) {
      const values = source.column(name);
      return [...numbers].map((row) => values[row]);
    },
  };
}

const FORMS = "an array of objects, { columns: { name: values } } or a matrix";

/** Throws for an input that is not rows, with a message about the accepted forms. */
function requireRows(name: string, input: unknown): void {
  if (typeof input === "string") {
    throw new InvalidTypeError(
      `${name} must be ${FORMS}; got ${show(input)}. readTable of tied-autoencoder/formats reads a table from the bytes of a file.`,
    );
  }
  if (typeof input !== "object" || input === null) {
    throw new InvalidTypeError(`${name} must be ${FORMS}; got ${show(input)}.`);
  }
  if ("then" in input && typeof input.then === "function") {
    throw new InvalidTypeError(`${name} is a promise. Await it first.`);
  }
  if (!Array.isArray(input)) return;
  const [first] = input as readonly unknown[];
  const isRow = (typeof first === "object" && first !== null) || typeof first === "number";
  if (input.length > 0 && !isRow) {
    throw new InvalidTypeError(
      `Row 0 of ${name} must be an object or an array of numbers; got ${show(first)}.`,
    );
  }
}

/** The part of the input that is a table; undefined for a matrix, or for an input that readRows will refuse. */
function tableOf(input: DetectorInput): TableInput | undefined {
  if (typeof input !== "object" || input === null || ArrayBuffer.isView(input)) return undefined;
  if (Array.isArray(input)) {
    const [first] = input as readonly unknown[];
    const isObject = typeof first === "object" && first !== null;
    const isRow = Array.isArray(first) || ArrayBuffer.isView(first);
    return isObject && !isRow ? (input as TableInput) : undefined;
  }
  if ("data" in input && "shape" in input) return undefined;
  if ("columns" in input && !("numRows" in input)) {
    const { columns } = input;
    if (isColumns(columns)) return columns as TableInput;
    if (isNamedValues(columns)) {
      return Object.fromEntries(columns.map(({ name, values }) => [name, values]));
    }
  }
  return input as TableInput;
}

/** Whether a value is an object of columns, and not a single column with the name "columns". */
function isColumns(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}

function isNamedValues(value: unknown): value is readonly NamedValues[] {
  if (!Array.isArray(value)) return false;
  return value.every(
    (each) => typeof each === "object" && each && "name" in each && "values" in each,
  );
}

function* namedColumns(name: string, input: TableInput): Paused<TableSource> {
  const table = yield* readingTable(input);
  const first = table.columns[0];
  if (first === undefined && !Array.isArray(input)) {
    throw new InvalidTypeError(`${name} must be ${FORMS}; got an object without columns.`);
  }
  for (const column of table.columns) {
    if (column.length !== table.rows) {
      throw new InvalidValueError(
        `Column ${show(column.name)} of ${name} holds ${column.length} values; column ${show(first?.name)} holds ${table.rows}.`,
      );
    }
  }
  const byName = new Map(table.columns.map((column) => [column.name, column]));
  if (byName.size !== table.columns.length) {
    const names = table.columns.map((column) => column.name);
    const repeated = names.find((each, i) => names.indexOf(each) !== i);
    throw new InvalidValueError(`${name} has two columns called ${show(repeated)}.`);
  }
  const read = new Map<string, readonly unknown[]>();
  return {
    kind: "table",
    count: table.rows,
    names: [...byName.keys()],
    column(wanted) {
      const values = read.get(wanted) ?? [...(byName.get(wanted)?.values() ?? [])];
      read.set(wanted, values);
      return values;
    },
  };
}

function matrixWidth(name: string, input: MatrixInput): number {
  if (Array.isArray(input)) {
    const [first] = input as readonly ArrayLike<number>[];
    if (first === undefined)
      throw new InvalidValueError(`${name} is empty. It must have at least one row.`);
    return typeof first === "object" ? first.length : 1; // readRows throws for other inputs
  }
  if (typeof input === "object" && input !== null && "shape" in input) {
    const width = Array.isArray(input.shape) ? Number(input.shape[1]) : Number.NaN;
    return Number.isSafeInteger(width) && width > 0 ? width : 1;
  }
  throw new InvalidTypeError(
    `${name} is ${show(input)}, whose rows cannot be told. Give { data, shape: [rows, columns] }, or name the columns.`,
  );
}
