// A cosine computed by sums and products, so that it has the same bits on every engine. See powers.ts.

/** cos(π x), within 3e-16 for every finite x. x counts half turns, so the reduction to one turn is exact. */
export function cosPi(x: number): number {
  const turn = Math.abs(x) % 2;
  const half = turn > 1 ? 2 - turn : turn;
  // The angle in [0, 1/2], and the sign of the result.
  const isUpper = half > 0.5;
  const quarter = isUpper ? 1 - half : half;
  // The Taylor series of cos(a) or of sin(a)/a for an angle of at most π/4, summed from its smallest term.
  const order = quarter <= 0.25 ? 0 : 1;
  const angle = Math.PI * (order === 0 ? quarter : 0.5 - quarter);
  const square = angle * angle;
  let sum = 1;
  for (let n = 18; n > 0; n -= 2) sum = 1 - (sum * square) / ((n - 1 + order) * (n + order));
  const cosine = order === 0 ? sum : angle * sum;
  return isUpper ? -cosine : cosine;
}
