// Reads the text of a table's cell as a number, a missing value or text. CSV and JSON share it. Every pattern here
// matches in time linear in the cell's length, because no two parts of a pattern can match the same characters.

import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { NumberLook } from "./errors.ts";

/** How numbers are written in a table, and which texts are missing values. */
export interface CellOptions {
  /**
   * The separator between a number's whole part and its decimals. Default ".", except in CSV whose delimiter is not a comma:
   * there it is a comma if a column of the first 100 rows has only numbers and some of them are like 12,5, and no number has
   * a point.
   */
  readonly decimal?: "." | "," | undefined;
  /**
   * The separator between groups of digits, as in 1'234'567. Default none. A blank stands for non-breaking blanks as well, and an
   * apostrophe for the typographic one.
   */
  readonly thousands?: "," | "." | "'" | " " | undefined;
  /** Texts that may be before or after a number and are ignored: `["%", "$", "kg"]`. Default none. */
  readonly units?: readonly string[] | undefined;
  /**
   * Texts that mean a missing value, in upper or lower case, and numbers, in any notation: `["n.a.", "-999"]`. Default
   * `MISSING`. Empty cells are always missing.
   */
  readonly missing?: readonly string[] | undefined;
}

/** The decimal mark of earlier data of the same kind. */
export interface UsualDecimal {
  /** The decimal mark where none is given, and the first rows of a CSV file do not decide. Default ".". */
  readonly usualDecimal?: "." | "," | undefined;
}

/**
 * The texts that mean a missing value in a table, in upper or lower case: the list of pandas, and the texts that R, SQL,
 * weka and spreadsheets write.
 */
export const MISSING: readonly string[] = [
  "NA",
  "N/A",
  "NaN",
  "-NaN",
  "NULL",
  "None",
  "nil",
  "?",
  "-",
  "<NA>",
  "#NA",
  "#N/A",
  "#N/A N/A",
  "1.#IND",
  "-1.#IND",
  "1.#QNAN",
  "-1.#QNAN",
  "NaN(ind)",
  "-NaN(ind)",
];

/** A number with a decimal point or none, and perhaps an exponent. */
export const PLAIN_NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const INFINITY = /^[+-]?inf(?:inity)?$/i;
const LONGEST_TOKEN = 100;

/** Reads cells according to the options. */
export class CellReader {
  readonly decimal: "." | ",";
  /** Numbers that mean a missing value, such as -999. Undefined if there are none. */
  readonly missingNumbers: ReadonlySet<number> | undefined;
  private readonly missing: ReadonlySet<string>;
  private readonly thousands: string | undefined;
  private readonly units: readonly string[];

  /** @throws InvalidTypeError or InvalidValueError for options that contradict each other. */
  constructor({
    usualDecimal = ".",
    decimal = usualDecimal,
    thousands,
    units = [],
    missing = MISSING,
  }: CellOptions & UsualDecimal = {}) {
    if (decimal !== "." && decimal !== ",") {
      throw new InvalidValueError(`decimal must be "." or ","; got ${show(decimal)}.`);
    }
    if (thousands !== undefined && !["'", " ", decimal === "." ? "," : "."].includes(thousands)) {
      throw new InvalidValueError(
        `thousands must be "," "." "'" or " ", and not the decimal mark; got ${show(thousands)}.`,
      );
    }
    for (const [name, list] of Object.entries({ units, missing })) {
      if (!Array.isArray(list) || list.some((text) => typeof text !== "string")) {
        throw new InvalidTypeError(`${name} must be an array of strings; got ${show(list)}.`);
      }
    }
    this.decimal = decimal;
    this.thousands = thousands;
    this.units = units.map((unit) => unit.trim()).filter((unit) => unit !== "");
    this.missing = new Set(missing.map((token) => token.trim().toLowerCase()));
    const numbers = missing.map((token) => this.plainNumber(token.trim()));
    const known = numbers.filter((number) => number !== undefined);
    this.missingNumbers = known.length > 0 ? new Set(known) : undefined;
  }

