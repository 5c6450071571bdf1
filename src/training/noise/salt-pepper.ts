// Salt-and-pepper noise: sets random values to the lowest or to the highest value, with equal probability (Vincent et al.
// 2010).

import { InvalidValueError } from "../../errors.ts";
import { number, share } from "../../options.ts";
import type { NoiseDefinition } from "./noise.ts";

/** Options of the noise `"saltPepper"`. */
export interface SaltPepperNoiseOptions {
  /** Probability that a value changes, in [0, 1). */
  rate: number;
  /** The lowest value. Default 0. */
  low?: number;
  /** The highest value. Default 1. */
  high?: number;
}

export const saltPepper: NoiseDefinition<"saltPepper", SaltPepperNoiseOptions> = {
  type: "saltPepper",
  options: { rate: share(), low: number(0), high: number(1) },
  check({ low, high }) {
    if (low <= high) return;
    throw new InvalidValueError(
      `corruption.low must not be above corruption.high; got ${low} and ${high}.`,
    );
  },
  apply(
    kernels,
    { rate, low: pepper, high: salt },
    count,
    clean,
    noisy,
    start,
    seed,
    step,
    stream,
  ) {
    const { low, high } = seed;
    kernels.saltPepper(count, clean, noisy, start, rate, pepper, salt, low, high, step, stream);
  },
};
