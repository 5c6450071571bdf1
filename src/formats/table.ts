// Tables of named columns with numbers or text, and the classes that build them row by row.

import { choice } from "../checks.ts";
import { type CellReader, hintFor, lookOf } from "./cell-values.ts";
import { FormatError, type NumberLook } from "./errors.ts";
import { quote } from "./text.ts";

const KINDS = ["number", "text"] as const;

/** The kind of a column: numbers or texts. */
export type ColumnKind = (typeof KINDS)[number];

/** A column of numbers. */
export interface NumberColumn {
  /** Its name. */
  readonly name: string;
  /** Always `"number"`. */
  readonly kind: "number";
  /** One value per row. NaN if it is missing. */
  readonly values: Float64Array;
}

/** A column of texts. */
export interface TextColumn {
  /** Its name. */
  readonly name: string;
  /** Always `"text"`. */
  readonly kind: "text";
  /** One text per row as in the file, without blanks around it. "" if it is missing. */
  readonly values: readonly string[];
}

/** A column of a table. */
export type TableColumn = NumberColumn | TextColumn;

/** The file formats of tables. */
export type TableFormat = "csv" | "json" | "jsonl" | "npy" | "npz" | "idx";

/** A table that was read from a file. */
export interface DataTable {
  /** The format of the file. */
  readonly format: TableFormat;
  /** The decimal mark of a CSV file, as given or detected. Absent for other formats. */
  readonly decimal?: "." | "," | undefined;
  /** The number of rows. */
  readonly rows: number;
  /** The chosen columns. Their names are all different. */
  readonly columns: readonly TableColumn[];
  /** Whether the names are from the file. Otherwise they are "column1", "column2" and so on. */
  readonly named: boolean;
  /** Sentences about decisions that could be wrong. */
  readonly warnings: readonly string[];
  /** The line of a text file, from 1, on which a row, from 0, begins. Undefined if there are no lines. */
  lineOf(row: number): number | undefined;
}

/** The kinds of columns by their names. The kind of other columns depends on their values. */
export type ColumnKinds = Readonly<Record<string, ColumnKind>>;

/** The given kind of a column. Undefined if there is none. */
export const kindGiven = (kinds: ColumnKinds | undefined, name: string): ColumnKind | undefined =>
  kinds && Object.hasOwn(kinds, name) ? kinds[name] : undefined;

/** Throws InvalidValueError for an unknown kind. */
export function requireKinds(kinds: ColumnKinds | undefined): void {
  for (const [name, kind] of Object.entries(kinds ?? {})) {
    choice(`kinds[${quote(name)}]`, kind, KINDS);
  }
}

export const defaultName = (place: number): string => `column${place + 1}`;

const FIRST_CAPACITY = 4;
/** The number of different texts of a column that rows share. */
const MAX_SHARED = 4096;

/** A cell and its place, for messages. */
interface Cell {
  readonly text: string;
  readonly row: number;
  readonly line: number | undefined;
  /** The number of the column in the file, from 0. */
  readonly column: number;
}

/** A column that is being read. It has numbers until a text occurs, unless its kind is given. */
export class ColumnBuilder {
  readonly name: string;
  kind: ColumnKind;
  /** The rows from here on have texts. Earlier rows have numbers or missing values. */
  textFrom = 0;
  private readonly cells: CellReader;
  private readonly given: ColumnKind | undefined;
  private numbers: Float64Array | undefined;
  private texts: string[] = [];
  private readonly shared = new Map<string, string>();
  /** The apparent notation of all texts so far. Null if they have different notations or none. */
  private look: NumberLook | null | undefined;
  private first: Cell | undefined;

  constructor(name: string, cells: CellReader, given: ColumnKind | undefined) {
    this.name = name;
    this.cells = cells;
    this.given = given;
    this.kind = given ?? "number";
  }

  setNumber(row: number, value: number): void {
    this.numbersTo(row)[row] = value;
  }

  /** Adds the numbers of rows from `row` on: every `stride`th of `values` from `at` on. */
  setNumbers(row: number, values: Float64Array, at: number, stride: number): void {
    const count = Math.floor(values.length / stride);
    if (count === 0) return;
    const numbers = this.numbersTo(row + count - 1);
    for (let i = at; i < values.length; i += stride) numbers[row++] = values[i] ?? Number.NaN;
  }

