// The model's seed as the generator takes it, and which stream serves which purpose. The generator is
// counter-based: a draw is named by (seed, stream, step, element), so nothing of it needs saving.

/** The two 32-bit halves of a whole-number seed. */
export interface Seed {
  readonly low: number;
  readonly high: number;
}

export enum Stream {
  initial,
  shuffle,
  corruption,
  /** Dropout of hidden layer s draws from stream `dropout + s`; keep it last. */
  dropout,
}

export function splitSeed(seed: number): Seed {
  return { low: seed >>> 0, high: Math.floor(seed / 2 ** 32) >>> 0 };
}
