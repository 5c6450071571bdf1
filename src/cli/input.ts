// Tables of numbers from files or the standard input. The first bytes tell what a file holds. CSV streams through in
// batches; the binary formats are read whole and handed out in slices.

import { readCsv } from "../formats/csv.ts";
import { readRow } from "../formats/csv-cells.ts";
import { type CsvDelimiter, type Dialect, detectDialect } from "../formats/csv-dialect.ts";
import { FormatError } from "../formats/errors.ts";
import { decodeIdx } from "../formats/idx.ts";
import { decodeNpy } from "../formats/npy.ts";
import { decodeNpz } from "../formats/npz.ts";
import { concatBytes, type NumericArray, type NumericData } from "../formats/numbers.ts";
import { toFloat32 } from "../formats/numbers-read.ts";
import { gatherBytes, readBytes } from "../formats/streams.ts";
import type { Arguments, Options } from "./arguments.ts";
import {
  type ColumnList,
  type Columns,
  chooseColumns,
  columnList,
  findNames,
  parseColumns,
} from "./columns.ts";
import { CommandError, fileError, type Place, UsageError } from "./errors.ts";
import { safetensorsHeader } from "./kinds.ts";
import { nameOf, openSource } from "./sources.ts";
import { listed, quoted, shellQuote } from "./text.ts";

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
  /** How many columns were chosen. */
  readonly columns: number;
  /** How many columns the file has. */
  readonly fileWidth: number;
  /** The chosen columns' names, where there is a header. */
  readonly names: readonly string[] | undefined;
  /** For each chosen column its place in the file, from 0. */
  readonly fileColumns: readonly number[];
  /** How many rows there are; undefined where that shows only at the end. */
  readonly rows: number | undefined;
  /** All rows, in pieces of about a megabyte of numbers, or fewer where they arrive slowly. To be called once. */
  pieces(): AsyncGenerator<Piece, void, undefined>;
  /** The line of the file that a row, counted from 0, stands on; undefined where there are no lines. */
  lineOf(row: number): Promise<number | undefined>;
  /** Bytes of the file, compressed or not, and how many have been read. */
  readonly size: number | undefined;
  bytesRead(): number;
}

export interface TableOptions {
  /** What the user chose. */
  readonly columns?: ColumnList | undefined;
  /** Otherwise, where there is a header, the columns of these names, and why they are looked for. */
  readonly wanted?: { readonly names: readonly string[]; readonly why: string } | undefined;
  /** Otherwise these. */
  readonly otherwise?: ColumnList | undefined;
  readonly header: boolean | "auto";
  readonly delimiter: CsvDelimiter | "auto";
  /** Which array of an NPZ file. */
  readonly array?: string | undefined;
}

const DELIMITERS = {
  ",": ",",
  comma: ",",
  ";": ";",
  semicolon: ";",
  "|": "|",
  pipe: "|",
  "\t": "\t",
  "\\t": "\t",
  tab: "\t",
} as const satisfies Record<string, CsvDelimiter>;

type DelimiterName = keyof typeof DELIMITERS;
const DELIMITER_NAMES = Object.keys(DELIMITERS) as DelimiterName[];

/** The options of every command that reads a table. */
export const tableOptions = {
  columns: {
    short: "c",
    value: "LIST",
    help: 'which columns, by position or name: 1-4,7 or height,weight; "!" leaves out: !label,!2; quotation marks for a name that is a number: \'"1940"\'',
    default: "all, or those that the model was trained on",
  },
  header: {
    help: "the first row of the CSV holds names",
    default: "look",
    contradicts: "no-header",
  },
  "no-header": { help: "the first row of the CSV holds numbers" },
  delimiter: {
    value: "CHAR",
    help: "what stands between CSV cells: , ; | or tab",
    default: "look",
  },
  array: { value: "NAME", help: "which array of an NPZ file", default: "X, or the only one" },
} as const satisfies Options;

/** What is asked of the columns beside what the user chose. */
export type Wanted = Pick<TableOptions, "wanted" | "otherwise">;

export function readTableOptions(args: Arguments, wanted: Wanted = {}): TableOptions {
  const columns = args.text("columns");
  const delimiter = args.text("delimiter");
  const named = DELIMITER_NAMES.find((name) => name === delimiter);
  if (delimiter !== undefined && named === undefined) {
    throw new UsageError(
      `--delimiter must be one of comma, semicolon, pipe, tab or the character itself; got ${quoted(delimiter)}.`,
    );
  }
  return {
    ...wanted,
    columns: columns === undefined ? undefined : parseColumns(columns),
    header: args.flag("no-header") ? false : args.flag("header") ? true : "auto",
    delimiter: named === undefined ? "auto" : DELIMITERS[named],
    array: args.text("array"),
  };
}

