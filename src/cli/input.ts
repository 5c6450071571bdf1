// Tables of numbers from files or the standard input. The first bytes determine the format. CSV is read in batches. Binary
// formats are read whole and returned in slices.

import { type CellOptions, hintFor, type UsualDecimal } from "../formats/cell-values.ts";
import { SNIFF_BYTES } from "../formats/contents.ts";
import { openCsv } from "../formats/csv.ts";
import type { CsvDelimiter } from "../formats/csv-dialect.ts";
import { FormatError, type NumberLook } from "../formats/errors.ts";
import { decodeIdx, idxFileBytes } from "../formats/idx.ts";
import { readJsonTable } from "../formats/json.ts";
import { openNpy, type RowStream, slices } from "../formats/npy-stream.ts";
import { concatBytes, type NumericArray, type NumericData } from "../formats/numbers.ts";
import { toFloat32 } from "../formats/numbers-read.ts";
import { sniffTable } from "../formats/sniff.ts";
import { GatheredBytes, gatherBytes, readBytes } from "../formats/streams.ts";
import type { TableFormat } from "../formats/table.ts";
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
import type { Reporter } from "./report.ts";
import { nameOf, openSource } from "./sources.ts";
import { listed, quoted, shellQuote } from "./text.ts";

export type Numbers = Exclude<NumericData, BigInt64Array | BigUint64Array>;

/** Some rows, row-major. */
export interface Piece {
  readonly rows: number;
  readonly data: Numbers;
}

export interface Table {
  /** The name of the table in messages. */
  readonly file: string;
  readonly format: TableFormat;
  /** The decimal mark of a CSV file, as given or detected. Absent for other formats. */
  readonly decimal?: "." | "," | undefined;
  /** The number of chosen columns. */
  readonly columns: number;
  /** The number of columns in the file. */
  readonly fileWidth: number;
  /** The names of the chosen columns, if there is a header. */
  readonly names: readonly string[] | undefined;
  /** For each chosen column its index in the file, from 0. */
  readonly fileColumns: readonly number[];
  /** The number of rows; undefined if it is known only at the end. */
  readonly rows: number | undefined;
  /** All rows, in pieces of about a megabyte of numbers, or smaller ones if rows arrive slowly. May be called once. */
  pieces(): AsyncGenerator<Piece, void, undefined>;
  /** The line of the file of a row, counted from 0; undefined if the file has no lines. */
  lineOf(row: number): Promise<number | undefined>;
  /** The size of the file in bytes (compressed, if it is compressed), and the number of bytes read so far. */
  readonly size: number | undefined;
  bytesRead(): number;
}

export interface TableOptions {
  /** The columns that the user chose. */
  readonly columns?: ColumnList | undefined;
  /** Without a choice, if there is a header: the columns of these names, and why they are needed. */
  readonly wanted?: { readonly names: readonly string[]; readonly why: string } | undefined;
  /** The columns are for a model with a fixed number of columns, so none can be left out. */
  readonly isFixed?: boolean;
  /** Without a choice and wanted names: these columns. */
  readonly otherwise?: ColumnList | undefined;
  readonly header: boolean | "auto";
  readonly delimiter: CsvDelimiter | "auto";
  /** The text format of numbers in CSV. */
  readonly cells: CellOptions & UsualDecimal;
  /** Called with a warning about a decision that may be wrong. */
  readonly warn: (message: string) => void;
  /** The name of the array in an NPZ file. */
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
    default: "by the content",
    contradicts: "no-header",
  },
  "no-header": { help: "the first row of the CSV holds numbers" },
  delimiter: {
    value: "CHAR",
    help: "what stands between CSV cells: , ; | or tab",
    default: "by the content",
  },
  decimal: {
    value: "CHAR",
    help: "what stands before the decimals of CSV numbers: a point or a comma",
    default: "by the content, or a point where commas separate cells",
  },
  thousands: { value: "CHAR", help: "what groups the digits of CSV numbers, as in 1'234'567" },
  units: { value: "LIST", help: "what stands beside CSV numbers and is dropped: %,kg" },
  array: { value: "NAME", help: "which array of an NPZ file", default: "X, or the only one" },
} as const satisfies Options;

