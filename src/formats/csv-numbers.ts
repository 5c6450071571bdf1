// Converts the digits of a CSV cell to a number without a string. A cell that is not a plain number, or that could round
// differently from Number(text), is left to the slower conversion of text.

import { CARRIAGE_RETURN, NEWLINE, SPACE } from "./csv-cells.ts";

const PLUS = 43;
const MINUS = 45;
export const ZERO = 48;
const NINE = 57;
const LOWER_E = 101;
/** The value that is read after the last byte. It is neither a digit nor a sign. */
const END = -1;
/** A byte that does not occur. */
const NONE = -2;

const MAX_POWER = 60;
const POWERS = /* @__PURE__ */ Float64Array.from({ length: MAX_POWER + 1 }, (_, i) => +`1e${i}`);
const powerOf10 = (power: number): number => POWERS[power] ?? Number.NaN;
/** Whole numbers of this many digits, and powers of ten up to this one, are exact in float64. */
const EXACT_DIGITS = 15;
const EXACT_POWER = 22;
const MAX_DIGITS = 30;
const FLOAT32_ERROR = 2 ** -47; // 30 digits and a power round at most 32 times, by 2^-53 each
const FLOAT64_ERROR = 2 ** -98; // a product or a quotient of pairs of float64 is off by a few 2^-104
const SPLITTER = 2 ** 27 + 1;

/** A whole number with this many digits fits into an int32. */
const INT_DIGITS = 9;

/**
 * Reads numbers from bytes. A method returns the end of the cell, or -1 if the cell is not a plain number, and stores the
 * number in `value`, because engines would allocate a returned number on the heap.
 */
export class CsvNumbers {
  readonly value = new Float64Array(1);
  private readonly delimiter: number;
  private readonly point: number;

  /** @param delimiter The delimiter of cells, as a byte. @param decimal The separator before decimals. */
  constructor(delimiter: number, decimal: "." | ",") {
    this.delimiter = delimiter;
    // If they are the same, the mark is a delimiter except in quotation marks, and quoted cells are not read here.
    const point = decimal.charCodeAt(0);
    this.point = point === delimiter ? NONE : point;
  }

