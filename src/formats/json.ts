// Reads tables in JSON: an array of objects, an array of arrays, or an object of columns; and JSON lines, one object or array
// per line. Lines are read one by one, so the memory only grows with the table. The size of a table is limited to a multiple
// of the size of the file, because lines with a different key each would give a table with the square of their number.

import { InvalidValueError } from "../errors.ts";
import { type CellOptions, CellReader } from "./cell-values.ts";
import { type ColumnChoice, type ColumnChooser, selectColumns } from "./columns.ts";
import { FormatError } from "./errors.ts";
import { concatBytes } from "./numbers.ts";
import { copyBytes } from "./numbers-read.ts";
import { type ByteSource, gatherBytes, readBytes } from "./streams.ts";
import {
  ColumnBuilder,
  type ColumnKinds,
  type DataTable,
  defaultName,
  kindGiven,
  requireKinds,
  type TableColumn,
} from "./table.ts";
import { printable, quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

export interface JsonTableOptions extends Pick<CellOptions, "missing"> {
  /** The columns to read, in order: names, or numbers from 1. Default all, in the order of their first occurrence. */
  readonly columns?: ColumnChoice | ColumnChooser | undefined;
  /** The kinds of columns by name. Default: numbers if all values are numbers or missing, otherwise text. */
  readonly kinds?: ColumnKinds | undefined;
}

const NEWLINE = 10;
const MAX_LINE_BYTES = 1 << 26;
const BLOCK_BYTES = 1 << 20;
/** Slightly less than the largest length of a string of the host, in bytes. */
const MAX_TEXT_BYTES = 2 ** 29 - 64;
const CELLS_PER_BYTE = 16;
const FREE_CELLS = 1_000_000;

/** A whole file of JSON or of JSON lines as a table. See `readTable`. */
export async function readJsonTable(
  source: ByteSource,
  options: JsonTableOptions = {},
): Promise<DataTable> {
  requireKinds(options.kinds);
  const bytes = await gatherBytes(source);
  const first = firstLine(bytes);
  if (first?.isRow) return linesTable(bytes, options);
  return valueTable(bytes, first, options);
}

/** JSON lines as consecutive tables of a number of rows. See `streamTable`. */
export async function* streamJsonLines(
  source: ByteSource,
  { batchRows = 4096, ...options }: JsonTableOptions & { readonly batchRows?: number } = {},
): AsyncGenerator<DataTable, void, undefined> {
  requireKinds(options.kinds);
  if (!(Number.isSafeInteger(batchRows) && batchRows > 0)) {
    throw new InvalidValueError(`batchRows must be a whole number from 1 up, got ${batchRows}`);
  }
  let rows: JsonRows | undefined;
  let names: readonly string[] | undefined = options.kinds && Object.keys(options.kinds);
  for await (const values of valuesOf(source)) {
    for (const { value, line, length } of values ?? []) {
      if (isObject(value)) names ??= Object.keys(value);
      rows ??= new JsonRows(options, "jsonl", { names });
      rows.add(value, line, length);
      if (rows.count < batchRows) continue;
      yield rows.take();
      rows = undefined;
    }
    if (values === undefined && rows && rows.count > 0) {
      yield rows.take();
      rows = undefined;
    }
  }
  if (rows && rows.count > 0) yield rows.take();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface FirstLine {
  readonly value: unknown;
  /** Whether the value is one row, and not the whole table. */
  readonly isRow: boolean;
}

/** The first line that is not blank, if it holds a complete value. */
function firstLine(bytes: Uint8Array): FirstLine | undefined {
  let start = 0;
  let end = 0;
  for (;;) {
    const found = bytes.indexOf(NEWLINE, start);
    end = found < 0 ? bytes.length : found;
    if (!isBlank(bytes.subarray(start, end))) break;
    if (found < 0) return undefined;
    start = end + 1;
  }
  const line = bytes.subarray(start, end);
  if (line.length > MAX_TEXT_BYTES || !endsValue(line)) return undefined;
  const parsed = parseJson(textOf(line, undefined));
  if (parsed === undefined) return undefined;
  const { value } = parsed;
  const isFlat =
    isObject(value) && !Object.values(value).some((one) => typeof one === "object" && one !== null);
  return { value, isRow: isFlat || !isBlank(bytes.subarray(end)) };
}

const isBlank = (bytes: Uint8Array): boolean =>
  !bytes.some((byte) => byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf);

/** Whether a line ends like a complete object or array. This avoids parsing a value of many lines. */
function endsValue(line: Uint8Array): boolean {
  let end = line.length;
  while (end > 0 && (line[end - 1] ?? 0) <= 0x20) end--;
  return line[end - 1] === 0x7d || line[end - 1] === 0x5d;
}

function valueTable(
  bytes: Uint8Array,
  only: FirstLine | undefined,
  options: JsonTableOptions,
): DataTable {
  const value = only ? only.value : wholeValue(bytes);
  const rows = new JsonRows(options, "json");
  if (Array.isArray(value)) {
    const hasNames = isHeader(value[0], value[1]);
    if (hasNames) rows.nameColumns(value[0]);
    for (const row of hasNames ? value.slice(1) : value) rows.add(row, undefined, 0, bytes.length);
  } else if (isObject(value)) {
    rows.addColumns(value);
  } else {
    throw new FormatError(`expected an array of rows or an object of columns, got ${quote(value)}`);
  }
  return rows.take();
}

/** Whether a first row of different strings is above a row with numbers. */
const isHeader = (first: unknown, second: unknown): first is string[] =>
  Array.isArray(first) &&
  Array.isArray(second) &&
  first.every((name) => typeof name === "string") &&
  new Set(first).size === first.length &&
  second.some((value) => typeof value === "number");

function wholeValue(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_TEXT_BYTES) {
    throw new FormatError(
      `JSON of ${bytes.length} bytes is too long to be read as one value; JSON lines are read line by line`,
    );
  }
  const text = textOf(bytes, undefined);
  const parsed = parseJson(text);
  if (parsed === undefined) throw notJson(text, "the file");
  return parsed.value;
}

function linesTable(bytes: Uint8Array, options: JsonTableOptions): DataTable {
  const rows = new JsonRows(options, "jsonl");
  for (const { value, line, length } of lineValues(bytes, 1)) rows.add(value, line, length);
  return rows.take();
}

interface LineValue {
  readonly value: unknown;
  readonly line: number;
  /** The number of characters of the line. */
  readonly length: number;
}

/** The values of whole lines, without blank lines. */
function* lineValues(bytes: Uint8Array, line: number): Generator<LineValue, void, undefined> {
  for (let start = 0; start < bytes.length; ) {
    const last =
      start + BLOCK_BYTES < bytes.length ? bytes.indexOf(NEWLINE, start + BLOCK_BYTES) : -1;
    const end = last < 0 ? bytes.length : last + 1;
    const text = blockText(bytes.subarray(start, end), line);
    for (let at = 0; at < text.length; line++) {
      const found = text.indexOf("\n", at);
      const stop = found < 0 ? text.length : found;
      const one = text.slice(at, stop).trim();
      at = stop + 1;
      if (one === "") continue;
      const parsed = parseJson(one);
      if (parsed === undefined) throw notJson(one, `line ${line}`, line);
      yield { value: parsed.value, line, length: one.length + 1 };
    }
    start = end;
  }
}

/** The text of some lines, or an error that names the line that is not UTF-8. */
function blockText(bytes: Uint8Array, line: number): string {
  const text = decodeUtf8(copyBytes(bytes, 0, bytes.length));
  if (text !== undefined) return text;
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    textOf(bytes.subarray(start, end), line);
    start = end + 1;
  }
  return "";
}