const HEAD_BYTES = 1 << 20;
const MAX_HEAD_BYTES = 1 << 27;
const PIECE_ELEMENTS = 1 << 18;
const NEWLINE = 10;

/** Opens a table and looks at its beginning; "-" is the standard input. */
export async function openTable(path: string, options: TableOptions): Promise<Table> {
  const file = nameOf(path);
  return named(file, async () => {
    const source = await openSource(path);
    const bytes = readBytes(source.bytes);
    const head = await readHead(bytes, options);
    const all = joined(head.bytes, bytes);
    const { format, dialect } = head;
    const common = { file, format, size: source.size, bytesRead: source.bytesRead };
    if (format !== "csv") {
      return { ...common, ...arrayTable(file, await wholeArray(format, all, options), options) };
    }
    if (!dialect) throw new FormatError("the file is empty");
    const lines = source.isFile ? path : undefined;
    return { ...common, ...csvTable(file, lines, dialect, all, options) };
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
export async function placeOf(
  table: Table,
  row: number,
  column: number,
): Promise<{ text: string; place: Place }> {
  const line = await table.lineOf(row);
  const at = table.fileColumns[column] ?? column;
  const columnName = table.names?.[column];
  const name = columnName === undefined ? "" : ` (${quoted(columnName)})`;
  const where = line === undefined ? `row ${row + 1}` : `line ${line}`;
  return {
    text: `${table.file}: ${where}, column ${at + 1}${name}`,
    place: {
      file: table.file,
      ...(line === undefined ? { row: row + 1 } : { line }),
      column: at + 1,
      columnName,
    },
  };
}

/** `2 ("b")`: a chosen column as messages name it. */
export const columnOf = (table: Table, column: number): string => {
  const name = table.names?.[column];
  return `${(table.fileColumns[column] ?? column) + 1}${name === undefined ? "" : ` (${quoted(name)})`}`;
};

/** How to leave chosen columns out, as a hint. */
export const withoutColumns = (table: Table, columns: readonly number[]): string =>
  withoutHint(
    table.fileColumns,
    columns.map((column) => table.fileColumns[column] ?? column),
    table.fileWidth,
  );

function withoutHint(chosen: readonly number[], left: readonly number[], width: number): string {
  const kept = chosen.filter((place) => !left.includes(place));
  const which = left.length === 1 ? "the column" : "them";
  return kept.length === 0
    ? ""
    : `--columns ${shellQuote(columnList(kept, width))} leaves ${which} out`;
}

/** Runs `work`; what a reader or the file system throws is told with the file's name. */
async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withName(file, error);
  }
}

/** A reader's error, with the file's name; for cells, with how to leave the column out. */
function withName(file: string, error: unknown, chosen?: readonly number[], width = 0): unknown {
  if (error instanceof FormatError) {
    const [, line, column] = /^line (\d+)(?:, column (\d+))?/.exec(error.message) ?? [];
    const isCell = column !== undefined && / expected a number/.test(error.message);
    const hint = isCell && chosen ? withoutHint(chosen, [Number(column) - 1], width) : "";
    return new CommandError(`${file}: ${error.message}${hint && ` (${hint})`}`, {
      file,
      ...(line === undefined ? {} : { line: Number(line) }),
      ...(column === undefined ? {} : { column: Number(column) }),
      cause: error,
    });
  }
  return (error as NodeJS.ErrnoException).syscall ? fileError(file, error) : error;
}

interface Head {
  readonly bytes: Uint8Array;
  readonly format: Table["format"];
  /** Of a CSV file that is not empty. */
  readonly dialect?: Dialect | undefined;
}

/** Reads as much as tells what a file holds: of CSV its first two rows, or as much as there is before a pause. */
async function readHead(
  source: AsyncIterator<Uint8Array>,
  { header, delimiter }: TableOptions,
): Promise<Head> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let wanted = HEAD_BYTES;
  for (;;) {
    const { done, value } = await source.next();
    if (value) {
      pieces.push(value);
      length += value.length;
    }
    const pause = value?.length === 0;
    if (!done && !(pause && length > 0) && length < wanted) continue;
    const bytes = pieces.length === 1 ? pieces[0]! : concatBytes(pieces);
    pieces = [bytes];
    wanted = length * 2;
    const format = formatOf(bytes);
    if (format === undefined) {
      if (done) throw new FormatError("the file is empty");
      continue;
    }
    if (format !== "csv") return { bytes, format };
    requireText(bytes);
    const lines = done ? concatBytes([bytes, new Uint8Array([NEWLINE])]) : wholeLines(bytes);
    const dialect =
      lines.length > 0 ? detectDialect(lines, done || pause, delimiter, header) : undefined;
    if (dialect && dialect.columns > 0) return { bytes, format, dialect };
    if (done) throw new FormatError("the file is empty");
    if (length > MAX_HEAD_BYTES) {
      throw new FormatError(`no two rows within the first ${length} bytes`);
    }
  }
}

