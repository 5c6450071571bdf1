// The elementary functions in float64, with an error of a few 1e-16: those of Math, and erf.

/** Maclaurin's series near 0, the continued fraction of erfc elsewhere. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * a; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (sum * 2) / Math.sqrt(Math.PI);
  }
  return x < 0 ? erfc(a) - 1 : 1 - erfc(a);
}

/** 1 - erf(x), with full precision where it is small. */
export function erfc(x: number): number {
  if (x < 2) return 1 - erf(x);
  if (x > 28) return 0;
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

export function sigmoid(x: number): number {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

export const functions = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  sigmoid,
  erf: (x: number): number => (x === 0 ? x : erf(x)),
};

/** The bound that each function of the core states, in units in the last place. */
export const BOUNDS = {
  exp: 1.1,
  log: 0.9,
  log1p: 1.5,
  tanh: 2.6,
  sigmoid: 2.4,
  erf: 1.8,
} as const;
