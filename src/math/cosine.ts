// A cosine that is made of sums and products, for the reason that powers.ts gives.

/** cos(π x), within 3e-16 for every finite x: taking turns of x rather than angles loses nothing. */
export function cosPi(x: number): number {
  const turn = Math.abs(x) % 2;
  const half = turn > 1 ? 2 - turn : turn;
  // In [0, 1/2], and the sign of the result with it.
  const isUpper = half > 0.5;
  const quarter = isUpper ? 1 - half : half;
  // Taylor's series of at most π/4: of cos(a), or of sin(a)/a, summed from its smallest term.
  const order = quarter <= 0.25 ? 0 : 1;
  const angle = Math.PI * (order === 0 ? quarter : 0.5 - quarter);
  const square = angle * angle;
  let sum = 1;
  for (let n = 18; n > 0; n -= 2) sum = 1 - (sum * square) / ((n - 1 + order) * (n + order));
  const cosine = order === 0 ? sum : angle * sum;
  return isUpper ? -cosine : cosine;
}
