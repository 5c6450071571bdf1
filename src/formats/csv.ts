// Reads CSV in memory that does not grow with the file: as batches of numbers, or row by row for tables that also contain
// text (csv-table.ts). Cells are converted from bytes to numbers directly, and become text only if needed. This is 1.4 to
// 4.6 times as fast as libraries that split text first (docs/decisions/010-libraries.md).

import { InvalidValueError } from "../errors.ts";
import { type CellOptions, CellReader, hintFor, lookOf, type UsualDecimal } from "./cell-values.ts";
import { type ColumnChoice, type ColumnChooser, selectColumns } from "./columns.ts";
import {
  CARRIAGE_RETURN,
  cellEnd,
  cellText,
  isBlankLine,
  NEWLINE,
  QUOTE,
  RowEndScanner,
  SPACE,
} from "./csv-cells.ts";
import {
  type CsvDelimiter,
  type Dialect,
  type DialectOptions,
  detectDialect,
} from "./csv-dialect.ts";
import { CsvNumbers, ZERO } from "./csv-numbers.ts";
import { FormatError } from "./errors.ts";
import { concatBytes } from "./numbers.ts";
import { type ByteSource, readBytes } from "./streams.ts";
import { quote } from "./text.ts";

/** Options for the dialect of a CSV file. By default the dialect is detected from the first rows. */
export interface CsvDialectOptions extends CellOptions, UsualDecimal {
  /**
   * The columns to read, in order: `["height", 3]`, `"2-9"`, `"!label"`, or a function that gets the number of columns and
   * their names and returns their indices from 0. Default all.
   */
  readonly columns?: ColumnChoice | ColumnChooser | undefined;
  /**
   * Whether the first row is a header. Default "auto": it is if text is above a number, or if its numbers count up like
   * names. `onWarning` is called if the decision could be wrong.
   */
  readonly header?: boolean | "auto" | undefined;
  /** Default "auto": the tab, semicolon, bar or comma for which the first two rows agree. */
  readonly delimiter?: CsvDelimiter | "auto" | undefined;
  /** Expected names of a header. A first row with all of them is a header. Default: none. */
  readonly expected?: readonly string[] | undefined;
  /** Called with a sentence for each decision that could be wrong. Default: none. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Options for reading a CSV file. */
export interface CsvOptions extends CsvDialectOptions {
  /** The number of rows per batch. The last batch may be shorter. Default: about a megabyte of numbers. */
  readonly batchRows?: number | undefined;
}

/** Some rows of a CSV file. */
export interface CsvBatch<Data = Float32Array> {
  /** The number of rows in this batch. */
  readonly rows: number;
  /** The number of values per row. */
  readonly columns: number;
  /** Row-major values [rows, columns], owned by the caller. NaN for missing cells. */
  readonly data: Data;
  /** The names of the chosen columns, all different. Absent without a header. */
  readonly names: readonly string[] | undefined;
}

const MAX_ROW_BYTES = 1 << 26;
const BATCH_ELEMENTS = 1 << 18;
/** Below this number of bytes, the first rows are examined again with every new piece. */
const FIRST_LOOK = 4096;
/** A file without a line feed in this many bytes uses carriage returns as line ends, if it has any. */
const LINE_END_LOOK = 1 << 16;

/**
 * The numbers of a CSV file, in batches of float32.
 *
 * The file is UTF-8 text, plain or gzipped, with or without a byte order mark. Lines end in LF, CRLF or CR. Blank lines are
 * skipped. Cells may be quoted. Empty cells and `MISSING` give NaN. Numbers are rounded once, as by
 * `Math.fround(Number(cell))`.
 *
 * @param source The bytes of the file, or an async iterable of pieces of them. An empty piece means that no more bytes are
 * available for the moment. The rows so far are then returned at once, in a batch that may be shorter.
 * @throws FormatError with line, column and the text of the cell. InvalidValueError for invalid options. Both are thrown
 * during the iteration.
 */
export async function* readCsv(
  source: ByteSource,
  options: CsvOptions = {},
): AsyncGenerator<CsvBatch, void, undefined> {
  const file = await openCsv(source, options);
  yield* file.batches(options);
}

/**
 * The numbers of a CSV file, in batches of float64. It is the same as `readCsv`, with each value equal to `Number(cell)`. Use
 * it for numbers that float32 cannot represent, such as seconds since 1970.
 */
export async function* readCsvFloat64(
  source: ByteSource,
  options: CsvOptions = {},
): AsyncGenerator<CsvBatch<Float64Array>, void, undefined> {
  const file = await openCsv(source, options);
  yield* file.batchesFloat64(options);
}

/** Opens a CSV file: reads as much of it as is needed to detect its dialect. */
export async function openCsv(
  source: ByteSource,
  options: CsvDialectOptions = {},
): Promise<CsvFile> {
  const { decimal, thousands } = options;
  const isGuessed = decimal === undefined && thousands !== "." && thousands !== ",";
  const cells = new CellReader(isGuessed ? { ...options, decimal: "." } : options);
  const commas = isGuessed ? new CellReader({ ...options, decimal: "," }) : undefined;
  const pieces = readBytes(source);
  try {
    const start = await readStart(pieces, { cells, commas }, options);
    const isComma = start.dialect.decimal === ",";
    return new CsvFile(start, pieces, (isComma && commas) || cells, options);
  } catch (error) {
    await pieces.return();
    throw error;
  }
}

interface Start {
  readonly dialect: Dialect;
  /** The bytes that were read and not yet consumed, from the first row of data on. */
  readonly bytes: Uint8Array;
  /** Whether the source has ended. */
  readonly complete: boolean;
  /** Whether lines end with carriage returns only. */
  readonly returnsOnly: boolean;
  /** Whether no more bytes are available for the moment. */
  readonly isPause: boolean;
}

async function readStart(
  pieces: AsyncIterator<Uint8Array>,
  readers: Pick<DialectOptions, "cells" | "commas">,
  { delimiter = "auto", header = "auto", expected, usualDecimal = "." }: CsvDialectOptions,
): Promise<Start> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let nextLook = 0;
  let pausedAt = 0;
  let hasNews = false;
  let returnsOnly: boolean | undefined;
  for (;;) {
    const { done, value } = await pieces.next();
    const complete = done === true;
    const isPause = value?.length === 0;
    if (value) {
      pending.push(value);
      size += value.length;
      hasNews ||= value.includes(NEWLINE) || value.includes(CARRIAGE_RETURN);
      if (size > MAX_ROW_BYTES && !hasNews) throw endlessRow(1, size);
      if (!(hasNews && size >= nextLook) && !(isPause && size > pausedAt)) continue;
      if (isPause) pausedAt = size;
    }
    // Examined again after the number of bytes has doubled, so that the total time stays linear.
    nextLook = size < FIRST_LOOK ? 0 : 2 * size;
    hasNews = false;
    let bytes = joined(complete ? [...pending, LINE_END] : pending);
    const firstBreak = bytes.indexOf(NEWLINE);
    if (bytes.subarray(0, firstBreak < 0 ? size : firstBreak).includes(0)) {
      throw new FormatError("expected text in UTF-8, got a zero byte: UTF-16 or binary data?");
    }
    returnsOnly ??= linesEndInReturns(bytes.subarray(0, size), complete);
    if (returnsOnly) bytes = withNewlines(bytes);
    pending = complete ? [] : [bytes];
    const text = startsWithMark(bytes) ? bytes.subarray(3) : bytes;
    const whole = text.subarray(0, text.lastIndexOf(NEWLINE) + 1);
    // In a pause the dialect is detected from the rows so far.
    const isAll = complete || (isPause && whole.length > 0);
    const dialect = detectDialect(whole, isAll, {
      ...readers,
      delimiter,
      header,
      expected,
      usualDecimal,
    });
    if (dialect && (complete || dialect.columns > 0)) {
      const rest = text.subarray(dialect.start, complete ? text.length - 1 : text.length);
      return { dialect, bytes: rest, complete, returnsOnly: returnsOnly === true, isPause };
    }
    if (size > MAX_ROW_BYTES) throw endlessRow(1, size);
  }
}

