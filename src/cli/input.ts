// Tables of numbers from files or the standard input. What a file holds is told by its first bytes;
// CSV streams through in batches, the binary formats are read whole and handed out in slices.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { readCsv } from "../formats/csv.ts";
import { readRow } from "../formats/csv-cells.ts";
import {
  type CsvColumns,
  type CsvDelimiter,
  type Dialect,
  detectDialect,
  selectColumns,
} from "../formats/csv-dialect.ts";
import { FormatError } from "../formats/errors.ts";
import { decodeIdx } from "../formats/idx.ts";
import { decodeNpy } from "../formats/npy.ts";
import { decodeNpz } from "../formats/npz.ts";
import { concatBytes, type NumericArray, type NumericData } from "../formats/numbers.ts";
import { toFloat32 } from "../formats/numbers-read.ts";
import { gatherBytes, readBytes } from "../formats/streams.ts";
import type { Arguments, Options } from "./arguments.ts";
import { CommandError, fileError } from "./errors.ts";

export type Numbers = Exclude<NumericData, BigInt64Array | BigUint64Array>;

/** Some rows, row-major. */
export interface Piece {
  readonly rows: number;
  readonly data: Numbers;
}

export interface Table {
  /** What it is called in messages. */
  readonly file: string;
  readonly format: "csv" | "npy" | "npz" | "idx";
  readonly columns: number;
  /** The columns' names, where there is a header. */
  readonly names: readonly string[] | undefined;
  /** For each column its number in the file, from 0. */
  readonly fileColumns: readonly number[];
  /** How many rows there are; undefined where that shows only at the end. */
  readonly rows: number | undefined;
  /** All rows, in pieces of about a megabyte of numbers. To be called once. */
  pieces(): AsyncGenerator<Piece, void, undefined>;
  /** The line of the file that a row, counted from 0, stands on; undefined where there are no lines. */
  lineOf(row: number): Promise<number | undefined>;
  /** Bytes of the file, compressed or not, and how many have been read. */
  readonly size: number | undefined;
  bytesRead(): number;
}

export interface TableOptions {
  readonly columns?: string | undefined;
  readonly header: boolean | "auto";
  readonly delimiter: CsvDelimiter | "auto";
  /** Which array of an NPZ file. */
  readonly array?: string | undefined;
  /** Names to look for in the header where `columns` does not say otherwise. */
  readonly wanted?: readonly string[] | undefined;
}

/** The options of every command that reads a table. */
export const tableOptions: Options = {
  columns: {
    short: "c",
    value: "LIST",
    help: "which columns, by number or name: 1-4,7 or height,weight or !label for all others",
  },
  header: { help: "the first row of the CSV holds names (default: look)" },
  "no-header": { help: "the first row of the CSV holds numbers" },
  delimiter: { value: "CHAR", help: "what stands between CSV cells: , ; | or tab (default: look)" },
  array: { value: "NAME", help: "which array of an NPZ file (default: X, or the only one)" },
};

const DELIMITERS: Record<string, CsvDelimiter> = {
  ",": ",",
  comma: ",",
  ";": ";",
  semicolon: ";",
  "|": "|",
  pipe: "|",
  "\t": "\t",
  "\\t": "\t",
  tab: "\t",
};

export function readTableOptions(args: Arguments, wanted?: readonly string[]): TableOptions {
  const delimiter = args.choice("delimiter", Object.keys(DELIMITERS));
  return {
    columns: args.text("columns"),
    header: args.flag("no-header") ? false : args.flag("header") ? true : "auto",
    delimiter: delimiter === undefined ? "auto" : DELIMITERS[delimiter]!,
    array: args.text("array"),
    wanted,
  };
}

const HEAD_BYTES = 1 << 20;
const PIECE_ELEMENTS = 1 << 18;
const NEWLINE = 10;

