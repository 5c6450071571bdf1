// Masking noise: sets random values to 0 (Vincent et al. 2010).

import { share } from "../../options.ts";
import type { NoiseDefinition } from "./noise.ts";

/** Options of the noise `"masking"`. */
export interface MaskingNoiseOptions {
  /** Probability that a value becomes 0, in [0, 1). */
  rate: number;
}

export const masking: NoiseDefinition<"masking", MaskingNoiseOptions> = {
  type: "masking",
  options: { rate: share() },
  apply(kernels, { rate }, count, clean, noisy, start, { low, high }, step, stream) {
    kernels.randomMask(count, clean, noisy, start, rate, 1, low, high, step, stream);
  },
};
