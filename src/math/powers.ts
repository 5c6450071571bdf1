// Functions that must give the same bits on every engine. The host's Math.pow and Math.cos may round
// differently from one to the next; these are made of sums and products, which may not. They also
// give a resumed run the bits of one that was never cut.

/** Larger exponents count as this one: steps of training, which never come so far. */
const LARGEST_EXPONENT = 2 ** 32 - 1;

/** base^exponent for a whole exponent of at least 0, by squaring. */
export function wholePower(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = Math.min(exponent, LARGEST_EXPONENT) >>> 0; rest > 0; rest >>>= 1) {
    if (rest & 1) result *= square;
    square *= square;
  }
  return result;
}