/** The requirements for columns, without the choice of the user. */
export type Wanted = Pick<TableOptions, "wanted" | "otherwise" | "isFixed"> & {
  /** The decimal mark of the rows that were learned. */
  readonly decimal?: "." | "," | undefined;
};

export function readTableOptions(
  args: Arguments,
  { warn }: Pick<Reporter, "warn">,
  { decimal, ...wanted }: Wanted = {},
): TableOptions {
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
    cells: { ...readCellOptions(args), usualDecimal: decimal },
    warn,
    array: args.text("array"),
  };
}

const MARKS = {
  ".": ".",
  point: ".",
  ",": ",",
  comma: ",",
  "'": "'",
  apostrophe: "'",
  " ": " ",
  blank: " ",
} as const;

function readCellOptions(args: Arguments): CellOptions {
  const mark = (option: "decimal" | "thousands") => {
    const text = args.text(option);
    const found = Object.entries(MARKS).find(([name]) => name === text)?.[1];
    if (text === undefined || (found && (option === "thousands" || /[.,]/.test(found)))) {
      return found;
    }
    const known = option === "decimal" ? "point or comma" : "point, comma, apostrophe, blank";
    throw new UsageError(
      `--${option} must be one of ${known} or the character itself; got ${quoted(text)}.`,
    );
  };
  const decimal = mark("decimal");
  const thousands = mark("thousands");
  if (thousands !== undefined && thousands === (decimal ?? ".")) {
    throw new UsageError(`--thousands and --decimal cannot both be ${quoted(thousands)}.`);
  }
  return {
    decimal: decimal === "," || decimal === "." ? decimal : undefined,
    thousands,
    units: args.text("units")?.split(","),
  };
}

const PIECE_ELEMENTS = 1 << 18;

/** Opens a table and reads its beginning; "-" is the standard input. */
export async function openTable(path: string, options: TableOptions): Promise<Table> {
  const file = nameOf(path);
  return named(file, async () => {
    const source = await openSource(path);
    const bytes = readBytes(source.bytes);
    const { head, all } = await readHead(bytes);
    const format = sniffTable(head);
    const common = { file, format, size: source.size, bytesRead: source.bytesRead };
    if (format === "csv") return { ...common, ...(await csvTable(file, all, options)) };
    if (format === "json") return { ...common, ...(await jsonTable(file, all, options)) };
    return { ...common, ...arrayTable(file, await openArray(format, all, options), options) };
  });
}

/** All rows of a table in one array. `look` sees the numbers in order as they are read. */
export async function readWhole(
  table: Table,
  look: (data: Numbers) => void = () => {},
): Promise<Piece> {
  const all = new GatheredRows(table);
  for await (const piece of table.pieces()) {
    look(piece.data);
    all.add(piece);
  }
  return all.piece;
}

/** The rows of a table in one array, from pieces in order. */
export class GatheredRows {
  readonly #table: Pick<Table, "rows" | "columns">;
  #first: Numbers = new Float32Array(0);
  #bytes: GatheredBytes | undefined;
  #rows = 0;

  constructor(table: Pick<Table, "rows" | "columns">) {
    this.#table = table;
  }