/** The values of a stream of lines in blocks, and undefined for a pause of the stream. */
async function* valuesOf(
  source: ByteSource,
): AsyncGenerator<Iterable<LineValue> | undefined, void, undefined> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let line = 1;
  for await (const piece of readBytes(source)) {
    if (piece.length === 0) {
      yield undefined;
      continue;
    }
    pending.push(piece);
    size += piece.length;
    const whole = piece.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) {
      const bytes = concatBytes(pending);
      const end = size - piece.length + whole;
      const block = bytes.subarray(0, end);
      yield lineValues(block, line);
      for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) line++;
      pending = [bytes.subarray(end)];
      size -= end;
    }
    if (size > MAX_LINE_BYTES) {
      throw new FormatError(`line ${line}: a value goes on for ${size} bytes`, { line });
    }
  }
  if (size > 0) yield lineValues(concatBytes(pending), line);
}

function textOf(bytes: Uint8Array, line: number | undefined): string {
  const text = decodeUtf8(copyBytes(bytes, 0, bytes.length));
  if (text !== undefined) return text.startsWith("\ufeff") ? text.slice(1) : text;
  throw new FormatError(`${line === undefined ? "the file" : `line ${line}`} is not UTF-8`, {
    line,
  });
}

/** The value of a JSON text. Undefined if it is not JSON. NaN and Infinity are allowed, because Python writes them. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    if (!text.includes("NaN") && !text.includes("Infinity")) return undefined;
  }
  try {
    return { value: JSON.parse(withoutBareNumbers(text)) };
  } catch {
    return undefined;
  }
}

/** Replaces NaN by null and Infinity by a number that is read as infinite, outside of strings. */
function withoutBareNumbers(text: string): string {
  const parts: string[] = [];
  const marks = /"|NaN|Infinity/g;
  let start = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    if (mark[0] === '"') {
      marks.lastIndex = stringEnd(text, marks.lastIndex);
      continue;
    }
    parts.push(text.slice(start, mark.index), mark[0] === "NaN" ? "null" : "1e999");
    start = marks.lastIndex;
  }
  return parts.length === 0 ? text : [...parts, text.slice(start)].join("");
}