const LINE_END = /* @__PURE__ */ Uint8Array.of(NEWLINE);

const startsWithMark = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/** Whether lines end with carriage returns only. Undefined if more bytes are needed. */
function linesEndInReturns(bytes: Uint8Array, complete: boolean): boolean | undefined {
  if (bytes.includes(NEWLINE)) return false;
  if (!complete && bytes.length < LINE_END_LOOK) return undefined;
  const first = bytes.indexOf(CARRIAGE_RETURN);
  return first >= 0 && (complete || first < bytes.length - 1);
}

/** A copy with newlines instead of carriage returns. */
const withNewlines = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte) => (byte === CARRIAGE_RETURN ? NEWLINE : byte));

const joined = (pieces: readonly Uint8Array[]): Uint8Array => {
  const [first, ...more] = pieces;
  return first && more.length === 0 ? first : concatBytes(pieces);
};

const endlessRow = (line: number, size: number): FormatError =>
  new FormatError(
    `line ${line}: a row goes on for ${size} bytes: is it text, with a quote never closed?`,
    { line },
  );

/** A consumer of the rows of a file. */
export interface RowConsumer {
  /** The line of the next row. */
  readonly line: number;
  /** Whether the consumer takes no more rows before its result is taken. */
  readonly full: boolean;
  /**
   * Reads rows of `bytes`, which end in a newline, from `at` on, until the consumer is full. Returns the start of the first
   * unread row, because the consumer is full or the row continues after `bytes`.
   */
  parse(bytes: Uint8Array, at: number): number;
}

