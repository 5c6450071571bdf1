// Functions that must give the same bits on every engine. The host's Math.pow and Math.cos may round
// differently from one to the next; these are made of sums and products, which may not. They also
// give a resumed run the bits of one that was never cut.

/** base^exponent for a whole exponent of at least 0, by squaring. */
export function wholePower(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