/** The end of the string whose text begins at `at`: the index after its quote, or the end of the text. */
function stringEnd(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === '"') return i + 1;
    if (c === "\\") i++;
  }
  return text.length;
}

/** Why a text is not JSON, in the words of the host. */
function notJson(text: string, where: string, line?: number): FormatError {
  let reason = "";
  try {
    JSON.parse(text);
  } catch (error) {
    reason = printable((error as Error).message);
  }
  return new FormatError(`${where} is not JSON: ${reason}`, { line });
}

/** Adds rows of JSON to columns. */
class JsonRows {
  count = 0;
  private readonly format: "json" | "jsonl";
  private readonly cells: CellReader;
  private readonly options: JsonTableOptions;
  private readonly columns = new Map<string, ColumnBuilder>();
  /** Whether this is a part of a stream. Its columns are known, and columns without a kind are text. */
  private readonly part: { readonly names: readonly string[] | undefined } | undefined;
  private readonly lines: number[] = [];
  private readonly warnings: string[] = [];
  private bytes = 0;
  /** Whether rows are objects. Undefined before the first row. */
  private isNamed: boolean | undefined;
  private hasHeader = false;

  constructor(
    options: JsonTableOptions,
    format: "json" | "jsonl",
    part?: { readonly names: readonly string[] | undefined },
  ) {
    this.options = options;
    this.format = format;
    this.cells = new CellReader({ missing: options.missing });
    this.part = part;
    for (const name of part?.names ?? []) this.makeColumn(name);
  }

  /** Sets the names of columns for rows that are arrays. */
  nameColumns(names: readonly string[]): void {
    for (const name of names) this.makeColumn(name);
    this.hasHeader = true;
  }

  /** Adds a row, an object or an array, of `bytes` bytes of a file of `total` bytes, if that is known. */
  add(row: unknown, line: number | undefined, bytes: number, total?: number): void {
    const where = line === undefined ? `row ${this.count + 1}` : `line ${line}`;
    this.bytes = total ?? this.bytes + bytes;
    if (Array.isArray(row)) this.addArray(row, where, line);
    else if (typeof row === "object" && row !== null) {
      this.requireForm(true, where, line);
      for (const [key, value] of Object.entries(row)) {
        let column = this.columns.get(key);
        if (!column) {
          if (this.part && this.options.kinds) continue; // a key without a chosen column
          if (this.part) {
            throw new FormatError(
              `${where} has the key ${quote(key)}, which the first has not; the option kinds names the columns of a stream`,
              { line, columnName: key },
            );
          }
          column = this.makeColumn(key);
        }
        this.set(column, value, where, line);
      }
    } else {
      throw new FormatError(`${where}: expected an object or an array, got ${quote(row)}`, {
        line,
      });
    }
    if (line !== undefined) this.lines.push(line);
    this.count++;
    this.requireRoom(where, line);
  }