/** A CSV file whose beginning was read. Its rows can be read once. */
export class CsvFile {
  readonly dialect: Dialect;
  /** The indices, from 0, of the chosen columns in the file. */
  readonly chosen: readonly number[];
  /** The names of the chosen columns, all different. Undefined without a header. */
  readonly names: readonly string[] | undefined;
  readonly cells: CellReader;
  /** The lines of rows. */
  readonly lines: RowLines;
  private readonly start: Start;
  private readonly pieces: AsyncGenerator<Uint8Array, void, undefined>;

  constructor(
    start: Start,
    pieces: AsyncGenerator<Uint8Array, void, undefined>,
    cells: CellReader,
    { columns, onWarning }: CsvDialectOptions,
  ) {
    const { dialect } = start;
    const { names } = dialect;
    this.dialect = dialect;
    this.chosen = selectColumns(columns, dialect.columns, names);
    this.names = names && this.chosen.map((column) => names[column] ?? "");
    this.cells = cells;
    this.lines = new RowLines(dialect.line);
    this.start = start;
    this.pieces = pieces;
    for (const warning of dialect.warnings) onWarning?.(warning);
  }

  /** The rows as batches of float32. See `readCsv`. */
  async *batches(options: CsvOptions = {}): AsyncGenerator<CsvBatch, void, undefined> {
    const batch = new NumberBatch(this, options, false, (length) => new Float32Array(length));
    yield* this.read(batch, () => batch.take());
  }

  /** The rows as batches of float64. See `readCsvFloat64`. */
  async *batchesFloat64(
    options: CsvOptions = {},
  ): AsyncGenerator<CsvBatch<Float64Array>, void, undefined> {
    const batch = new NumberBatch(this, options, true, (length) => new Float64Array(length));
    yield* this.read(batch, () => batch.take());
  }

