// Gaussian noise: adds a normal random value to every value.

import { positive } from "../../options.ts";
import type { NoiseDefinition } from "./noise.ts";

/** Options of the noise `"gaussian"`. */
export interface GaussianNoiseOptions {
  /** Standard deviation, greater than 0. */
  std: number;
}

export const gaussian: NoiseDefinition<"gaussian", GaussianNoiseOptions> = {
  type: "gaussian",
  options: { std: positive() },
  apply(kernels, { std }, count, clean, noisy, start, { low, high }, step, stream) {
    kernels.addNormal(count, clean, noisy, start, std, low, high, step, stream);
  },
};
