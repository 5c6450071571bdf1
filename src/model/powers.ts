// Integer powers by squaring. The host's Math.pow may round differently from engine to engine; these
// products do not, and they give a resumed run the bits of one that was never cut.

/** base^exponent for a whole exponent of at least 0. */
export function wholePower(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
