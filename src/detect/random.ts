// Random choices of the detector, such as folds and samples of rows. They use only exact whole-number arithmetic, so
// a seed gives the same choices on every engine.

import { range } from "./samples.ts";

/** A generator of whole numbers: `below(n)` is uniform in [0, n). */
export interface Random {
  below(n: number): number;
}

/** Mulberry32 over a seed and the number of a purpose. */
export function random(seed: number, purpose: number): Random {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(purpose + 1, 0xc2b2ae35)) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  // 32 random bits times n, shifted back: exact for n below 2^21, biased by less than 2^-11 of a place beyond.
  return { below: (n) => Math.floor((next() / 2 ** 32) * n) };
}

/** The numbers 0 … count - 1 in random order (Fisher and Yates). */
export function permutation(count: number, source: Random): Uint32Array {
  const order = range(0, count);
  for (let i = count - 1; i > 0; i--) {
    const j = source.below(i + 1);
    const [a = 0, b = 0] = [order[i], order[j]];
    order[i] = b;
    order[j] = a;
  }
  return order;
}
