// Detects the dialect of a CSV file from its first rows: the delimiter, the number of columns, whether the first row is a
// header, and the decimal mark. It reads rows one after another, and only as many as it needs. So a live stream can begin early, and the
// result does not depend on the pieces in which a file arrives.

import type { CellReader } from "./cell-values.ts";
import { BlockTexts, isBlankLine, NEWLINE, readRow } from "./csv-cells.ts";
import { quote } from "./text.ts";

/** The delimiters of a CSV file that are detected. */
export type CsvDelimiter = "," | ";" | "\t" | "|";

export interface DialectOptions {
  readonly delimiter: CsvDelimiter | "auto";
  readonly header: boolean | "auto";
  /** Expected names of a header. A first row with all of them is a header. */
  readonly expected: readonly string[] | undefined;
  readonly cells: CellReader;
  /** Reads decimal commas. Undefined if the decimal mark is given. */
  readonly commas: CellReader | undefined;
  /** The decimal mark if the rows do not decide. */
  readonly usualDecimal: "." | ",";
}

export interface Dialect {
  /** The delimiter as a byte. */
  readonly delimiter: number;
  readonly columns: number;
  /** The decimal mark of numbers. */
  readonly decimal: "." | ",";
  /** The names in the header, all different. Undefined without a header. */
  readonly names: readonly string[] | undefined;
  /** The index of the first row of data, and its line. */
  readonly start: number;
  readonly line: number;
  /** Sentences about decisions that could be wrong. */
  readonly warnings: readonly string[];
}

/** In the order of preference. The comma is last, because it may be a decimal comma. */
const CANDIDATES: readonly CsvDelimiter[] = ["\t", ";", "|", ","];
/** The number of rows that are read to find a header. */
const SAMPLE_ROWS = 16;
/** The number of rows that are read to find decimal commas, unless a decimal point comes first. */
const DECIMAL_ROWS = 100;

const COMMA = 44;
/** The bytes of a first line such as "sep=;" with quotation marks and its end. */
const LONGEST_STATEMENT = 9;

interface Row {
  readonly cells: readonly string[];
  readonly start: number;
  readonly line: number;
}

/** Reads rows one after another, without blank lines, and keeps them. */
class RowSampler {
  readonly code: number;
  readonly rows: Row[] = [];
  /** The start of the first row that was not read. */
  start = 0;
  line = 1;
  private readonly texts: BlockTexts;

  constructor(texts: BlockTexts, delimiter: CsvDelimiter) {
    this.texts = texts;
    this.code = delimiter.charCodeAt(0);
    const stated = statedDelimiter(texts.bytes);
    if (stated === undefined) return;
    this.start = stated.length;
    this.line = 2;
  }

  /** The row with this number, from 0. Undefined if the bytes end before the row does. */
  row(index: number): Row | undefined {
    while (this.rows.length <= index) {
      const row = readRow(this.texts, this.start, this.code);
      if (row === undefined) return undefined;
      const { cells, next } = row;
      const { bytes } = this.texts;
      if (!isBlankLine(bytes, this.start)) {
        this.rows.push({ cells, start: this.start, line: this.line });
      }
      for (; this.start < next; this.start++) if (bytes[this.start] === NEWLINE) this.line++;
    }
    return this.rows[index];
  }
}

/**
 * Detects the dialect from the first bytes of a file, which end in a newline. Undefined if more bytes are needed, unless
 * `complete` says that there are no more.
 */
export function detectDialect(
  bytes: Uint8Array,
  complete: boolean,
  options: DialectOptions,
): Dialect | undefined {
  const rows = chooseDelimiter(bytes, complete, options);
  const first = rows?.row(0);
  if (rows === undefined || (first === undefined && !complete)) return undefined;
  const header =
    typeof options.header === "boolean"
      ? { isHeader: options.header }
      : looksLikeHeader(rows, complete, options);
  if (header === undefined) return undefined;
  const warnings = header.warning === undefined ? [] : [header.warning];
  const names = header.isHeader && first ? uniqueNames(first.cells, warnings) : undefined;
  const decimal = findDecimal(rows, names ? 1 : 0, complete, options);
  if (decimal === undefined) return undefined;
  const data = names ? (rows.rows[1] ?? rows) : (first ?? rows);
  return {
    delimiter: rows.code,
    columns: first?.cells.length ?? 0,
    decimal,
    names,
    start: data.start,
    line: data.line,
    warnings,
  };
}