  add({ rows, data }: Piece): void {
    if (this.#rows === 0) this.#first = data;
    // Slices of one array are adjacent, and are not copied.
    else if (data.buffer !== this.#first.buffer) this.#append(data);
    this.#rows += rows;
  }

  /** The bytes of the rows so far. */
  get byteLength(): number {
    return this.#rows * this.#table.columns * this.#first.BYTES_PER_ELEMENT;
  }

  get piece(): Piece {
    const ArrayType = this.#first.constructor as Float32ArrayConstructor;
    const { buffer, byteOffset } = this.#bytes?.bytes ?? this.#first;
    const length = this.#rows * this.#table.columns;
    return { rows: this.#rows, data: new ArrayType(buffer as ArrayBuffer, byteOffset, length) };
  }

  #append(data: Numbers): void {
    const { rows = 0, columns } = this.#table;
    this.#bytes ??= new GatheredBytes(
      bytesOf(this.#first),
      rows * columns * data.BYTES_PER_ELEMENT,
    );
    this.#bytes.add(bytesOf(data));
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The name of `row`, counted from 0, in messages: its line if the file has lines. */
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

/** `2 ("b")`: the name of a chosen column in messages. */
export const columnOf = (table: Table, column: number): string => {
  const name = table.names?.[column];
  return `${(table.fileColumns[column] ?? column) + 1}${name === undefined ? "" : ` (${quoted(name)})`}`;
};

/** The format of a table in messages: `csv`, `csv with decimal commas`, or `csv with numbers like 1.234,5, % dropped`. */
export function formatText(
  { format, decimal = "." }: Pick<Table, "format" | "decimal">,
  { thousands, units = [] }: Pick<CellOptions, "thousands" | "units"> = {},
): string {
  const grouped = thousands && `numbers like 1${thousands}234${decimal}5`;
  const marks = grouped ?? (decimal === "," ? "decimal commas" : undefined);
  const dropped = units.length > 0 ? `, ${units.join(" ")} dropped` : "";
  return `${format}${marks === undefined ? "" : ` with ${marks}`}${dropped}`;
}

/** A hint how to leave columns out. */
export const withoutColumns = (table: Table, columns: readonly number[]): string =>
  withoutHint(
    table.fileColumns,
    columns.map((column) => table.fileColumns[column] ?? column),
    table.fileWidth,
  );

/** A longer list of columns is no hint for a person. */
const LONGEST_LIST = 200;

function withoutHint(chosen: readonly number[], left: readonly number[], width: number): string {
  const leaves = new Set(left);
  const kept = chosen.filter((place) => !leaves.has(place));
  const which = left.length === 1 ? "the column" : "them";
  const list = columnList(kept, width);
  return kept.length === 0 || list.length > LONGEST_LIST
    ? ""
    : `--columns ${shellQuote(list)} leaves ${which} out`;
}

/** Runs `work`. Errors of readers or the file system get the name of the file. */
async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withName(file, error);
  }
}

/** The error of a reader with the name of the file, and for cells with a hint how to leave the column out. */
export function withName(
  file: string,
  error: unknown,
  chosen?: readonly number[],
  width = 0,
): unknown {
  if (error instanceof FormatError) {
    const { line, column, columnName, look } = error.place;
    const leave = column !== undefined && chosen ? withoutHint(chosen, [column - 1], width) : "";
    const option = look && optionFor(look, /got "([^"]*)"/.exec(error.message)?.[1] ?? "");
    const message = option ? error.message.replace(`; ${hintFor(look)}`, "") : error.message;
    const hint = option ?? leave;
    return new CommandError(`${file}: ${message}${hint && ` (${hint})`}`, {
      file,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      ...(columnName === undefined ? {} : { columnName }),
      cause: error,
    });
  }
  return (error as NodeJS.ErrnoException).syscall ? fileError(file, error) : error;
}

/** The options for reading a cell of this format, with the unit in the cell. */
export function optionFor(look: NumberLook, cell: string): string | undefined {
  const hint = OPTIONS[look];
  if (!hint?.startsWith("--units ")) return hint;
  const unit = cell.replace(/[\d.,' +-]/g, "");
  const digits = cell.replace(/[^\d.,']/g, "");
  const hasDecimalComma = /^\d*,\d+$/.test(digits) && !/^\d{1,3},\d{3}$/.test(digits);
  if (unit === "") return hint;
  const units = `--units ${shellQuote(unit)}`;
  return hasDecimalComma ? `${units} --decimal , reads such cells` : `${units} drops it`;
}

/** The options for reading cells that look like numbers. */
const OPTIONS: Readonly<Partial<Record<NumberLook, string>>> = {
  decimalComma: "--decimal , reads decimal commas",
  decimalPoint: "--decimal . reads decimal points",
  grouped: "--thousands reads digits in groups",
  percent: "--units % reads percentages",
  currency: "--units drops what stands beside numbers",
  unit: "--units drops what stands beside numbers",
};

/** Reads enough bytes to determine the format of a file, or all bytes before a pause. */
export async function readHead(
  source: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<{ head: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let isPause = false;
  while (length < SNIFF_BYTES && !(isPause && length > 0)) {
    const { done, value } = await source.next();
    if (done) break;
    pieces.push(value);
    length += value.length;
    isPause = value.length === 0;
  }
  const head = pieces.length === 1 ? pieces[0]! : concatBytes(pieces);
  const all = (async function* () {
    yield head;
    if (isPause) yield NOTHING; // the rows in the head can be processed
    yield* source;
  })();
  return { head, all };
}

const NOTHING = new Uint8Array(0);

async function openArray(
  format: "npy" | "npz" | "idx",
  source: AsyncIterable<Uint8Array>,
  options: TableOptions,
): Promise<RowStream> {
  if (format === "npy") return openNpy(source);
  const array =
    format === "idx"
      ? decodeIdx(await gatherBytes(source, idxFileBytes))
      : await archivedArray(source, options);
  return { shape: array.shape, pieces: (most) => slices(array, most) };
}

async function archivedArray(
  source: AsyncIterable<Uint8Array>,
  options: TableOptions,
): Promise<NumericArray> {
  const { openNpz } = await import("../formats/npz.ts"); // the reader of archives takes time to load
  const archive = openNpz(await gatherBytes(source));
  const { names } = archive;
  if (names.length === 0) {
    throw new FormatError("it is a zip archive without arrays of numpy; an Excel workbook is one");
  }
  const chosen = options.array ?? (names.length === 1 ? names[0]! : "X");
  if (names.includes(chosen)) return archive.array(chosen);
  throw new FormatError(
    options.array === undefined
      ? `it holds the arrays ${listed(names, 200)}; choose one with --array`
      : `it holds no array ${quoted(chosen)}, but ${listed(names, 200)}`,
  );
}

type TablePart = Omit<Table, "file" | "format" | "size" | "bytesRead">;

/** The columns that the user chose, or the wanted names if the table has names. */
function choose(columns: Columns, { columns: list, wanted, otherwise }: TableOptions): number[] {
  if (list === undefined && wanted && columns.names) {
    return findNames(wanted.names, columns, wanted.why);
  }
  return chooseColumns(list ?? otherwise, columns);
}

/** The first dimension of an array counts rows. The others together, for example those of images, are one row. */
function arrayTable(file: string, array: RowStream, options: TableOptions): TablePart {
  const [rows, ...sizes] = array.shape;
  if (rows === undefined || sizes.length === 0) {
    throw new FormatError(
      `a table has rows and columns, this array has the shape (${array.shape})`,
    );
  }
  const width = sizes.reduce((product, size) => product * size, 1);
  if (width === 0)
    throw new FormatError(`this array has no columns: its shape is (${array.shape})`);
  const chosen = choose({ file, count: width, names: undefined }, options);
  const columns = chosen.length;
  const areAll = columns === width && chosen.every((column, i) => column === i);
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / width));
  return {
    columns,
    fileWidth: width,
    names: undefined,
    fileColumns: chosen,
    rows,
    async *pieces() {
      try {
        for await (const piece of array.pieces(step)) {
          const numbers =
            piece instanceof BigInt64Array || piece instanceof BigUint64Array
              ? toFloat32(piece)
              : piece;
          const data = areAll ? numbers : picked(numbers, chosen, width);
          yield { rows: piece.length / width, data };
        }
      } catch (error) {
        throw withName(file, error);
      }
    },
    lineOf: async () => undefined,
  };
}

/** The chosen columns of rows of `width` numbers. */
function picked(numbers: Numbers, chosen: readonly number[], width: number): Numbers {
  const rows = numbers.length / width;
  const columns = chosen.length;
  const out = new (numbers.constructor as Float32ArrayConstructor)(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) {
      out[row * columns + j] = numbers[row * width + chosen[j]!]!;
    }
  }
  return out;
}

async function csvTable(
  file: string,
  all: AsyncIterable<Uint8Array>,
  options: TableOptions,
): Promise<TablePart> {
  const { header, delimiter, cells, wanted } = options;
  const csv = await openCsv(all, {
    ...cells,
    header,
    delimiter,
    expected: wanted?.names,
    columns: (count, names) => {
      if (count === 0) throw new FormatError("the file is empty");
      return choose({ file, count, names }, options);
    },
    onWarning: (warning) => options.warn(forOptions(file, warning)),
  });
  const { names, chosen, lines } = csv;
  const fileWidth = csv.dialect.columns;
  return {
    decimal: csv.dialect.decimal,
    columns: chosen.length,
    fileWidth,
    names,
    fileColumns: chosen,
    rows: undefined,
    async *pieces() {
      try {
        for await (const { rows, data } of csv.batches()) yield { rows, data };
      } catch (error) {
        throw options.isFixed ? withName(file, error) : withName(file, error, chosen, fileWidth);
      }
    },
    lineOf: async (row) => lines.of(row),
  };
}

async function jsonTable(
  file: string,
  all: AsyncIterable<Uint8Array>,
  options: TableOptions,
): Promise<Partial<Table> & TablePart> {
  let chosen: readonly number[] = [];
  let fileWidth = 0;
  const table = await readJsonTable(all, {
    columns: (count, names) => {
      if (count === 0) throw new FormatError("it holds no rows");
      fileWidth = count;
      chosen = choose({ file, count, names }, options);
      return chosen;
    },
  });
  for (const warning of table.warnings) options.warn(forOptions(file, warning));
  const texts = table.columns.flatMap(({ name, kind, values }, i) =>
    kind === "text" ? [{ name, values, place: chosen[i] ?? i }] : [],
  );
  if (texts.length > 0) {
    const places = texts.map(({ place }) => place);
    const hint = options.isFixed ? "" : withoutHint(chosen, places, fileWidth);
    const named = texts.map(({ name, place }) => `${place + 1} (${quoted(name)})`).join(", ");
    const example = quoted(texts[0]?.values.find((value) => value !== "") ?? "");
    const hold = texts.length === 1 ? `column ${named} holds` : `columns ${named} hold`;
    throw new FormatError(`${hold} text, such as ${example}${hint && ` (${hint})`}`);
  }
  const columns = table.columns.flatMap(({ kind, values }) => (kind === "number" ? [values] : []));
  const { rows, lineOf } = table;
  const width = columns.length;
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / width));
  return {
    format: table.format,
    columns: width,
    fileWidth,
    names: table.named ? table.columns.map(({ name }) => name) : undefined,
    fileColumns: chosen,
    rows: undefined,
    async *pieces() {
      for (let row = 0; row < rows; row += step) {
        const count = Math.min(step, rows - row);
        const data = new Float32Array(count * width).map((_, i) => {
          return columns[i % width]![row + Math.floor(i / width)]!;
        });
        yield { rows: count, data };
      }
    },
    lineOf: async (row) => lineOf(row),
  };
}

/** A warning of the library in the terms of the command line. */
export const forOptions = (file: string, warning: string): string =>
  `${file}: ${warning.replace("header: false", "--no-header").replace("header: true", "--header")}`;
