// Reading single values of a table: numbers as people write them, missing values, truth values, times. What
// a column is as a whole is decided in schema.ts.

import { onlyKeys, record } from "../../checks.ts";
import { InvalidValueError, show } from "../../errors.ts";

/** How numbers are written where they come as text. */
export interface NumberFormat {
  /** The decimal mark. Default ".". */
  decimal?: "." | ",";
  /** What may stand between thousands. Default nothing. */
  thousands?: "," | "." | " " | "'" | "_" | undefined;
  /** Whether percent signs and currency signs around a number are dropped. Default false. */
  units?: boolean;
}

const MISSING = new Set(["", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "#n/a", "<na>"]);
const TRUE = new Set(["true", "yes", "y", "t"]);
const FALSE = new Set(["false", "no", "n", "f"]);

/** Whether a value stands for "not known": null, undefined, NaN, and what tables write for it. */
export function isMissing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === "number") return Number.isNaN(value);
  if (typeof value === "string") return MISSING.has(value.trim().toLowerCase());
  return isDate(value) && Number.isNaN(value.getTime());
}

/** Checks a number format and fills in its defaults. */
export function resolveNumberFormat(format: unknown): NumberFormat {
  const given = record("numbers", format);
  onlyKeys("numbers", given, ["decimal", "thousands", "units"]);
  const { decimal = ".", thousands, units = false } = given;
  if (decimal !== "." && decimal !== ",") {
    throw new InvalidValueError(`numbers.decimal must be "." or ","; got ${show(decimal)}.`);
  }
  if (
    thousands !== undefined &&
    thousands !== "," &&
    thousands !== "." &&
    thousands !== " " &&
    thousands !== "'" &&
    thousands !== "_"
  ) {
    throw new InvalidValueError(
      `numbers.thousands must be one of , . ' _ or a space; got ${show(thousands)}.`,
    );
  }
  if (thousands === decimal) {
    throw new InvalidValueError(
      `numbers.decimal and numbers.thousands are both ${show(decimal)}; they must differ.`,
    );
  }
  return { decimal, thousands, units: units === true };
}

/** A value as a number: NaN where it is missing, undefined where it is something else. */
export function toNumber(value: unknown, format: NumberFormat): number | undefined {
  if (typeof value === "number") return value;
  if (isMissing(value)) return Number.NaN;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return parseNumber(value, format);
  if (isDate(value)) return value.getTime();
  return undefined;
}

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** Longer texts are no numbers; it also bounds what the pattern above looks at. */
const LONGEST_NUMBER = 64;

/** A number written in the given format, or undefined. */
export function parseNumber(text: string, format: NumberFormat): number | undefined {
  if (text.length > LONGEST_NUMBER) return undefined;
  let plain = text.trim();
  if (format.units) plain = plain.replace(/^[$€£¥₹]\s*|^([+-])[$€£¥₹]|\s*[%$€£¥₹]$/gu, "$1");
  if (format.thousands) plain = plain.replaceAll(format.thousands, "");
  if (format.decimal === ",") plain = plain.replace(",", ".");
  if (PLAIN.test(plain)) return Number(plain);
  const infinite = /^([+-]?)inf(inity)?$/i.exec(plain);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  return undefined;
}

/** What number format would read a text that the present one does not, as a hint; undefined where none would. */
export function formatHint(text: string): string | undefined {
  const plain = text.trim();
  if (/^[+-]?\d+,\d+$/.test(plain)) return 'numbers: { decimal: "," }';
  if (/^[+-]?\d{1,3}(\.\d{3})+,\d+$/.test(plain))
    return 'numbers: { decimal: ",", thousands: "." }';
  if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain)) return 'numbers: { thousands: "," }';
  if (
    /^[+-]?[$€£¥₹]?\s*[+-]?\d[\d.,]*\s*[%$€£¥₹]$/u.test(plain) ||
    /^[+-]?[$€£¥₹]\s*\d/u.test(plain)
  )
    return "numbers: { units: true }";
  return undefined;
}

/** A truth value, or undefined. */
export function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const word = value.trim().toLowerCase();
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
}

const TIME =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A time in milliseconds since 1970: a Date, or text such as "2020-03-09 10:14:33.5" or "2020-03-09T10:14Z". Times
 * without a zone are taken as UTC, so that the result is the same everywhere. NaN where it is missing,
 * undefined where it is something else.
 */
export function toTime(value: unknown): number | undefined {
  if (isMissing(value)) return Number.NaN;
  if (isDate(value)) return value.getTime();
  if (typeof value !== "string" || value.length > 40) return undefined;
  const match = TIME.exec(value.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, zone] = match;
  const date = [year, month, day].map(Number);
  const clock = [hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0] = date;
  const [h = 0, mi = 0, s = 0] = clock;
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 24 || mi > 59 || s > 60) return undefined;
  const utc = Date.UTC(y, mo - 1, d, h, mi, s) + Math.round(Number(fraction) * 1000);
  return utc - zoneOffset(zone);
}

function zoneOffset(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60_000;
}

export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

/** A value as the name of a level of a category. */
export function toLevel(value: unknown): string {
  return typeof value === "string" ? value.trim() : String(value);
}