/** Opens a table and looks at its beginning; "-" is the standard input. */
export async function openTable(path: string, options: TableOptions): Promise<Table> {
  const file = path === "-" ? "standard input" : path;
  return named(file, async () => {
    const source = await openSource(path);
    const bytes = readBytes(source.bytes);
    const { head, complete } = await readHead(bytes);
    const all = joined(head, bytes);
    const format = formatOf(head);
    const common = { file, format, size: source.size, bytesRead: source.bytesRead };
    if (format !== "csv") {
      return { ...common, ...arrayTable(await wholeArray(format, all, options), options) };
    }
    return { ...common, ...csvTable(path, head, complete, all, options) };
  });
}

/** All rows of a table in one array. */
export async function readWhole(table: Table): Promise<Piece> {
  const pieces: Piece[] = [];
  for await (const piece of table.pieces()) pieces.push(piece);
  const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
  if (pieces.length === 1) return pieces[0]!;
  const [first] = pieces;
  if (first && table.rows !== undefined) {
    // Slices of one array, end to end: the array itself.
    const ArrayType = first.data.constructor as Float32ArrayConstructor;
    const { buffer, byteOffset } = first.data as Float32Array<ArrayBuffer>;
    return { rows, data: new ArrayType(buffer, byteOffset, rows * table.columns) };
  }
  const data = new Float32Array(rows * table.columns);
  let at = 0;
  for (const piece of pieces) {
    data.set(piece.data, at);
    at += piece.data.length;
  }
  return { rows, data };
}

/** `row`, counted from 0, as messages name it: by its line where the file has lines. */
export async function placeOf(table: Table, row: number, column: number): Promise<string> {
  const line = await table.lineOf(row);
  const name = table.names ? ` (${JSON.stringify(table.names[column])})` : "";
  const where = line === undefined ? `row ${row + 1}` : `line ${line}`;
  return `${table.file}: ${where}, column ${table.fileColumns[column]! + 1}${name}`;
}

/** Runs `work`; what a reader or the file system throws is told with the file's name. */
async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withName(file, error);
  }
}

function withName(file: string, error: unknown): unknown {
  if (error instanceof FormatError) {
    const [, column] = /^line \d+, column (\d+).* expected a number/.exec(error.message) ?? [];
    const hint = column === undefined ? "" : ` (--columns '!${column}' leaves the column out)`;
    return new CommandError(`${file}: ${error.message}${hint}`, { cause: error });
  }
  return (error as NodeJS.ErrnoException).syscall ? fileError(file, error) : error;
}

interface Source {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly size: number | undefined;
  bytesRead(): number;
}

async function openSource(path: string): Promise<Source> {
  if (path === "-" && process.stdin.isTTY) {
    throw new CommandError("standard input: it is the keyboard; pipe a file in, or name one");
  }
  const size = path === "-" ? undefined : (await stat(path)).size;
  const stream: AsyncIterable<Uint8Array> =
    path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
  let read = 0;
  const bytes = (async function* () {
    for await (const piece of stream) {
      read += piece.length;
      yield piece;
    }
  })();
  return { bytes, size, bytesRead: () => read };
}

async function readHead(
  bytes: AsyncIterator<Uint8Array>,
): Promise<{ head: Uint8Array; complete: boolean }> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { done, value } = await bytes.next();
    if (done) return { head: concatBytes(pieces), complete: true };
    pieces.push(value);
    length += value.length;
  }
  return { head: concatBytes(pieces), complete: false };
}

async function* joined(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  yield* rest;
}

/** What a file holds, by its magic bytes; text has none. */
function formatOf([a, b, c, d]: Uint8Array): Table["format"] {
  if (a === 0x93 && b === 0x4e) return "npy";
  if (a === 0x50 && b === 0x4b && (c === 3 || c === 5)) return "npz";
  if (a === 0 && b === 0 && c! >= 8 && c! <= 14 && d! < 16) return "idx";
  return "csv";
}

async function wholeArray(
  format: Exclude<Table["format"], "csv">,
  source: AsyncIterable<Uint8Array>,
  options: TableOptions,
): Promise<NumericArray> {
  const bytes = await gatherBytes(source);
  if (format === "npy") return decodeNpy(bytes);
  if (format === "idx") return decodeIdx(bytes);
  const arrays = decodeNpz(bytes);
  const names = [...arrays.keys()].join(", ");
  const chosen = options.array ?? (arrays.size === 1 ? names : "X");
  const array = arrays.get(chosen);
  if (array) return array;
  throw new FormatError(
    options.array === undefined
      ? `it holds the arrays ${names}; choose one with --array`
      : `it holds no array ${JSON.stringify(chosen)}, but ${names}`,
  );
}

