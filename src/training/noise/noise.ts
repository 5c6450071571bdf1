// What noise is, for denoising autoencoders: the network sees noisy rows and reproduces clean ones. It is drawn in
// the arena from the counter-based generator, by step and element, so that the caller's data stay as they are and
// a resumed run draws the same noise. Where the model has a scaler, values are those after scaling.

import type { KernelExports } from "../../core/generated/exports.ts";
import type { Seed } from "../../math/seed.ts";
import type { Definition, Resolved } from "../../options.ts";

export interface NoiseDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Throws for options that contradict each other. */
  check?(options: Resolved<Options>): void;
  /** Writes the noisy form of `count` values from `clean` to `noisy`; `start` counts elements within the step. */
  apply(
    kernels: KernelExports,
    options: Resolved<Options>,
    count: number,
    clean: number,
    noisy: number,
    start: number,
    seed: Seed,
    step: number,
    stream: number,
  ): void;
}

export type AnyNoise = NoiseDefinition<string, object>;
