// The kinds of noise that `corruption` can name.

import { type Seed, Stream } from "../../math/seed.ts";
import type { Corruption } from "../../model/staging.ts";
import { Registry, type SpecOf } from "../../options.ts";
import { gaussian } from "./gaussian.ts";
import { masking } from "./masking.ts";
import type { AnyNoise } from "./noise.ts";
import { saltPepper } from "./salt-pepper.ts";

const definitions = [gaussian, masking, saltPepper];
type Noises = (typeof definitions)[number];

export const noises = new Registry<AnyNoise, Noises>("noise", definitions);

/** Noise on the training input, with its options. */
export type CorruptionSpec = SpecOf<Noises>;

/** Checks the options of noise. */
export function resolveCorruption(spec: unknown, seed: Seed): Corruption {
  const options = noises.resolve("corruption", spec);
  const noise = noises.of(options);
  noise.check?.(options);
  return {
    apply(kernels, elements, clean, noisy, step, start) {
      const stream = Stream.corruption;
      noise.apply(kernels, options, elements, clean, noisy, start, seed, step, stream);
    },
  };
}