  /** Adds whole columns: arrays of equal length, or objects with the same keys, as pandas writes them. */
  addColumns(columns: Readonly<Record<string, unknown>>): void {
    this.isNamed = true;
    let rows: number | undefined;
    for (const [name, column] of Object.entries(columns)) {
      if (typeof column !== "object" || column === null) {
        throw new FormatError(
          `expected an array for the column ${quote(name)}, got ${quote(column)}`,
          { columnName: name },
        );
      }
      const values: unknown[] = Array.isArray(column) ? column : Object.values(column);
      rows ??= values.length;
      if (values.length !== rows) {
        throw new FormatError(
          `the column ${quote(name)} has ${values.length} values, the first column has ${rows}`,
          { columnName: name },
        );
      }
      const builder = this.makeColumn(name);
      for (const [row, value] of values.entries()) {
        this.count = row;
        this.set(builder, value, `row ${row + 1}`, undefined);
      }
    }
    this.count = rows ?? 0;
  }

  take(): DataTable {
    const { count: rows, format, lines, warnings } = this;
    const names = [...this.columns.keys()];
    const { columns: choice } = this.options;
    const named = this.isNamed !== false || this.hasHeader;
    const places = selectColumns(choice, names.length, named ? names : undefined);
    const builders = [...this.columns.values()];
    const columns: TableColumn[] = places
      .flatMap((place) => builders[place] ?? [])
      .map((builder) => this.finish(builder, rows));
    return {
      format,
      rows,
      columns,
      named,
      warnings,
      lineOf: (row) => lines[row],
    };
  }

  private finish(builder: ColumnBuilder, rows: number): TableColumn {
    if (builder.kind === "text" && builder.textFrom > 0) builder.numbersToTexts();
    const column = builder.finish(rows, this.warnings);
    if (
      column.kind === "text" &&
      !this.part &&
      kindGiven(this.options.kinds, column.name) === undefined
    ) {
      const texts = column.values.filter((text) => !this.cells.isMissing(text));
      if (texts.length > 0 && texts.every((text) => this.cells.number(text) !== undefined)) {
        this.warnings.push(
          `${quote(column.name)} holds numbers as strings and was taken for text; the option kinds may call it number`,
        );
      }
    }
    return column;
  }

  private addArray(row: readonly unknown[], where: string, line: number | undefined): void {
    this.requireForm(false, where, line);
    if (this.columns.size === 0) {
      for (let i = 0; i < row.length; i++) this.makeColumn(defaultName(i));
    }
    if (row.length !== this.columns.size) {
      throw new FormatError(
        `${where} has ${row.length} values, the first has ${this.columns.size}`,
        { line },
      );
    }
    let i = 0;
    for (const column of this.columns.values()) this.set(column, row[i++], where, line);
  }

  /** Throws unless rows are all objects or all arrays. */
  private requireForm(isNamed: boolean, where: string, line: number | undefined): void {
    this.isNamed ??= isNamed;
    if (this.isNamed === isNamed) return;
    const [form, first] = isNamed ? ["an object", "an array"] : ["an array", "an object"];
    throw new FormatError(`${where} is ${form}, the first is ${first}`, { line });
  }

  private set(
    column: ColumnBuilder,
    value: unknown,
    where: string,
    line: number | undefined,
  ): void {
    const row = this.count;
    if (value === null || value === undefined) return;
    if (typeof value === "number" && column.kind === "number") column.setNumber(row, value);
    else if (typeof value !== "object") column.setString(row, String(value), line, 0);
    else {
      throw new FormatError(
        `${where}, ${quote(column.name)}: expected a number, text, true, false or null, got ${quote(value)}`,
        { line, columnName: column.name },
      );
    }
  }

  private makeColumn(name: string): ColumnBuilder {
    const given = kindGiven(this.options.kinds, name) ?? (this.part ? "text" : undefined);
    const column = new ColumnBuilder(name, this.cells, given);
    this.columns.set(name, column);
    return column;
  }

  private requireRoom(where: string, line: number | undefined): void {
    const cells = this.count * this.columns.size;
    if (cells <= FREE_CELLS + CELLS_PER_BYTE * this.bytes) return;
    throw new FormatError(
      `${where}: ${this.count} rows of ${this.columns.size} columns are nearly all empty; are the keys names of columns?`,
      { line },
    );
  }
}
