// Reads tables of any format. The first bytes of a file determine its format.

import { choice } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { selectColumns } from "./columns.ts";
import { SNIFF_BYTES } from "./contents.ts";
import { type CsvTableOptions, readCsvTable, streamCsvTable } from "./csv-table.ts";
import { FormatError } from "./errors.ts";
import { decodeIdx, idxFileBytes } from "./idx.ts";
import { readJsonTable, streamJsonLines } from "./json.ts";
import { decodeNpy, npyFileBytes } from "./npy.ts";
import { openNpz } from "./npz.ts";
import { concatBytes, type NumericArray } from "./numbers.ts";
import { sniffTable } from "./sniff.ts";
import { type ByteSource, gatherBytes, readBytes } from "./streams.ts";
import { type DataTable, defaultName, type TableFormat } from "./table.ts";
import { quote } from "./text.ts";

const FORMATS = ["csv", "json", "jsonl", "npy", "npz", "idx"] as const satisfies TableFormat[];

/** Options for reading a table. */
export interface TableOptions extends CsvTableOptions {
  /** The format. Default "auto": detected from the first bytes. */
  readonly format?: TableFormat | "auto" | undefined;
  /** The name of the array in an NPZ file. Default "X", or the only one. */
  readonly array?: string | undefined;
}

/** Options for reading a table in parts. */
export interface TableStreamOptions extends TableOptions {
  /** The number of rows per table. The last table, and tables before a pause, may have fewer. Default 4096. */
  readonly batchRows?: number | undefined;
}

/**
 * Reads a whole table: CSV, JSON, JSON lines, NPY, NPZ or IDX, plain or gzipped.
 *
 * - CSV: see `readCsv` for the syntax. A column has numbers if every cell is a number or missing, and text otherwise. A text
 *   column whose cells all look like numbers of another notation (decimal commas between points, percentages, amounts) is an error, unless
 *   `kinds` declares it as text.
 * - JSON: an array of objects, an object of arrays (or of objects by row, as pandas writes it), or an array of arrays, whose
 *   first row may be a header. Values are numbers, strings, true, false and null. null and absent values are missing. Strings
 *   are text, even if they look like numbers. Keys that are whole numbers come before others, as in every JavaScript object.
 * - JSON lines: an object or an array per line.
 * - Arrays: the first dimension counts rows. The other dimensions together form a row.
 *
 * @param source The bytes of the file, or an async iterable of pieces of them.
 * @returns Named columns of float64 numbers (NaN if missing) or of strings ("" if missing).
 * @throws FormatError with the line or the row and the column. InvalidValueError for invalid options.
 */
export async function readTable(
  source: ByteSource,
  options: TableOptions = {},
): Promise<DataTable> {
  const { format, bytes } = await sniffed(source, options.format);
  switch (format) {
    case "csv":
      return readCsvTable(bytes, options);
    case "json":
    case "jsonl":
      return readJsonTable(bytes, options);
    default:
      return arrayTable(format, await readArray(format, bytes, options.array), options.columns);
  }
}

/**
 * Reads CSV or JSON lines as consecutive tables of a number of rows, in memory that does not grow with the file. Columns
 * without an entry in `kinds` are text, because their kinds are only known at the end. For JSON lines they are left out if
 * `kinds` is given.
 *
 * @param source The bytes in pieces. An empty piece means that no more bytes are available for the moment. The rows so far
 * are then returned at once.
 * @throws FormatError as `readTable`, and for formats that cannot be read in parts.
 */
export async function* streamTable(
  source: ByteSource,
  { batchRows = 4096, ...options }: TableStreamOptions = {},
): AsyncGenerator<DataTable, void, undefined> {
  if (!(Number.isSafeInteger(batchRows) && batchRows > 0)) {
    throw new InvalidValueError(`batchRows must be a whole number from 1 up, got ${batchRows}`);
  }
  const { format, bytes } = await sniffed(source, options.format);
  if (format === "csv") yield* streamCsvTable(bytes, { ...options, batchRows });
  else if (format === "json" || format === "jsonl") {
    yield* streamJsonLines(bytes, { ...options, batchRows });
  } else throw new FormatError(`CSV and JSON lines can be read in parts; this is ${format}`);
}

/** The array of an NPY or IDX file, or the array with this name in an NPZ file. */
async function readArray(
  format: "npy" | "npz" | "idx",
  source: ByteSource,
  name?: string,
): Promise<NumericArray> {
  if (format === "npy") return decodeNpy(await gatherBytes(source, npyFileBytes));
  if (format === "idx") return decodeIdx(await gatherBytes(source, idxFileBytes));
  const file = openNpz(await gatherBytes(source));
  const [first] = file.names;
  if (first === undefined) {
    throw new FormatError("it is a zip archive without arrays of numpy; an Excel workbook is one");
  }
  if (name !== undefined) return file.array(name);
  if (file.names.length > 1 && !file.names.includes("X")) {
    throw new FormatError(
      `it holds the arrays ${quote(file.names.join(", "))}; the option array chooses one`,
    );
  }
  return file.array(file.names.length === 1 ? first : "X");
}

async function sniffed(
  source: ByteSource,
  given: TableFormat | "auto" = "auto",
): Promise<{ format: TableFormat; bytes: AsyncGenerator<Uint8Array, void, undefined> }> {
  choice("format", given, ["auto", ...FORMATS]);
  const pieces = readBytes(source);
  if (given !== "auto") return { format: given, bytes: pieces };
  let head: Uint8Array = new Uint8Array(0);
  let isPause = false;
  try {
    while (head.length < SNIFF_BYTES && !(isPause && head.length > 0)) {
      const { done, value } = await pieces.next();
      if (done) break;
      isPause = value.length === 0;
      head = head.length === 0 ? value : concatBytes([head, value]);
    }
    const bytes = (async function* () {
      yield head;
      if (isPause) yield new Uint8Array(0);
      yield* pieces;
    })();
    return { format: sniffTable(head), bytes };
  } catch (error) {
    await pieces.return();
    throw error;
  }
}

function arrayTable(
  format: TableFormat,
  { shape, data }: NumericArray,
  columns: TableOptions["columns"],
): DataTable {
  const [rows, ...sizes] = shape;
  if (rows === undefined) throw new FormatError("a table has rows, and this array is one number");
  const width = sizes.reduce((product, size) => product * size, 1);
  if (width === 0) throw new FormatError(`this array has no columns: its shape is (${shape})`);
  const places = selectColumns(columns, width, undefined);
  return {
    format,
    rows,
    columns: places.map((place) => ({
      name: defaultName(place),
      kind: "number",
      values: new Float64Array(rows).map((_, row) => Number(data[row * width + place])),
    })),
    named: false,
    warnings: [],
    lineOf: () => undefined,
  };
}
