// The natural logarithm, made of sums and products for the reason that powers.ts gives.

/** ln(x) for x > 0, within 3e-16 of its size or of 1, whichever is larger. */
export function naturalLog(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x > 0 ? x : Number.NaN;
  // x = m 2^e with m in [√½, √2): the series then converges quickly.
  let exponent = 0;
  let mantissa = x;
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent -= 1;
  }
  // ln m = 2 artanh(t) = 2 (t + t³/3 + t⁵/5 + …) with t = (m - 1) / (m + 1), |t| < 0.172.
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let n = 21; n >= 1; n -= 2) sum = sum * square + 1 / n;
  return exponent * Math.LN2 + 2 * t * sum;
}
