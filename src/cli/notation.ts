// The notation of the numbers of a table, from its cells: the decimal mark, the mark between groups of digits, and the signs
// of percentages and of money beside numbers. A cell such as 1,234 can be read in two ways. It decides nothing, and
// the other cells have to.

import { withPlainMarks } from "../formats/cell-values.ts";
import { shellQuote } from "./text.ts";

/** How the numbers of a table are written. */
export interface Notation {
  readonly decimal?: "." | ",";
  readonly thousands?: "." | "," | "'" | " ";
  readonly units: readonly string[];
}

type Mark = "." | "," | "'" | " ";

/** The marks in one number. */
interface Marks {
  readonly decimal?: "." | ",";
  readonly thousands?: Mark;
  /** The only mark, if it is before exactly three digits and may therefore be either. */
  readonly either?: "." | ",";
  /** The sign of percentages or of a currency. */
  readonly sign?: string;
}

const LONGEST = 100;
const NUMBER = /^[+-]?(\p{Sc}?) ?[+-]?(\d[\d.,' ]*?|[.,]\d+) ?([%\p{Sc}]?)$/u;
const GROUPED = /^[1-9]\d{0,2}([.,' ])\d{3}(?:\1\d{3})*(?:([.,])\d*)?$/;
const PLAIN = /^\d*(?:([.,])\d*)?$/;

/** The marks in a number; undefined for other texts. */
function marksOf(text: string): Marks | undefined {
  if (text.length > LONGEST) return undefined;
  const found = NUMBER.exec(withPlainMarks(text));
  if (!found) return undefined;
  const [, before = "", digits = "", after = ""] = found;
  const sign = before || after;
  const common = sign === "" ? {} : { sign };
  const [, mark, last] = GROUPED.exec(digits) ?? [];
  if (isMark(mark) && mark !== last) {
    const isOne = last === undefined && digits.split(mark).length === 2;
    if (isOne && isDecimal(mark)) return { ...common, either: mark };
    return { ...common, thousands: mark, ...(isDecimal(last) ? { decimal: last } : {}) };
  }
  const plain = PLAIN.exec(digits);
  if (!plain) return undefined;
  return isDecimal(plain[1]) ? { ...common, decimal: plain[1] } : common;
}

const isDecimal = (mark: string | undefined): mark is "." | "," => mark === "." || mark === ",";
const isMark = (mark: string | undefined): mark is Mark =>
  isDecimal(mark) || mark === "'" || mark === " ";

/** Collects the marks in the cells of one column. */
export class NotationCounter {
  /** The number of cells that are numbers in some notation. */
  numbers = 0;
  readonly decimals = new Set<"." | ",">();
  readonly thousands = new Set<Mark>();
  readonly either = new Set<"." | ",">();
  readonly signs = new Set<string>();

  add(text: string): void {
    const marks = marksOf(text);
    if (!marks) return;
    this.numbers += 1;
    if (marks.decimal !== undefined) this.decimals.add(marks.decimal);
    if (marks.thousands !== undefined) this.thousands.add(marks.thousands);
    if (marks.either !== undefined) this.either.add(marks.either);
    if (marks.sign !== undefined) this.signs.add(marks.sign);
  }
}

/**
 * The one notation of these columns; undefined if the cells leave it open; "mixed" if decimals have points and commas, or
 * digits are grouped by different marks.
 */
export function notationOf(columns: readonly NotationCounter[]): Notation | "mixed" | undefined {
  const together = <Value>(pick: (column: NotationCounter) => Set<Value>): Value[] => [
    ...new Set(columns.flatMap((column) => [...pick(column)])),
  ];
  const thousands = together((column) => column.thousands);
  const decimals = together((column) => column.decimals);
  const either = together((column) => column.either);
  const [mark] = decimals;
  const [group] = thousands;
  if (decimals.length > 1 || thousands.length > 1) return "mixed";
  if (mark !== undefined && mark === group) return "mixed";
  const decimal = mark ?? (group === "," ? "." : group === "." ? "," : undefined);
  if (decimal === undefined && either.length > 0) return undefined;
  const grouping = group ?? either.find((one) => one !== decimal);
  return {
    ...(decimal === undefined ? {} : { decimal }),
    ...(grouping === undefined ? {} : { thousands: grouping }),
    units: together((column) => column.signs),
  };
}

/** The options of the command line that state a notation. */
export function notationOptions({ decimal, thousands, units }: Notation): string[] {
  return [
    ...(decimal === "," ? ["--decimal ,"] : []),
    ...(thousands === undefined ? [] : [`--thousands ${shellQuote(thousands)}`]),
    ...(units.length > 0 ? [`--units ${shellQuote(units.join(","))}`] : []),
  ];
}
