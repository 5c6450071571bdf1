// The model's seed as the generator takes it, and the purpose of each stream. The generator is counter-based: a
// draw is named by (seed, stream, step, element), so it has no state to save.

/** The two 32-bit halves of a whole-number seed. */
export interface Seed {
  readonly low: number;
  readonly high: number;
}

export enum Stream {
  initial,
  shuffle,
  corruption,
  /** Dropout behind layer s of a network draws from stream `dropout + s`, below `code`. */
  dropout,
  /** Noise of a code in training, and in sampling. */
  code = 0x4000_0000,
  sample,
}

export function splitSeed(seed: number): Seed {
  return { low: seed >>> 0, high: Math.floor(seed / 2 ** 32) >>> 0 };
}
