// The grammar of CSV on bytes: the end of a cell, the text of a cell, and the end of a row.

import { copyBytes } from "./numbers-read.ts";
import { decodeUtf8 } from "./text-read.ts";

export const NEWLINE = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const QUOTE = 34;

/**
 * The index of the delimiter or newline that ends the cell starting at `at`, with respect to quotes. -1 if a quote is
 * still open at `end`. The end of an unquoted cell must exist.
 */
export function cellEnd(bytes: Uint8Array, at: number, end: number, delimiter: number): number {
  while (bytes[at] === SPACE) at++;
  if (bytes[at] === QUOTE) {
    // A doubled quote closes the quote and opens it again, which has the same effect.
    do {
      at = bytes.indexOf(QUOTE, at + 1) + 1;
      if (at === 0 || at >= end) return -1;
    } while (bytes[at] === QUOTE);
  }
  while (bytes[at] !== delimiter && bytes[at] !== NEWLINE) at++;
  return at;
}

const MAX_LATIN = 100;

/** The text of some bytes. If they are not UTF-8, the text of the first bytes as Latin-1. */
const textOf = (bytes: Uint8Array): string =>
  decodeUtf8(bytes) ?? String.fromCharCode(...bytes.subarray(0, MAX_LATIN));

/** The text of a cell, without the blanks and the quotes around it. */
export const cellText = (bytes: Uint8Array, start: number, end: number): string =>
  unquoted(textOf(copyBytes(bytes, start, end - start)));

function unquoted(cell: string): string {
  const text = cell.trim();
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replaceAll('""', '"');
}

/**
 * The texts of many cells of one block. If the block is ASCII, it is decoded once, and cells are substrings of its text.
 * That is several times faster than decoding each cell.
 */
export class BlockTexts {
  readonly bytes: Uint8Array;
  private whole: string | undefined;
  private isAscii: boolean | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The same as `cellText`. */
  cell(start: number, end: number): string {
    if (this.isAscii === undefined) {
      this.whole = decodeUtf8(copyBytes(this.bytes, 0, this.bytes.length));
      this.isAscii = this.whole?.length === this.bytes.length;
    }
    return this.isAscii && this.whole !== undefined
      ? unquoted(this.whole.slice(start, end))
      : cellText(this.bytes, start, end);
  }
}

/** The cells of the row at `at` as text, and the start of the next row. Undefined if the row is incomplete. */
export function readRow(
  texts: BlockTexts,
  at: number,
  delimiter: number,
): { cells: string[]; next: number } | undefined {
  const { bytes } = texts;
  const end = bytes.length;
  const cells: string[] = [];
  while (at < end) {
    const stop = cellEnd(bytes, at, end, delimiter);
    if (stop < 0) return undefined;
    cells.push(texts.cell(at, stop).trim());
    at = stop + 1;
    if (bytes[stop] === NEWLINE) return { cells, next: at };
  }
  return undefined;
}

/** Whether there are only blanks between `at` and the end of the line. A quoted empty cell is a row. */
export function isBlankLine(bytes: Uint8Array, at: number): boolean {
  while (bytes[at] === SPACE || bytes[at] === CARRIAGE_RETURN) at++;
  return bytes[at] === NEWLINE;
}

const CELL_START = 0;
const PLAIN = 1;
const QUOTED = 2;
const QUOTE_SEEN = 3;

/** Finds the end of one row in bytes that arrive in pieces. Each byte is processed once. */
export class RowEndScanner {
  private readonly delimiter: number;
  private state = CELL_START;

  constructor(delimiter: number) {
    this.delimiter = delimiter;
  }

  /** Starts again at the start of a row. */
  reset(): void {
    this.state = CELL_START;
  }

  /** Whether the row ends in `bytes`, which continue the bytes of the calls before. */
  endsIn(bytes: Uint8Array): boolean {
    const { delimiter } = this;
    let { state } = this;
    let at = 0;
    while (at < bytes.length) {
      if (state === QUOTED) {
        at = bytes.indexOf(QUOTE, at) + 1;
        if (at === 0) break;
        state = QUOTE_SEEN;
        continue;
      }
      const c = bytes[at++];
      if (c === QUOTE && (state === CELL_START || state === QUOTE_SEEN)) state = QUOTED;
      else if (c === NEWLINE) return true;
      else if (c === delimiter) state = CELL_START;
      else if (c !== SPACE || state !== CELL_START) state = PLAIN;
    }
    this.state = state;
    return false;
  }
}