  isMissing(text: string): boolean {
    if (text === "") return true;
    return text.length <= LONGEST_TOKEN && this.missing.has(text.toLowerCase());
  }

  /** The number in `text`, which has no blanks around it. NaN if missing, undefined if it is text. */
  number(text: string): number | undefined {
    if (this.isMissing(text)) return Number.NaN;
    const number = this.plainNumber(text);
    return number !== undefined && this.missingNumbers?.has(number) ? Number.NaN : number;
  }

  private plainNumber(text: string): number | undefined {
    let plain = text;
    for (const unit of this.units) {
      if (plain.startsWith(unit)) plain = plain.slice(unit.length).trim();
      else if (plain.endsWith(unit)) plain = plain.slice(0, -unit.length).trim();
    }
    if (this.thousands !== undefined) plain = ungrouped(withPlainMarks(plain), this.thousands);
    if (this.decimal === ",") {
      if (plain.includes(".")) return undefined;
      plain = plain.replace(",", ".");
    }
    if (PLAIN_NUMBER.test(plain)) return Number(plain);
    if (INFINITY.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
    return undefined;
  }
}

/** A number in which non-breaking blanks and typographic apostrophes are replaced by the plain ones. */
export const withPlainMarks = (text: string): string =>
  text.replace(/[\u00a0\u202f]/g, " ").replaceAll("\u2019", "'");

/** `text` without the separators between its groups of three digits. Unchanged if the groups are different. */
function ungrouped(text: string, mark: string): string {
  if (!text.includes(mark)) return text;
  const whole = /^([+-]?)(\d{1,3})((?:[^\d]\d{3})*)(?!\d)/.exec(text);
  if (!whole) return text;
  const [all, sign = "", first = "", rest = ""] = whole;
  for (let at = 0; at < rest.length; at += 4) if (rest[at] !== mark) return text;
  return `${sign}${first}${rest.replaceAll(mark, "")}${text.slice(all.length)}`;
}

const LOOKS: readonly (readonly [NumberLook, RegExp])[] = [
  ["decimalComma", /^[+-]?\d*,\d+(?:e[+-]?\d+)?$/i],
  ["grouped", /^[+-]?\d{1,3}(?:[.' ]\d{3})+(?:,\d+)?$/],
  ["grouped", /^[+-]?\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?$/],
  ["percent", /^[+-]?(?:\d[\d.,' ]*|[.,]\d+ ?)%$/],
  ["currency", /^[+-]?\p{Sc} ?[+-]?\d[\d.,' ]*$/u],
  ["currency", /^[+-]?\d[\d.,' ]*\p{Sc}$/u],
  ["decimalPoint", /^[+-]?\d*\.\d+(?:e[+-]?\d+)?$/i],
  ["exponent", /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)d[+-]?\d+$/i],
  ["hexadecimal", /^[+-]?0x[\da-f]+$/i],
  ["unit", /^[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+) ?[\p{L}°µ/²³]{1,6}$/u],
];

const HINTS: Readonly<Record<NumberLook, string>> = {
  decimalComma: 'decimals want a point; the option decimal "," reads commas',
  decimalPoint: 'decimals want a comma here; the option decimal "." reads points',
  grouped: "the option thousands reads grouped digits",
  percent: 'the option units "%" reads percentages',
  currency: "the option units reads amounts: name the currency sign",
  unit: "the option units reads numbers with a unit: name the unit",
  exponent: "exponents are written with an e",
  hexadecimal: "hexadecimal numbers are not read",
};

/** The kind of number that `text` could be. Undefined if it does not look like a number. */
export const lookOf = (text: string): NumberLook | undefined =>
  text.length > LONGEST_TOKEN
    ? undefined
    : LOOKS.find(([, pattern]) => pattern.test(withPlainMarks(text)))?.[0];

/** Advice for the user about a cell that looks like a number of this kind. */
export const hintFor = (look: NumberLook | undefined): string | undefined =>
  look === undefined ? undefined : HINTS[look];