  /** The number at `at`, such that its Math.fround equals Math.fround(Number(text)). */
  float32(bytes: Uint8Array, at: number): number {
    const { delimiter } = this;
    let c = bytes[at] ?? END;
    const negative = c === MINUS;
    if (negative) c = bytes[++at] ?? END;
    // Up to nine digits are added as int32 values. That is enough for most cells.
    let whole = 0;
    let limit = at + INT_DIGITS;
    let digits = -at;
    for (; c >= ZERO && c <= NINE && at < limit; c = bytes[++at] ?? END) {
      whole = (Math.imul(whole, 10) + c - ZERO) | 0;
    }
    if (c === delimiter || c === NEWLINE) {
      if (digits + at === 0) return -1;
      this.value[0] = negative ? -whole : whole;
      return at;
    }
    let mantissa = whole;
    for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) mantissa = mantissa * 10 + (c - ZERO);
    digits += at;
    let power = 0;
    if (c === this.point) {
      c = bytes[++at] ?? END;
      power = at;
      limit++;
      if (at <= limit) {
        for (; c >= ZERO && c <= NINE && at < limit; c = bytes[++at] ?? END) {
          whole = (Math.imul(whole, 10) + c - ZERO) | 0;
        }
        if ((c === delimiter || c === NEWLINE) && digits + at > power) {
          const value = whole / powerOf10(at - power);
          this.value[0] = negative ? -value : value;
          return at;
        }
        mantissa = whole;
      }
      for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) mantissa = mantissa * 10 + (c - ZERO);
      power -= at;
      digits -= power;
    }
    if ((c | 32) === LOWER_E) {
      c = bytes[++at] ?? END;
      const small = c === MINUS;
      if (small || c === PLUS) c = bytes[++at] ?? END;
      if (c < ZERO || c > NINE) return -1;
      let exponent = 0;
      for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) exponent = exponent * 10 + (c - ZERO);
      power += small ? -exponent : exponent;
    }
    while (c === SPACE || c === CARRIAGE_RETURN) c = bytes[++at] ?? END;
    if (c !== delimiter && c !== NEWLINE) return -1;
    if (digits === 0 || digits > MAX_DIGITS || power < -MAX_POWER || power > MAX_POWER) return -1;

    const value = power < 0 ? mantissa / powerOf10(-power) : mantissa * powerOf10(power);
    if (digits > EXACT_DIGITS || power < -EXACT_POWER || power > EXACT_POWER) {
      // The value is not exact, but usually far enough from the next rounding boundary of float32.
      const low = Math.fround(value - value * FLOAT32_ERROR);
      if (low !== Math.fround(value + value * FLOAT32_ERROR)) return -1;
    }
    this.value[0] = negative ? -value : value;
    return at;
  }

  /** The number at `at`, the same as Number(text). */
  float64(bytes: Uint8Array, at: number): number {
    let c = bytes[at] ?? END;
    const negative = c === MINUS;
    if (negative) c = bytes[++at] ?? END;
    // The first 15 digits, beginning with the first digit that is not 0, and up to 15 digits after those.
    let high = 0;
    let low = 0;
    let digits = 0;
    const start = at;
    for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) {
      if (digits < EXACT_DIGITS) {
        high = high * 10 + (c - ZERO);
        if (high !== 0) digits++;
      } else {
        low = low * 10 + (c - ZERO);
        digits++;
      }
    }
    let read = at - start;
    if ((c === this.delimiter || c === NEWLINE) && read > 0 && digits <= EXACT_DIGITS) {
      this.value[0] = negative ? -high : high;
      return at;
    }
    let power = 0;
    if (c === this.point) {
      c = bytes[++at] ?? END;
      power = at;
      for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) {
        if (digits < EXACT_DIGITS) {
          high = high * 10 + (c - ZERO);
          if (high !== 0) digits++;
        } else {
          low = low * 10 + (c - ZERO);
          digits++;
        }
      }
      power -= at;
      read -= power;
    }
    if ((c | 32) === LOWER_E) {
      c = bytes[++at] ?? END;
      const small = c === MINUS;
      if (small || c === PLUS) c = bytes[++at] ?? END;
      if (c < ZERO || c > NINE) return -1;
      let exponent = 0;
      for (; c >= ZERO && c <= NINE; c = bytes[++at] ?? END) exponent = exponent * 10 + (c - ZERO);
      power += small ? -exponent : exponent;
    }
    while (c === SPACE || c === CARRIAGE_RETURN) c = bytes[++at] ?? END;
    if (c !== this.delimiter && c !== NEWLINE) return -1;
    if (read === 0 || digits > MAX_DIGITS || power < -EXACT_POWER || power > EXACT_POWER) return -1;

    let value: number;
    if (digits <= EXACT_DIGITS)
      value = power < 0 ? high / powerOf10(-power) : high * powerOf10(power);
    else {
      value = scaledPair(high, digits - EXACT_DIGITS, low, power);
      if (value < 0) return -1;
    }
    this.value[0] = negative ? -value : value;
    return at;
  }
}

/**
 * (high · 10^shift + low) · 10^power, rounded once. -1 if the value is so close to the middle between two float64 numbers
 * that the nearer one is not certain. It computes with pairs of float64, whose sum has 106 bits. high and low are whole
 * numbers below 10^15, shift is 1 to 15 and power is -22 to 22.
 */
function scaledPair(high: number, shift: number, low: number, power: number): number {
  const scale = powerOf10(shift);
  const product = high * scale;
  const rest = productError(high, scale, product) + low;
  let value = product + rest;
  let error = rest - (value - product);
  const size = powerOf10(Math.abs(power));
  if (power < 0) {
    const quotient = value / size;
    const back = quotient * size;
    const more = (value - back - productError(quotient, size, back) + error) / size;
    value = quotient + more;
    error = more - (value - quotient);
  } else if (power > 0) {
    const scaled = value * size;
    const more = productError(value, size, scaled) + error * size;
    value = scaled + more;
    error = more - (value - scaled);
  }
  const bound = value * FLOAT64_ERROR;
  return value + (error - bound) === value && value + (error + bound) === value ? value : -1;
}

/** The exact rounding error of the product of `a` and `b` (Dekker). */
function productError(a: number, b: number, product: number): number {
  const wideA = a * SPLITTER;
  const highA = wideA - (wideA - a);
  const lowA = a - highA;
  const wideB = b * SPLITTER;
  const highB = wideB - (wideB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