const wholeLines = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);

async function* joined(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  yield NOTHING; // what the head holds can be worked on
  yield* rest;
}

const NOTHING = new Uint8Array(0);

/** What a file holds, by its magic bytes; text has none. Undefined as long as there are too few bytes to tell. */
function formatOf(bytes: Uint8Array): Table["format"] | undefined {
  const [a, b, c, d] = bytes;
  if (a === undefined) return undefined;
  if (a === 0x93 && b === 0x4e) return "npy";
  if (a === 0x50 && b === 0x4b && (c === 3 || c === 5)) return "npz";
  if (a === 0 && b === 0 && c! >= 8 && c! <= 14 && d! < 16) return "idx";
  return "csv";
}

/** Other kinds of files that people try, by their first bytes. */
const OTHERS: readonly (readonly [start: string, what: string])[] = [
  ["PAR1", "a Parquet file"],
  ["ARROW1", "an Arrow file"],
  ["\x89HDF", "an HDF5 file"],
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["%PDF", "a PDF file"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook"],
  ["SQLite format 3", "an SQLite database"],
  ["BZh", "compressed with bzip2"],
  ["\xfd7zXZ", "compressed with xz"],
  ["\x28\xb5\x2f\xfd", "compressed with zstd"],
  ["\xff\xfe", "text in UTF-16"],
  ["\xfe\xff", "text in UTF-16"],
];

/** Throws for what is no table, and says what it is where that can be told. */
function requireText(bytes: Uint8Array): void {
  const refuse = (what: string) => {
    throw new FormatError(`it is ${what}, and a table is CSV in UTF-8, NPY, NPZ or IDX`);
  };
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  for (const [magic, what] of OTHERS) if (start.startsWith(magic)) refuse(what);
  if (safetensorsHeader(bytes.subarray(0, 16)) !== undefined) refuse("a model in safetensors");
  if (/^(\xef\xbb\xbf)?\s*(\{|\[\s*[[{"\d-])/.test(start)) refuse("JSON");
  if (bytes.subarray(0, 1000).includes(0)) {
    throw new FormatError("it is neither CSV in UTF-8 nor an NPY, NPZ or IDX file");
  }
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
  const names = [...arrays.keys()];
  if (names.length === 0) {
    throw new FormatError("it is a zip archive without arrays of numpy; an Excel workbook is one");
  }
  const chosen = options.array ?? (names.length === 1 ? names[0]! : "X");
  const array = arrays.get(chosen);
  if (array) return array;
  throw new FormatError(
    options.array === undefined
      ? `it holds the arrays ${listed(names, 200)}; choose one with --array`
      : `it holds no array ${quoted(chosen)}, but ${listed(names, 200)}`,
  );
}

type TablePart = Omit<Table, "file" | "format" | "size" | "bytesRead">;

/** What the user chose, else the names that are wanted where there are names. */
function choose(columns: Columns, { columns: list, wanted, otherwise }: TableOptions): number[] {
  if (list === undefined && wanted && columns.names) {
    return findNames(wanted.names, columns, wanted.why);
  }
  return chooseColumns(list ?? otherwise, columns);
}

/** The first dimension counts rows; the others, as of images, make up a row together. */
function arrayTable(file: string, { shape, data }: NumericArray, options: TableOptions): TablePart {
  const [rows, ...sizes] = shape;
  if (rows === undefined || sizes.length === 0) {
    throw new FormatError(`a table has rows and columns, this array has the shape (${shape})`);
  }
  const width = sizes.reduce((product, size) => product * size, 1);
  if (width === 0) throw new FormatError(`this array has no columns: its shape is (${shape})`);
  const chosen = choose({ file, count: width, names: undefined }, options);
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
    fileWidth: width,
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
  file: string,
  /** The file, where it can be read once more. */
  path: string | undefined,
  dialect: Dialect,
  all: AsyncIterable<Uint8Array>,
  options: TableOptions,
): TablePart {
  const { names, columns: fileWidth } = dialect;
  const chosen = choose({ file, count: fileWidth, names }, options);
  return {
    columns: chosen.length,
    fileWidth,
    names: names && chosen.map((column) => names[column]!),
    fileColumns: chosen,
    rows: undefined,
    async *pieces() {
      try {
        const places = chosen.map((column) => column + 1);
        for await (const { rows, data } of readCsv(all, { columns: places, dialect })) {
          yield { rows, data };
        }
      } catch (error) {
        throw withName(file, error, chosen, fileWidth);
      }
    },
    lineOf: (row) => (path === undefined ? Promise.resolve(undefined) : lineOf(path, row, dialect)),
  };
}

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
