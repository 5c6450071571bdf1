// Philox4x32-10 word by word, the normal distribution in float64, and Fisher-Yates: the reference for the random
// kernels.

/** The high 32 bits of a 32 x 32 bit product. */
function highProduct(a: number, b: number): number {
  const [aHigh, aLow] = [a >>> 16, a & 0xffff];
  const [bHigh, bLow] = [b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(rest / 65536)) >>> 0;
}

export type Four = [number, number, number, number];

export function philox(counter: Four, key: [number, number]): Four {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const p0 = Math.imul(0xd2511f53, c0) >>> 0;
    const p1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    const h0 = highProduct(0xd2511f53, c0);
    const h1 = highProduct(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, p1, (h0 ^ c3 ^ k1) >>> 0, p0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** seedLo, seedHi, step, stream. */
export type Rng = readonly [number, number, number, number];

export function wordOf(element: number, [lo, hi, step, stream]: Rng, attempt = 0): number {
  return philox([element >>> 2, attempt, step, stream], [lo, hi])[element & 3]!;
}

export function words(count: number, start: number, rng: Rng): number[] {
  return Array.from({ length: count }, (_, i) => wordOf(start + i, rng));
}

/** P(|Z| > z) for a standard normal Z and z >= 0, to about 1e-14 of itself. */
export function tail(z: number): number {
  const x = z / Math.SQRT2;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** P(Z < z). */
export function distribution(z: number): number {
  return z < 0 ? tail(-z) / 2 : 1 - tail(z) / 2;
}

/** The normal value of a word: its quantile by bisection and Newton's method. */
export function normalOf(word: number): number {
  const magnitude = word & 0x7fff_ffff;
  const outside = (2 ** 31 - magnitude - 0.5) / 2 ** 31;
  const inside = (magnitude + 0.5) / 2 ** 31;
  let low = 0;
  let high = 7;
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (tail(middle) > outside) low = middle;
    else high = middle;
  }
  let z = (low + high) / 2;
  // Near 0 the tail is almost 1: solve for the probability inside instead.
  if (inside < 1e-3) z = inside * Math.sqrt(Math.PI / 2) * (1 + (Math.PI / 12) * inside * inside);
  else {
    for (let i = 0; i < 3; i++) {
      const density = Math.sqrt(2 / Math.PI) * Math.exp((-z * z) / 2);
      z += (tail(z) - outside) / density;
    }
  }
  return word >>> 31 ? -z : z;
}

/** The permutation and how often a word had to be drawn again. */
export function permutation(count: number, rng: Rng): { order: number[]; redraws: number } {
  const order: number[] = [];
  let redraws = 0;
  for (let i = 0; i < count; i++) {
    const bound = i + 1;
    const least = 2 ** 32 % bound;
    let word = wordOf(i, rng);
    for (let attempt = 1; Math.imul(word, bound) >>> 0 < least; attempt++) {
      word = wordOf(i, rng, attempt);
      redraws++;
    }
    const chosen = highProduct(word, bound);
    order[i] = chosen === i ? i : order[chosen]!;
    order[chosen] = i;
  }
  return { order, redraws };
}