/** The delimiter that a first line such as "sep=;" states, as some spreadsheets write it, and the length of that line. */
function statedDelimiter(
  bytes: Uint8Array,
): { readonly delimiter: CsvDelimiter; readonly length: number } | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, LONGEST_STATEMENT));
  const [line, mark] = /^"?sep=([\t;|,])"?\r?\n/i.exec(head) ?? [];
  const delimiter = CANDIDATES.find((one) => one === mark);
  return line === undefined || delimiter === undefined
    ? undefined
    : { delimiter, length: line.length };
}

function chooseDelimiter(
  bytes: Uint8Array,
  complete: boolean,
  { delimiter, cells }: DialectOptions,
): RowSampler | undefined {
  const texts = new BlockTexts(bytes);
  if (delimiter !== "auto") return new RowSampler(texts, delimiter);
  const stated = statedDelimiter(bytes);
  if (stated !== undefined) return new RowSampler(texts, stated.delimiter);
  const candidates = CANDIDATES.filter((one) => one !== cells.decimal).map(
    (one) => new RowSampler(texts, one),
  );
  const width = (sampler: RowSampler, index: number) => sampler.row(index)?.cells.length ?? 0;
  if (!complete && candidates.some((one) => one.row(0) === undefined)) return undefined;
  const splitting = candidates.filter((one) => width(one, 0) > 1);
  if (splitting.length <= 1) return splitting[0] ?? candidates.at(-1);
  for (const one of splitting) {
    if (one.row(1) === undefined && !complete) return undefined;
    if (one.row(1) === undefined || width(one, 1) === width(one, 0)) return one;
  }
  return splitting.reduce((best, one) => (width(one, 0) > width(best, 0) ? one : best));
}

interface HeaderAnswer {
  readonly isHeader: boolean;
  readonly warning?: string;
}

/** The kind of a text: a number, a missing value, a text that begins like a value (2024-05-01, 12%), or any other text. */
type CellKind = "number" | "missing" | "value" | "label";

function kindOf(text: string, cells: CellReader): CellKind {
  const number = cells.number(text);
  if (number !== undefined) return Number.isNaN(number) ? "missing" : "number";
  return /^[+-]?\p{Sc}?[.,]?\d/u.test(text) ? "value" : "label";
}

/**
 * Whether the first row is a header. Undefined if more rows are needed. It is a header if a label is above a number or
 * another value. If no row decides, it is not a header, with two exceptions: names that are numbers (0, 1, 2 as pandas
 * writes them, or years), and tables that only contain text.
 */
function looksLikeHeader(
  rows: RowSampler,
  complete: boolean,
  { cells, expected }: DialectOptions,
): HeaderAnswer | undefined {
  const first = rows.row(0)?.cells ?? [];
  if (expected && expected.length > 0 && hasAll(first, expected)) return { isHeader: true };
  const kinds = first.map((text) => kindOf(text, cells));
  const labels = kinds.flatMap((kind, column) => (kind === "label" ? [column] : []));
  const hasNumbers = kinds.includes("number");
  const taken = (why: string): HeaderAnswer => ({
    isHeader: true,
    warning: `the first row was taken for names, because ${why}; header: false takes it for data`,
  });

  if (labels.length === 0) {
    if (!countsUp(first, kinds)) return { isHeader: false };
    const second = rows.row(1);
    if (second === undefined && !complete) return undefined;
    if (second === undefined || countsAlike(first, second.cells)) return { isHeader: false };
    return taken("its numbers count up as names do");
  }
  for (let index = 1; index <= SAMPLE_ROWS; index++) {
    const row = rows.row(index)?.cells;
    if (row === undefined && !complete) return undefined;
    if (row === undefined) break;
    const under = labels.map((column) => kindOf(row[column] ?? "", cells));
    if (under.includes("number") || under.includes("value")) {
      return hasNumbers ? taken("it has text over a number") : { isHeader: true };
    }
    const again = labels.find((column) => row[column] === first[column]);
    if (again !== undefined) {
      return {
        isHeader: false,
        warning: `the first row was taken for data, because ${quote(first[again])} comes again; header: true takes it for names`,
      };
    }
  }
  const second = rows.row(1)?.cells;
  if (kinds.includes("number") || kinds.includes("value")) {
    const counts = countsUp(first, kinds) && !(second && countsAlike(first, second));
    return counts ? taken("its numbers count up as names do") : { isHeader: false };
  }
  return second ? taken("no row has numbers") : { isHeader: true };
}

