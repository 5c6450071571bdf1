// Reads single values of a table of any type: numbers, missing values, truth values and times. The text formats of
// numbers and missing values are those of the readers of files.

import { show } from "../../errors.ts";
import type { CellReader } from "../../formats/cell-values.ts";

const TRUE = new Set(["true", "yes", "y", "t"]);
const FALSE = new Set(["false", "no", "n", "f"]);

/** Whether a value is missing: null, undefined, NaN, or a text that means a missing value. */
export function isMissing(value: unknown, cells: CellReader): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === "number") return Number.isNaN(value);
  if (typeof value === "string") return cells.isMissing(value.trim());
  return isDate(value) && Number.isNaN(value.getTime());
}

/** A value as a number: NaN if it is missing, undefined if it is something else. */
export function toNumber(value: unknown, cells: CellReader): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "string") return cells.number(value.trim());
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  return isDate(value) ? value.getTime() : undefined;
}

/** A truth value, or undefined. */
export function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const word = value.trim().toLowerCase();
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
}

const TIME =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?: ?([AP])M)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/** Dates with dots begin with the day, in every country that writes them so. */
const DAY_FIRST = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)/;

/**
 * A time in milliseconds since 1970: a Date, or text such as "2020-03-09 10:14:33.5", "2020-03-09T10:14Z" or
 * "09.03.2020 10:14" or "2020-03-09 10:14 PM". Times without a zone are in UTC, so that the result is the same everywhere. NaN if it is missing,
 * undefined if it is something else. Dates such as "03/09/2020" are something else: the day may be the first number or
 * the second.
 */
export function toTime(value: unknown, cells: CellReader): number | undefined {
  if (isMissing(value, cells)) return Number.NaN;
  if (isDate(value)) return value.getTime();
  if (typeof value !== "string" || value.length > 40) return undefined;
  const match = TIME.exec(value.trim().replace(DAY_FIRST, "$3-$2-$1"));
  if (!match) return undefined;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, half, zone] = match;
  const date = [year, month, day].map(Number);
  const clock = [hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0] = date;
  const [h = 0, mi = 0, s = 0] = clock;
  if (half !== undefined && (h < 1 || h > 12)) return undefined;
  const hours = half === undefined ? h : (h % 12) + (/p/i.test(half) ? 12 : 0);
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 24 || mi > 59 || s > 60) return undefined;
  const utc = Date.UTC(y, mo - 1, d, hours, mi, s) + Math.round(Number(fraction) * 1000);
  return utc - zoneOffset(zone);
}

function zoneOffset(zone: string | undefined): number {
  if (zone === undefined || /z/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60_000;
}

export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

/** A value as the name of a level of a category. An object whose `toString` throws is named by its kind. */
export function toLevel(value: unknown): string {
  if (typeof value === "string") return value.trim();
  try {
    return String(value);
  } catch {
    return show(value);
  }
}
