// The model's seed in the form that the random generator takes, and the streams that the package uses. The
// generator is counter-based: a number depends only on (seed, stream, step, element), so there is no state to save.

/** The two 32-bit halves of a whole-number seed. */
export interface Seed {
  readonly low: number;
  readonly high: number;
}

export enum Stream {
  initial,
  shuffle,
  corruption,
  /** Dropout after layer s of a network draws from stream `dropout + s`, which is less than `code`. */
  dropout,
  /** The noise of a code in training, and in sampling. */
  code = 0x4000_0000,
  sample,
}

export function splitSeed(seed: number): Seed {
  return { low: seed >>> 0, high: Math.floor(seed / 2 ** 32) >>> 0 };
}
