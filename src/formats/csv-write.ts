// Writes float32 matrices as CSV, each number in the fewest digits that read back as the same float32.

import { InvalidValueError } from "../errors.ts";

export interface CsvMatrix {
  /** Row-major; its length is a multiple of `columns`. */
  readonly data: Float32Array;
  readonly columns: number;
  /** The header; left out where there are no names. */
  readonly names?: readonly string[] | undefined;
}

const PIECE_CELLS = 8192;

/** The text of a CSV file in pieces of some ten thousand characters, ending in a newline. */
export function* writeCsv(
  { data, columns, names }: CsvMatrix,
  delimiter: "," | ";" | "\t" = ",",
): Generator<string, void, undefined> {
  if (!Number.isInteger(columns) || columns < 1 || data.length % columns !== 0) {
    throw new InvalidValueError(`${data.length} numbers do not fill rows of ${columns} columns`);
  }
  if (names) {
    if (names.length !== columns) {
      throw new InvalidValueError(`${columns} columns want as many names, got ${names.length}`);
    }
    yield `${names.map(quoteName).join(delimiter)}\n`;
  }
  let text = "";
  for (let i = 0; i < data.length; i++) {
    text += shortestFloat32(data[i]!);
    text += (i + 1) % columns === 0 ? "\n" : delimiter;
    if ((i + 1) % PIECE_CELLS === 0) {
      yield text;
      text = "";
    }
  }
  if (text !== "") yield text;
}

/** Quoted where it could be read as anything but one cell of text. */
const quoteName = (name: string): string =>
  /["\n\r,;\t]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;

/**
 * The fewest digits that are the same float32 when read back; NaN, Infinity and -Infinity by name.
 * Nine digits always do and most numbers need eight or nine, so the search starts there. Below six
 * there is nothing to find but for subnormals: what has fewer digits ends in zeros, which vanish.
 */
export function shortestFloat32(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (size < 2 ** 24 && Number.isInteger(size)) return `${sign}${size}`;
  return sign + (plainDecimal(size) ?? shortestByText(size));
}

const POWERS = /* @__PURE__ */ Float64Array.from({ length: 17 }, (_, i) => +`1e${i}`); // all exact

/**
 * Numbers of common size, their digits found as integers: what it tries is exact in double, and
 * V8 prints an integer in a fifth of the time of a fraction. Undefined for the rest.
 */
function plainDecimal(size: number): string | undefined {
  if (!(size >= 1e-6 && size < 1e8)) return undefined;
  let power = 8 - Math.floor(Math.log10(size)); // nine digits
  let integer = Math.round(size * POWERS[power]!);
  if (Math.fround(integer / POWERS[power]!) !== size) return undefined;
  for (let digits = 8; digits >= 6 && power > 0; digits--) {
    const shorter = Math.round(size * POWERS[power - 1]!);
    if (Math.fround(shorter / POWERS[power - 1]!) !== size) break;
    integer = shorter;
    power--;
  }
  for (; power > 0 && integer % 10 === 0; power--) integer /= 10;
  if (power === 0) return `${integer}`;
  const digits = `${integer}`.padStart(power + 1, "0");
  return `${digits.slice(0, -power)}.${digits.slice(-power)}`;
}

function shortestByText(size: number): string {
  let best = Number(size.toPrecision(9));
  const least = size < 2 ** -120 ? 1 : 6;
  for (let digits = 8; digits >= least; digits--) {
    const shorter = Number(size.toPrecision(digits));
    if (Math.fround(shorter) !== size) break;
    best = shorter;
  }
  return `${best}`;
}