  /**
   * Passes all rows to a consumer. Yields the results of `take` when the consumer is full, in pauses and at the end.
   */
  async *read<Taken>(
    rows: RowConsumer & { readonly count: number },
    take: () => Taken,
  ): AsyncGenerator<Taken, void, undefined> {
    const { dialect, returnsOnly, bytes: first, complete } = this.start;
    let { isPause } = this.start;
    const scanner = new RowEndScanner(dialect.delimiter);
    let pending: Uint8Array[] = [first];
    let size = first.length;
    let hasRow = scanner.endsIn(first);
    try {
      for (let done = complete; ; ) {
        if (hasRow || done) {
          const bytes = joined(done ? [...pending, LINE_END] : pending);
          const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
          let at = 0;
          for (;;) {
            at = rows.parse(whole, at);
            if (!rows.full) break;
            yield take();
          }
          if (done && at < whole.length) {
            throw new FormatError(`line ${rows.line}: a quote is opened and never closed`, {
              line: rows.line,
            });
          }
          if (done && rows.count > 0) yield take();
          if (done) return;
          const left = bytes.subarray(at);
          pending = [left];
          size = left.length;
          scanner.reset();
          hasRow = scanner.endsIn(left);
        }
        if (size > MAX_ROW_BYTES) throw endlessRow(rows.line, size);
        if (isPause && rows.count > 0) yield take();
        const next = await this.pieces.next();
        done = next.done === true;
        if (next.done) continue;
        isPause = next.value.length === 0;
        if (isPause) continue;
        const piece = returnsOnly ? withNewlines(next.value) : next.value;
        pending.push(piece);
        size += piece.length;
        hasRow ||= scanner.endsIn(piece);
      }
    } finally {
      await this.pieces.return();
    }
  }
}

/** Rows on consecutive lines. */
interface Stretch {
  /** The first row of the range, from 0 in the whole file, and its line. */
  readonly row: number;
  readonly line: number;
}

/** The line of each row. It only stores rows that are not on the line after the previous row. */
export class RowLines {
  private readonly stretches: Stretch[];
  private rowsSeen = 0;
  private expected: number;

  constructor(line: number) {
    this.stretches = [{ row: 0, line }];
    this.expected = line;
  }

  /** Sets the line of the next row. */
  add(line: number): void {
    if (line !== this.expected) this.stretches.push({ row: this.rowsSeen, line });
    this.rowsSeen++;
    this.expected = line + 1;
  }

  /** The line, from 1, of a row, counted from 0 in the whole file. Undefined if the row was not read. */
  of(row: number): number | undefined {
    if (row < 0 || row >= this.rowsSeen) return undefined;
    // The last range that begins at the row or before it.
    let [low, high] = [0, this.stretches.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.stretches[middle]?.row ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    const stretch = this.stretches[low];
    return stretch && stretch.line + row - stretch.row;
  }
}

/** Throws that a row does not have as many cells as the first row. */
export function wrongWidth(line: number, cells: number, { columns, names }: Dialect): FormatError {
  const first = names ? "the header" : "the first row";
  return new FormatError(
    `line ${line} has ${cells} ${cells === 1 ? "cell" : "cells"}, ${first} has ${columns}`,
    { line },
  );
}

/** Throws that a cell is not a number. `column` counts from 0. */
function noNumber(
  line: number,
  column: number,
  text: string,
  { names }: Pick<Dialect, "names">,
): FormatError {
  const columnName = names?.[column];
  const name = columnName === undefined ? "" : ` (${quote(columnName)})`;
  const look = lookOf(text);
  const hint = hintFor(look);
  return new FormatError(
    `line ${line}, column ${column + 1}${name}: expected a number, got ${quote(text)}${hint ? `; ${hint}` : ""}`,
    { line, column: column + 1, columnName, look },
  );
}

/** Splits rows into cells and converts them to numbers. Holds the current batch. */
class NumberBatch<Data extends Float32Array | Float64Array> implements RowConsumer {
  count = 0;
  line: number;
  private readonly file: CsvFile;
  private readonly numbers: CsvNumbers;
  private readonly isDouble: boolean;
  private readonly make: (length: number) => Data;
  /** For each column of the file its index in a row of the batch, or -1. */
  private readonly targets: Int32Array;
  private readonly capacity: number;
  private data: Data | undefined;

