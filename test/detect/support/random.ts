// Random numbers for tests: seeded, the same in every run, independent of the tested code.

export interface Generator {
  /** Uniform in [0, 1). */
  uniform(): number;
  normal(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
  /** The numbers 0 … n - 1 in random order. */
  permutation(n: number): number[];
}

/** Mulberry32. */
export function generator(seed: number): Generator {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(uniform() * n);
  return {
    uniform,
    below,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    permutation: (n) => {
      const order = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = below(i + 1);
        [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
      }
      return order;
    },
  };
}