  /** The numbers, with room for that of `row`. */
  private numbersTo(row: number): Float64Array {
    const { numbers } = this;
    if (numbers && row < numbers.length) return numbers;
    const larger = new Float64Array(Math.max(FIRST_CAPACITY, 2 * row)).fill(Number.NaN);
    larger.set(numbers ?? []);
    this.numbers = larger;
    return larger;
  }

  /**
   * Adds the text of a cell. Returns the number for it in a column of numbers, or undefined if it is kept as text. `line` and
   * `column` are for messages.
   */
  takeText(
    row: number,
    text: string,
    line: number | undefined,
    column: number,
  ): number | undefined {
    if (this.kind === "number") {
      const value = this.cells.number(text);
      if (value !== undefined) return value;
      if (this.given === "number") throw this.refusal({ text, row, line, column });
      this.kind = "text";
      this.textFrom = row;
    }
    if (this.given === undefined && this.look !== null) this.lookAt({ text, row, line, column });
    this.texts[row - this.textFrom] = this.sharedText(text);
    return undefined;
  }

  /** Adds a string that is text even if it looks like a number, unless the column's kind is numbers. */
  setString(row: number, text: string, line: number | undefined, column: number): void {
    if (this.given === "number" || this.cells.isMissing(text)) {
      const value = this.takeText(row, text, line, column);
      if (value !== undefined) this.setNumber(row, value);
      return;
    }
    if (this.kind === "number") {
      this.kind = "text";
      this.textFrom = row;
    }
    this.texts[row - this.textFrom] = this.sharedText(text);
  }

  /** The numbers of the rows before `textFrom` as texts. "" if they are missing. */
  numbersToTexts(): void {
    const numbers = Array.from(
      { length: this.textFrom },
      (_, row) => this.numbers?.[row] ?? Number.NaN,
    );
    this.prependTexts(numbers.map((value) => (Number.isNaN(value) ? "" : String(value))));
  }

  /** Sets the texts of the rows before `textFrom`, which were read as numbers. */
  prependTexts(texts: readonly string[]): void {
    this.texts = [...texts, ...this.texts];
    this.textFrom = 0;
  }

  sharedText(text: string): string {
    const known = this.shared.get(text);
    if (known !== undefined) return known;
    if (this.shared.size < MAX_SHARED) this.shared.set(text, text);
    return text;
  }

  /**
   * The finished column. A text column whose values all look like numbers of another notation is an error, because a column of
   * amounts must not be treated as categories.
   */
  finish(rows: number, warnings: string[]): TableColumn {
    const { name, kind, look, first } = this;
    if (kind === "number") {
      const values = new Float64Array(rows).fill(Number.NaN);
      values.set(this.numbers?.subarray(0, rows) ?? []);
      return { name, kind, values };
    }
    if (look === "unit" && first) {
      warnings.push(
        `${quote(name)} was taken for text: its values look like numbers with a unit, as ${quote(first.text)} does; ${hintFor(look)}`,
      );
    } else if (look && look !== "hexadecimal" && first) {
      throw this.refusal(first);
    }
    const texts = Array.from({ length: rows }, (_, row) => this.texts[row] ?? "");
    return { name, kind, values: texts };
  }

  private lookAt(cell: Cell): void {
    if (this.cells.number(cell.text) !== undefined) return;
    this.first ??= cell;
    const look = lookOf(cell.text) ?? null;
    this.look = this.look === undefined ? look : commonLook(this.look, look);
  }

  private refusal({ text, row, line, column }: Cell): FormatError {
    const where = line === undefined ? `row ${row + 1}` : `line ${line}`;
    const look = lookOf(text);
    const hint = hintFor(look);
    const asText = this.given === undefined ? "; the option kinds may call it text" : "";
    return new FormatError(
      `${where}, column ${column + 1} (${quote(this.name)}): expected a number, got ${quote(text)}${hint ? `; ${hint}` : ""}${asText}`,
      { line, column: column + 1, columnName: this.name, look },
    );
  }
}

/**
 * The look of a column of which some cells have one look and some another. Amounts may be with and without groups of digits,
 * signs and decimals, and all are numbers.
 */
function commonLook(a: NumberLook | null, b: NumberLook | null): NumberLook | null {
  if (a === b) return a;
  if (a === null || b === null) return null;
  if ([a, b].some((look) => look === "hexadecimal" || look === "exponent")) return null;
  return b === "unit" ? b : a;
}