/** A number that may also have groups of thousands: 1,234 but not 0,123. */
const MAYBE_GROUPED = /(?<!\d)[1-9]\d{0,2},\d{3}(?!\d)/;

/**
 * The decimal mark of the rows from `first` on. It is a comma if the delimiter is another character, a column has only
 * numbers and some of them have a comma that cannot group thousands, and no number has a point. If no number has a comma
 * or a point, it is the usual mark. Undefined if more rows are needed.
 */
function findDecimal(
  rows: RowSampler,
  first: number,
  complete: boolean,
  { cells, commas, usualDecimal }: DialectOptions,
): "." | "," | undefined {
  if (commas === undefined) return cells.decimal;
  if (rows.code === COMMA) return ".";
  const sample: (readonly string[])[] = [];
  for (let index = first; index < first + DECIMAL_ROWS; index++) {
    const row = rows.row(index)?.cells;
    if (row === undefined && !complete) return undefined;
    if (row === undefined) break;
    const isPoint = (text: string) => text.includes(".") && Number.isFinite(cells.number(text));
    if (row.some(isPoint)) return ".";
    sample.push(row);
  }
  // Columns of numbers with commas
  const columns = sample[0]?.map((_, column) => sample.map((row) => row[column] ?? "")) ?? [];
  const decimals = columns.filter(
    (texts) =>
      texts.some((text) => text.includes(",")) &&
      texts.every((text) => commas.number(text) !== undefined),
  );
  const isSure = decimals.flat().some((text) => text.includes(",") && !MAYBE_GROUPED.test(text));
  return isSure ? "," : usualDecimal;
}

function hasAll(cells: readonly string[], expected: readonly string[]): boolean {
  const there = new Set(uniqueNames(cells, []));
  return expected.every((name) => there.has(name));
}

const WHOLE = /^(?:0|[1-9]\d{0,8})$/;

/**
 * Whether the numbers of a row could be names: 0, 1, 2 and so on, or such numbers or years after one cell that is not a
 * number.
 */
function countsUp(cells: readonly string[], kinds: readonly CellKind[]): boolean {
  const withIndex = kinds[0] !== "number";
  const texts = withIndex ? cells.slice(1) : cells;
  if (texts.length < (withIndex ? 2 : 3) || !texts.every((text) => WHOLE.test(text))) return false;
  const numbers = texts.map(Number);
  if (numbers.every((number, i) => number === i)) return true;
  const areYears = numbers.every(
    (number, i) => number >= 1000 && number < 3000 && number > (numbers[i - 1] ?? 0),
  );
  return withIndex && areYears;
}

/** Whether two rows differ by the same number in every column, like a counter. Then the first row is not a header. */
function countsAlike(first: readonly string[], second: readonly string[]): boolean {
  if (first[0] === "") return false;
  const steps = first.map((text, i) => Number(second[i]) - Number(text)).slice(1);
  return steps.every((step) => step === steps[0]);
}

/**
 * Names that are all different, as pandas makes them: the second "a" becomes "a.1", and the first column without a name
 * "Unnamed: 0".
 */
function uniqueNames(cells: readonly string[], warnings: string[]): string[] {
  const given = new Set(cells);
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  let example: string | undefined;
  const names = cells.map((cell, i) => {
    const base = cell === "" ? `Unnamed: ${i}` : cell;
    if (cell !== "" && !taken.has(base)) {
      taken.add(base);
      return base;
    }
    let name = base;
    let count = counts.get(base) ?? 0;
    while (taken.has(name) || (name !== cell && given.has(name))) name = `${base}.${++count}`;
    counts.set(base, count);
    taken.add(name);
    if (cell !== "")
      example ??= `${quote(base)} is the name of more than one column; the second one is called ${quote(name)}`;
    return name;
  });
  if (example !== undefined) warnings.push(example);
  return names;
}
