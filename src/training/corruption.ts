// Noise on the training input, for denoising autoencoders: the network sees the noisy rows and is to
// reproduce the clean ones. Drawn in the arena from the counter-based generator, named by the step and
// the element, so that the caller's data stays as it is and a resumed run draws the same noise.

import { finiteNumber, fraction, nameAndOptions, onlyKeys, positiveNumber } from "../checks.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { InvalidValueError } from "../errors.ts";
import type { Draw } from "../model/network.ts";
import { type Seed, Stream } from "../model/seed.ts";

/**
 * - `gaussian` adds normal noise of standard deviation `std` to every value.
 * - `masking` sets values to 0 with probability `rate`.
 * - `saltPepper` sets values to `low` (0) or `high` (1), evenly, with probability `rate`.
 *
 * Where the model has a scaler, values are those after scaling.
 */
export type CorruptionSpec =
  | { type: "gaussian"; std: number }
  | { type: "masking"; rate: number }
  | { type: "saltPepper"; rate: number; low?: number; high?: number };

/** Writes the noisy form of `count` rows of `width` values from `clean` to `noisy`. */
export type Corruption = (
  kernels: KernelExports,
  rows: number,
  width: number,
  clean: number,
  noisy: number,
  seed: Seed,
  draw: Draw,
) => void;

/** Checks a corruption's settings. */
export function resolveCorruption(spec: CorruptionSpec): Corruption {
  const names = ["gaussian", "masking", "saltPepper"] as const;
  const { type, options } = nameAndOptions("corruption", spec, names);
  const allow = (...keys: string[]) => onlyKeys(`corruption "${type}"`, options, ["type", ...keys]);
  const stream = Stream.corruption;
  switch (type) {
    case "gaussian": {
      allow("std");
      const std = positiveNumber("corruption.std", options.std);
      return (kernels, rows, width, clean, noisy, { low, high }, { step, firstRow }) =>
        kernels.addNormal(
          rows * width,
          clean,
          noisy,
          firstRow * width,
          std,
          low,
          high,
          step,
          stream,
        );
    }
    case "masking": {
      allow("rate");
      const rate = fraction("corruption.rate", options.rate);
      return (kernels, rows, width, clean, noisy, { low, high }, { step, firstRow }) =>
        kernels.randomMask(
          rows * width,
          clean,
          noisy,
          firstRow * width,
          rate,
          1,
          low,
          high,
          step,
          stream,
        );
    }
    case "saltPepper": {
      allow("rate", "low", "high");
      const rate = fraction("corruption.rate", options.rate);
      const pepper = finiteNumber("corruption.low", options.low ?? 0);
      const salt = finiteNumber("corruption.high", options.high ?? 1);
      if (pepper > salt) {
        throw new InvalidValueError(
          `corruption.low must not be above corruption.high; got ${pepper} and ${salt}.`,
        );
      }
      return (kernels, rows, width, clean, noisy, { low, high }, { step, firstRow }) =>
        kernels.saltPepper(
          rows * width,
          clean,
          noisy,
          firstRow * width,
          rate,
          pepper,
          salt,
          low,
          high,
          step,
          stream,
        );
    }
  }
}
