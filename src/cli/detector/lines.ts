// Reads rows that arrive as lines of CSV or JSON. Each line is one row, so that reading continues after a wrong line. Needs
// memory for one line.

import type { ColumnSchema } from "../../detect.ts";
import { BlockTexts, readRow } from "../../formats/csv-cells.ts";
import type { CsvDelimiter } from "../../formats/csv-dialect.ts";
import { readBytes } from "../../formats/streams.ts";
import { encodeUtf8 } from "../../formats/text.ts";
import { CommandError } from "../errors.ts";
import { type Known, lackingText, neededColumns } from "./table.ts";

/** A line of text, from 1. */
export interface Line {
  readonly number: number;
  /** The text without the line break; undefined if it is too long for a row. */
  readonly text: string | undefined;
}

const LONGEST = 1 << 20;
const NEWLINE = 10;

/** The lines of bytes that arrive in pieces, gzipped or not. Each line is returned as soon as it is complete. */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let number = 0;
  const take = (): Line => {
    number += 1;
    const isTooLong = length > LONGEST;
    const text = isTooLong ? undefined : new TextDecoder().decode(Buffer.concat(pending));
    pending = [];
    length = 0;
    return { number, text: text?.replace(/\r$/, "") };
  };
  for await (const piece of readBytes(source)) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      if (length <= LONGEST) pending.push(piece.subarray(start, end));
      length += end - start;
      start = end + 1;
      yield take();
    }
    const rest = piece.length - start;
    if (rest === 0) continue;
    // For a line without an end, only the length is kept.
    if (length <= LONGEST) pending.push(piece.slice(start));
    else pending = [];
    length += rest;
  }
  if (length > 0) yield take();
}

/** A row by the names of its columns. Values are text, or values of JSON. */
export type NamedRow = Readonly<Record<string, unknown>>;

/** The content of a line: a row, nothing (blank, or a header), or an error message. */
export type LineContent =
  | { readonly row: NamedRow }
  | { readonly problem: string }
  | { readonly row: undefined };

const DELIMITERS: readonly CsvDelimiter[] = ["\t", ";", "|", ","];
const NOTHING: LineContent = { row: undefined };

/** Reads lines as rows of the columns that a detector knows. */
export class RowReader {
  readonly #schema: readonly ColumnSchema[];
  /** The columns that a row must have, and those of them that are numbers. */
  readonly #needed: readonly string[];
  readonly #numbers: readonly string[];
  readonly #header: boolean | "auto";
  #delimiter: CsvDelimiter | undefined;
  #names: readonly string[] | undefined;
  #headerText: string | undefined;
  #hasRows = false;

  constructor(known: Known, header: boolean | "auto", delimiter: CsvDelimiter | "auto") {
    this.#schema = known.schema;
    this.#needed = neededColumns(known);
    this.#numbers = known.schema.flatMap(({ name, kind }) =>
      kind === "number" ? [String(name)] : [],
    );
    this.#header = header;
    this.#delimiter = delimiter === "auto" ? undefined : delimiter;
  }

  /** @throws CommandError for columns of another table, because then no row can be read */
  read(line: Line): LineContent {
    const content = this.#read(line);
    if ("row" in content && content.row) this.#hasRows = true;
    return content;
  }

  #read({ number, text }: Line): LineContent {
    if (text === undefined) return { problem: `is longer than ${LONGEST} bytes` };
    const line = number === 1 ? text.replace(/^\ufeff/, "") : text;
    if (line.trim() === "") return NOTHING;
    if (/^\s*[{[]/.test(line)) return this.#readJson(line, number);
    if (this.#names === undefined) return this.#readFirst(line, number);
    if (line === this.#headerText) return NOTHING; // the start of the next file
    return this.#readCells(line);
  }

  #readJson(line: string, number: number): LineContent {
    const value = parsed(line);
    if (Array.isArray(value)) return this.#named(value, this.#schemaNames());
    if (typeof value !== "object" || value === null) {
      return { problem: "is neither a JSON object nor an array" };
    }
    const names = Object.keys(value);
    if (!this.#hasRows && !this.#needed.some((name) => names.includes(name))) {
      throw this.#otherColumns(number, "the object", names);
    }
    return { row: { ...value } };
  }

  #otherColumns(line: number, what: string, names: readonly string[]): CommandError {
    const why = lackingText(names, this.#needed) ?? "has other columns";
    return new CommandError(`line ${line}: ${what} ${why}`, { line });
  }

  #readFirst(line: string, number: number): LineContent {
    const candidates = this.#delimiter ? [this.#delimiter] : DELIMITERS;
    const split = candidates.map((one) => ({ one, cells: cellsOf(line, one) ?? [] }));
    const isHeader = ({ cells }: (typeof split)[number]) =>
      this.#needed.every((name) => cells.includes(name));
    const header = this.#header === false ? undefined : split.find(isHeader);
    if (header) {
      this.#delimiter = header.one;
      this.#names = header.cells;
      this.#headerText = line;
      return NOTHING;
    }
    const width = this.#schema.length;
    const best =
      split.find(({ cells }) => cells.length === width) ??
      split.reduce((most, each) => (each.cells.length > most.cells.length ? each : most));
    const isKnown = best.cells.some((cell) => this.#needed.includes(cell));
    if (
      this.#header === true ||
      (this.#header === "auto" && (isKnown || this.#areNames(best.cells)))
    ) {
      throw this.#otherColumns(number, "the header", best.cells);
    }
    if (best.cells.length !== width) {
      return {
        problem: `has ${cellCount(best.cells.length)}, and without a header it takes ${width}, as the file learned from`,
      };
    }
    this.#delimiter = best.one;
    this.#names = this.#schemaNames();
    return this.#named(best.cells, this.#names);
  }

  /** Whether the cells of the first line seem to be names of other columns: words, also where numbers are expected. */
  #areNames(cells: readonly string[]): boolean {
    const isWord = (cell: string | undefined) =>
      /^[\p{L}_]/u.test(cell ?? "") &&
      !/^(?:n\/?a|nan|null|none|inf|true|false)$/i.test(cell ?? "");
    if (cells.length !== this.#schema.length) return cells.length > 1 && cells.every(isWord);
    const numbers = this.#schema.flatMap(({ name }, i) =>
      this.#numbers.includes(String(name)) ? [cells[i]] : [],
    );
    return numbers.length > 0 && numbers.every(isWord);
  }

  #readCells(line: string): LineContent {
    const cells = cellsOf(line, this.#delimiter ?? ",");
    if (cells === undefined) return { problem: "opens a quote and never closes it" };
    return this.#named(cells, this.#names ?? []);
  }

  #named(cells: readonly unknown[], names: readonly string[]): LineContent {
    if (cells.length !== names.length) {
      const where = this.#headerText === undefined ? "the detector's rows have" : "the header has";
      return { problem: `has ${cellCount(cells.length)}, ${where} ${names.length}` };
    }
    return { row: Object.fromEntries(names.map((name, i) => [name, cells[i]])) };
  }

  #schemaNames(): string[] {
    return this.#schema.map(({ name }) => String(name));
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const cellCount = (count: number): string => `${count} ${count === 1 ? "cell" : "cells"}`;

/** The cells of a line; undefined if a quotation mark is not closed. */
function cellsOf(line: string, delimiter: CsvDelimiter): string[] | undefined {
  return readRow(new BlockTexts(encodeUtf8(`${line}\n`)), 0, delimiter.charCodeAt(0))?.cells;
}
