// A cosine that is made of sums and products, for the reason that portable-math.ts gives.

/** cos(π x), within 3e-16 for every finite x: taking turns of x rather than angles loses nothing. */
export function cosPi(x: number): number {
  const turn = Math.abs(x) % 2;
  const half = turn > 1 ? 2 - turn : turn;
  return half > 0.5 ? -quarterCosine(1 - half) : quarterCosine(half);
}

/** cos(π x) for x in [0, 0.5]: a series of at most π/4, of the sine in the upper half. */
function quarterCosine(x: number): number {
  if (x <= 0.25) return series(Math.PI * x, 0);
  const angle = Math.PI * (0.5 - x);
  return angle * series(angle, 1);
}

/** Taylor's series of cos(a) (order 0) or sin(a)/a (order 1), summed from its smallest term. */
function series(angle: number, order: 0 | 1): number {
  const square = angle * angle;
  let sum = 1;
  for (let n = 18; n > 0; n -= 2) sum = 1 - (sum * square) / ((n - 1 + order) * (n + order));
  return sum;
}
