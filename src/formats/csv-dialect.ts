// What a CSV file's first two rows tell: the delimiter, how many columns there are, and whether the
// first row is a header; and which columns a user's choice means.

import { cellNumber, NEWLINE, readRow } from "./csv-cells.ts";
import { FormatError } from "./errors.ts";
import { quote } from "./text.ts";

export type CsvDelimiter = "," | ";" | "\t" | "|";

/** Columns by their number, counted from 1 as in error messages, by name, or in text as in "1-4". */
export type CsvColumns = string | readonly (string | number)[];

export interface Dialect {
  /** As a byte. */
  readonly delimiter: number;
  readonly columns: number;
  readonly names: readonly string[] | undefined;
  /** Where the first row of data starts, and on which line. */
  readonly start: number;
  readonly line: number;
}

interface Place {
  readonly start: number;
  readonly line: number;
}
interface FirstRow extends Place {
  readonly cells: string[];
}
interface FirstRows {
  readonly rows: FirstRow[];
  readonly rest: Place;
}

// A semicolon or a tab in every row is hardly there by chance; a comma may be a decimal one.
const CANDIDATES: readonly CsvDelimiter[] = ["\t", ";", ","];

/**
 * Tells the dialect from a file's first bytes, which end in a newline. Undefined where they hold less
 * than two rows and `complete` does not say that they are all there is.
 */
export function detectDialect(
  bytes: Uint8Array,
  complete: boolean,
  delimiter: CsvDelimiter | "auto",
  header: boolean | "auto",
): Dialect | undefined {
  let best: (FirstRows & { delimiter: number }) | undefined;
  for (const candidate of delimiter === "auto" ? CANDIDATES : [delimiter]) {
    const code = candidate.charCodeAt(0);
    const found = firstRows(bytes, code);
    const { rows } = found;
    if (rows.length < 2 && !complete) return undefined;
    best = { ...found, delimiter: code }; // the comma, which is last, if none fits
    const width = rows[0]?.cells.length ?? 0;
    if (width > 1 && (rows[1]?.cells.length ?? width) === width) break;
  }
  const { rows, delimiter: code, rest } = best!;
  const [first, second] = rows;
  const withHeader = header === "auto" ? looksLikeHeader(rows) : header;
  const data = (withHeader ? second : first) ?? rest;
  return {
    delimiter: code,
    columns: first?.cells.length ?? 0,
    names: withHeader ? first?.cells : undefined,
    start: data.start,
    line: data.line,
  };
}

/** The first two rows that are not blank, and where they end or a cut-off row starts. */
function firstRows(bytes: Uint8Array, delimiter: number): FirstRows {
  const rows: FirstRow[] = [];
  let start = 0;
  let line = 1;
  while (rows.length < 2 && start < bytes.length) {
    const row = readRow(bytes, start, delimiter);
    if (row === undefined) break;
    if (row.cells.length > 1 || row.cells[0] !== "") rows.push({ cells: row.cells, start, line });
    for (; start < row.next; start++) if (bytes[start] === NEWLINE) line++;
  }
  return { rows, rest: { start, line } };
}

/** A first row is a header where it has text over a number, or, all alone, no number at all. */
function looksLikeHeader([first, second]: readonly FirstRow[]): boolean {
  const isNumber = (text: string) => !Number.isNaN(cellNumber(text) ?? Number.NaN);
  const isText = (text: string) => cellNumber(text) === undefined;
  if (second) {
    return first!.cells.some((cell, i) => isText(cell) && isNumber(second.cells[i] ?? ""));
  }
  return first?.cells.some(isText) === true && !first.cells.some(isNumber);
}

/**
 * The places, from 0, of the chosen columns, in the order chosen. A choice is a column's number from
 * 1, its name, or a text of parts between commas, each a name, a number, a range such as "2-5" or
 * "2-", or one of these after "!", which leaves it out; nothing but such parts starts from all.
 */
export function selectColumns(
  choice: CsvColumns | undefined,
  { columns, names }: Pick<Dialect, "columns" | "names">,
): number[] {
  const all = Array.from({ length: columns }, (_, i) => i);
  if (choice === undefined) return all;
  const parts = typeof choice === "string" ? choice.split(",").map((part) => part.trim()) : choice;
  const range = (first: number, last: number, part: string | number) => {
    if (!Number.isInteger(first) || first < 1 || last > columns || first > last) {
      throw new FormatError(`columns count from 1 to ${columns}, the choice was ${quote(part)}`);
    }
    return all.slice(first - 1, last);
  };
  const find = (part: string | number): number[] => {
    if (typeof part === "number") return range(part, part, part);
    const place = names?.indexOf(part) ?? -1;
    if (place >= 0) {
      if (names!.indexOf(part, place + 1) < 0) return [place];
      throw new FormatError(`more than one column has the name ${quote(part)}`);
    }
    const [, first, dash, last] = /^(\d+)(?:(-)(\d*))?$/.exec(part) ?? [];
    if (first !== undefined) {
      return range(Number(first), dash ? Number(last || columns) : Number(first), part);
    }
    const known = names ? `the header has ${quote(names.join(", "))}` : "the file has no header";
    throw new FormatError(`expected a column's name or number, got ${quote(part)}; ${known}`);
  };

  const isExclusion = (part: string | number): part is string =>
    typeof part === "string" && part.startsWith("!") && !names?.includes(part);
  let chosen =
    parts.length > 0 && parts.every(isExclusion)
      ? all
      : parts.flatMap((p) => (isExclusion(p) ? [] : find(p)));
  for (const part of parts.filter(isExclusion)) {
    const left = find(part.slice(1).trim());
    chosen = chosen.filter((place) => !left.includes(place));
  }
  const twice = chosen.find((place, i) => chosen.indexOf(place) !== i);
  if (twice !== undefined) throw new FormatError(`column ${twice + 1} is chosen twice`);
  if (chosen.length === 0) throw new FormatError(`no column is left of ${quote(choice)}`);
  return chosen;
}
