// Writes CSV: matrices of float32, with the fewest characters per number that read back as the same float32, and tables of
// numbers and text.

import type { OwnBytes } from "../arrays.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { isFloat32Array, isNumberArray } from "../platform/tags.ts";
import { PLAIN_NUMBER } from "./cell-values.ts";
import type { CsvDelimiter } from "./csv-dialect.ts";
import { MAX_NUMBER_BYTES, putFloat32, shortestFloat32 } from "./float32-text.ts";
import { encodeUtf8 } from "./text.ts";

/** Options for writing a CSV file. */
export interface CsvWriteOptions {
  /** The delimiter of cells. Default ",". */
  readonly delimiter?: CsvDelimiter | undefined;
  /**
   * Whether to write an apostrophe before text that a spreadsheet would run as a formula, including names. That is text
   * that begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is not a number. Use it for data from untrusted
   * sources that will be opened in a spreadsheet. Default false: text is not changed, so it reads back unchanged.
   */
  readonly escapeFormulas?: boolean | undefined;
}

/** A matrix to write as CSV. */
export interface CsvMatrix {
  /** Row-major values. The length must be a multiple of `columns`. */
  readonly data: Float32Array;
  /** The number of values per row. */
  readonly columns: number;
  /** The header. Without names there is no header. */
  readonly names?: readonly string[] | undefined;
}

/** A column to write: numbers, or texts. */
export interface WritableColumn {
  /** The name, for the header. */
  readonly name: string;
  /** One value per row. */
  readonly values: Float32Array | Float64Array | Uint8Array | Int32Array | readonly string[];
}

/** A table to write. */
export interface WritableTable {
  /** Columns of equal length. */
  readonly columns: readonly WritableColumn[];
  /** Whether to write the names. Default true. */
  readonly named?: boolean | undefined;
}

const PIECE_CELLS = 8192;
const PIECE_BYTES = 1 << 18;
/** A number, and the byte after it. */
const MAX_CELL_BYTES = MAX_NUMBER_BYTES + 1;
const NEWLINE = 10;

/**
 * The bytes of a CSV file in pieces of up to 256 kB. The file ends in a newline.
 * @throws InvalidValueError if the numbers do not fill rows, or if the number of names is not the number of columns.
 */
export function* writeCsv(
  { data, columns, names }: CsvMatrix,
  options: CsvWriteOptions = {},
): Generator<OwnBytes, void, undefined> {
  if (!Number.isInteger(columns) || columns < 1 || data.length % columns !== 0) {
    throw new InvalidValueError(`${data.length} numbers do not fill rows of ${columns} columns`);
  }
  const { delimiter, cell } = writer(options);
  if (names) {
    if (names.length !== columns) {
      throw new InvalidValueError(`${columns} columns want as many names, got ${names.length}`);
    }
    yield encodeUtf8(`${names.map(cell).join(delimiter)}\n`);
  }
  const separator = delimiter.charCodeAt(0);
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  let column = 0;
  for (let i = 0; i < data.length; ) {
    const size = Math.min(PIECE_BYTES, (data.length - i) * MAX_CELL_BYTES);
    const bytes = new Uint8Array(size);
    const full = size - MAX_CELL_BYTES;
    let at = 0;
    for (; i < data.length && at <= full; i++) {
      at = putFloat32(data, bits, i, bytes, at);
      column++;
      bytes[at++] = column === columns ? NEWLINE : separator;
      if (column === columns) column = 0;
    }
    yield bytes.subarray(0, at);
  }
}

/**
 * The bytes of a CSV file of named columns, in pieces of about 100 kB. The file ends in a newline. Numbers of a Float32Array
 * are written as by `writeCsv`, and others as JavaScript prints them. Both read back unchanged. Text is quoted if needed.
 * @throws InvalidTypeError for values that are neither numbers nor text. InvalidValueError for columns of unequal length
 * and for a table without columns.
 */
export function* writeCsvTable(
  { columns, named = true }: WritableTable,
  options: CsvWriteOptions = {},
): Generator<OwnBytes, void, undefined> {
  const rows = rowsOf(columns);
  const { delimiter, cell } = writer(options);
  if (named) yield encodeUtf8(`${columns.map(({ name }) => cell(name)).join(delimiter)}\n`);
  const printers = columns.map(({ values }) => printer(values, cell));
  // Readers would skip an empty line.
  const only = columns.length === 1;
  const step = Math.max(1, Math.floor(PIECE_CELLS / columns.length));
  for (let start = 0; start < rows; start += step) {
    let text = "";
    for (let row = start; row < Math.min(start + step, rows); row++) {
      const line = printers.map((print) => print(row)).join(delimiter);
      text += only && line === "" ? '""\n' : `${line}\n`;
    }
    yield encodeUtf8(text);
  }
}

/** The number of values per column. All columns must have the same number. */
export function rowsOf(columns: readonly WritableColumn[]): number {
  const [first] = columns;
  if (first === undefined) throw new InvalidValueError("a table has at least one column, got none");
  for (const { name, values } of columns) {
    if (
      !isNumberArray(values) &&
      !(Array.isArray(values) && values.every((one) => typeof one === "string"))
    ) {
      throw new InvalidTypeError(
        `the values of ${show(name)} must be a typed array of numbers or an array of strings; got ${show(values)}.`,
      );
    }
    if (values.length !== first.values.length) {
      throw new InvalidValueError(
        `${show(name)} has ${values.length} values, ${show(first.name)} has ${first.values.length}`,
      );
    }
  }
  return first.values.length;
}

function printer(
  values: WritableColumn["values"],
  cell: (text: string) => string,
): (row: number) => string {
  if (!isNumberArray(values)) return (row) => cell(values[row] ?? "");
  const print = isFloat32Array(values) ? shortestFloat32 : printed;
  return (row) => print(values[row] ?? Number.NaN);
}

const printed = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function writer({ delimiter = ",", escapeFormulas = false }: CsvWriteOptions) {
  if (![",", ";", "\t", "|"].includes(delimiter)) {
    throw new InvalidValueError(`delimiter must be "," ";" "\\t" or "|"; got ${show(delimiter)}.`);
  }
  const cell = (text: string): string => {
    const isFormula = escapeFormulas && /^[=+\-@\t\r]/.test(text) && !PLAIN_NUMBER.test(text);
    const safe = isFormula ? `'${text}` : text;
    // Quoted if it could be read as anything other than the text of one cell.
    return /["\n\r,;\t|]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return { delimiter, cell };
}