type TablePart = Omit<Table, "file" | "format" | "size" | "bytesRead">;

/** The first dimension counts rows; the others, as of images, make up a row together. */
function arrayTable({ shape, data }: NumericArray, options: TableOptions): TablePart {
  const [rows, ...sizes] = shape;
  if (rows === undefined || sizes.length === 0) {
    throw new FormatError(`a table has rows and columns, this array has the shape (${shape})`);
  }
  const width = sizes.reduce((product, size) => product * size, 1);
  const chosen = selectColumns(choice(options), { columns: width, names: undefined });
  const columns = chosen.length;
  let numbers =
    data instanceof BigInt64Array || data instanceof BigUint64Array ? toFloat32(data) : data;
  if (chosen.some((column, i) => column !== i) || columns !== width) {
    const picked = new (numbers.constructor as Float32ArrayConstructor)(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < columns; j++) {
        picked[row * columns + j] = numbers[row * width + chosen[j]!]!;
      }
    }
    numbers = picked;
  }
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / Math.max(1, columns)));
  return {
    columns,
    names: undefined,
    fileColumns: chosen,
    rows,
    async *pieces() {
      for (let row = 0; row < rows; row += step) {
        const end = Math.min(row + step, rows);
        yield { rows: end - row, data: numbers.subarray(row * columns, end * columns) };
      }
    },
    lineOf: async () => undefined,
  };
}

function csvTable(
  path: string,
  head: Uint8Array,
  complete: boolean,
  all: AsyncIterable<Uint8Array>,
  options: TableOptions,
): TablePart {
  const { header, delimiter } = options;
  if (head.length === 0) throw new FormatError("the file is empty");
  if (head.subarray(0, 1000).includes(0)) {
    throw new FormatError("it is neither CSV in UTF-8 nor an NPY, NPZ or IDX file");
  }
  const end = complete ? concatBytes([head, new Uint8Array([NEWLINE])]) : wholeLines(head);
  const dialect = detectDialect(end, complete, delimiter, header);
  if (!dialect) throw new FormatError(`no two rows within the first ${head.length} bytes`);
  if (dialect.columns === 0) throw new FormatError("the file is empty");
  const columns = choice(options, dialect.names);
  const chosen = selectColumns(columns, dialect);
  const { file, names } = { file: path === "-" ? "standard input" : path, names: dialect.names };
  return {
    columns: chosen.length,
    names: names && chosen.map((column) => names[column]!),
    fileColumns: chosen,
    rows: undefined,
    async *pieces() {
      try {
        for await (const { rows, data } of readCsv(all, { columns, header, delimiter })) {
          yield { rows, data };
        }
      } catch (error) {
        throw withName(file, error);
      }
    },
    lineOf: (row) => (path === "-" ? Promise.resolve(undefined) : lineOf(path, row, dialect)),
  };
}

const wholeLines = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);

/** Reads the file once more up to a row; for messages about a file that is refused anyway. */
async function lineOf(path: string, row: number, dialect: Dialect): Promise<number | undefined> {
  const text = await gatherBytes((await openSource(path)).bytes);
  const bytes = concatBytes([text, new Uint8Array([NEWLINE])]);
  let { start, line } = dialect;
  for (let left = row; start < bytes.length; ) {
    const found = readRow(bytes, start, dialect.delimiter);
    if (!found) return undefined;
    const isRow = found.cells.length > 1 || found.cells[0] !== "";
    if (isRow && left-- === 0) return line;
    for (; start < found.next; start++) if (bytes[start] === NEWLINE) line++;
  }
  return undefined;
}

/** What the user chose, else the names that are wanted where the header has them all. */
function choice(options: TableOptions, names?: readonly string[]): CsvColumns | undefined {
  if (options.columns !== undefined) return options.columns;
  const { wanted } = options;
  return wanted && names && wanted.every((name) => names.includes(name)) ? wanted : undefined;
}
