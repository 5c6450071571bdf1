// A power that has the same bits on every engine. Math.pow and Math.cos may round differently from engine to
// engine. Sums and products may not. So this file and cosine.ts use sums and products only, and a run that is
// resumed on another engine gives the same bits.

/** The largest exponent. Exponents are counts of training steps, which do not reach it; larger ones are clamped. */
const LARGEST_EXPONENT = 2 ** 32 - 1;

/** base^exponent for a whole exponent >= 0, by repeated squaring. */
export function wholePower(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = Math.min(exponent, LARGEST_EXPONENT) >>> 0; rest > 0; rest >>>= 1) {
    if (rest & 1) result *= square;
    square *= square;
  }
  return result;
}
