// What noise is, for denoising autoencoders: the input is noisy and the target is clean. The counter-based generator
// draws it in the arena. It depends on the step and the element, so a resumed run draws the same noise. The caller's
// data do not change. If the model has a scaler, noise is added after scaling.

import type { KernelExports } from "../../core/generated/exports.ts";
import type { Seed } from "../../math/seed.ts";
import type { Definition, Resolved } from "../../options.ts";

export interface NoiseDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Throws for options that contradict each other. */
  check?(options: Resolved<Options>): void;
  /** Adds noise to `count` values at `clean` and writes them to `noisy`. `start` is the index of the first in the step. */
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
