// More kinds of random numbers for tests of the detector, independent of the tested code.

import { randomNumbers } from "../../support/random.ts";

export interface Generator {
  /** Uniform in [0, 1). */
  uniform(): number;
  normal(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
  /** The numbers 0 … n - 1 in random order. */
  permutation(n: number): number[];
}

export function generator(seed: number): Generator {
  const uniform = randomNumbers(seed);
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
