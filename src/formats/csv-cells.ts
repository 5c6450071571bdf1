// The grammar of CSV cells, over bytes: where a cell ends, what it says, what number that is.

import { decodeUtf8 } from "./text-read.ts";

export const NEWLINE = 10;
export const SPACE = 32;
export const QUOTE = 34;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITY = /^[+-]?inf(inity)?$/i;
const MISSING = /^(|na|n\/a|nan|null)$/i;

/**
 * The index of the delimiter or newline that ends the cell which starts at `at`, quotes respected;
 * -1 where a quote is still open at `end`. An unquoted cell must find its end.
 */
export function cellEnd(bytes: Uint8Array, at: number, end: number, delimiter: number): number {
  while (bytes[at] === SPACE) at++;
  if (bytes[at] === QUOTE) {
    // A doubled quote closes and opens again, which comes to the same.
    do {
      at = bytes.indexOf(QUOTE, at + 1) + 1;
      if (at === 0 || at >= end) return -1;
    } while (bytes[at] === QUOTE);
  }
  while (bytes[at] !== delimiter && bytes[at] !== NEWLINE) at++;
  return at;
}

/** What the cell says, without the blanks and quotes around it. */
export function cellText(bytes: Uint8Array, start: number, end: number): string {
  const cell = bytes.slice(start, end);
  const text = (decodeUtf8(cell) ?? String.fromCharCode(...cell.subarray(0, 100))).trim();
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"').trim() : text;
}

/** The number that a cell's text stands for, NaN for a missing value, undefined for other text. */
export function cellNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  if (MISSING.test(text)) return Number.NaN;
  if (INFINITY.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return undefined;
}

/** The cells of the row at `at` as text, and where the next row starts; undefined if it is cut off. */
export function readRow(
  bytes: Uint8Array,
  at: number,
  delimiter: number,
): { cells: string[]; next: number } | undefined {
  const end = bytes.length;
  const cells: string[] = [];
  for (;;) {
    const stop = cellEnd(bytes, at, end, delimiter);
    if (stop < 0) return undefined;
    cells.push(cellText(bytes, at, stop));
    at = stop + 1;
    if (bytes[stop] === NEWLINE) return { cells, next: at };
  }
}