  constructor(
    file: CsvFile,
    { batchRows }: CsvOptions,
    isDouble: boolean,
    make: (length: number) => Data,
  ) {
    const { dialect, chosen } = file;
    this.file = file;
    this.numbers = new CsvNumbers(dialect.delimiter, file.cells.decimal);
    this.isDouble = isDouble;
    this.make = make;
    this.line = dialect.line;
    this.targets = new Int32Array(dialect.columns).fill(-1);
    for (const [target, column] of chosen.entries()) this.targets[column] = target;
    this.capacity = batchRows ?? Math.max(1, Math.floor(BATCH_ELEMENTS / chosen.length));
    if (batchRows !== undefined && !(Number.isSafeInteger(batchRows) && batchRows > 0)) {
      throw new InvalidValueError(`batchRows must be a whole number from 1 up, got ${batchRows}`);
    }
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  take(): CsvBatch<Data> {
    const { count: rows } = this;
    const columns = this.file.chosen.length;
    let data = this.data ?? this.make(0);
    if (this.full) this.data = undefined;
    else {
      const filled = data.subarray(0, rows * columns);
      data = this.make(filled.length);
      data.set(filled);
    }
    this.count = 0;
    return { rows, columns, data, names: this.file.names };
  }

  parse(bytes: Uint8Array, at: number): number {
    const { targets, numbers, isDouble, capacity } = this;
    const { value } = numbers;
    const { delimiter } = this.file.dialect;
    const { lines } = this.file;
    const missing = this.file.cells.missingNumbers;
    const width = this.file.chosen.length;
    while (at < bytes.length && this.count < capacity) {
      if (isBlankLine(bytes, at)) {
        at = bytes.indexOf(NEWLINE, at) + 1;
        this.line++;
        continue;
      }
      const rowStart = at;
      this.data ??= this.make(capacity * width);
      const data = this.data;
      const base = this.count * width;
      let breaks = 1;
      let field = 0;
      for (; ; at++) {
        const target = field < targets.length ? (targets[field] ?? -1) : -1;
        let stop = -1;
        if (target >= 0) {
          // A fast path for a single digit, which most pixels are.
          const digit = (bytes[at] ?? 0) - ZERO;
          const next = bytes[at + 1];
          if (digit >= 0 && digit <= 9 && (next === delimiter || next === NEWLINE)) {
            stop = at + 1;
            value[0] = digit;
          } else stop = isDouble ? numbers.float64(bytes, at) : numbers.float32(bytes, at);
          if (stop >= 0)
            data[base + target] = missing?.has(value[0] ?? 0) ? Number.NaN : (value[0] ?? 0);
        } else if (bytes[at] !== QUOTE && bytes[at] !== SPACE) {
          for (stop = at; bytes[stop] !== delimiter && bytes[stop] !== NEWLINE; ) stop++;
        }
        if (stop < 0) {
          stop = cellEnd(bytes, at, bytes.length, delimiter);
          if (stop < 0) return rowStart;
          if (target >= 0) data[base + target] = this.numberOf(bytes, at, stop, field);
          for (let i = at; i < stop; i++) if (bytes[i] === NEWLINE) breaks++;
        }
        at = stop;
        field++;
        if (bytes[at] === NEWLINE) break;
      }
      at++;
      if (field !== targets.length) throw wrongWidth(this.line, field, this.file.dialect);
      lines.add(this.line);
      this.line += breaks;
      this.count++;
    }
    return at;
  }

  private numberOf(bytes: Uint8Array, start: number, end: number, column: number): number {
    const text = cellText(bytes, start, end).trim();
    const value = this.file.cells.number(text);
    if (value === undefined) throw noNumber(this.line, column, text, this.file.dialect);
    return value;
  }
}
