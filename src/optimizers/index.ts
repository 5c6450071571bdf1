// The optimizers that a configuration can name, and the creation of an optimizer for a model.

import type { KernelExports } from "../core/generated/exports.ts";
import { type NameOf, Registry, type ResolvedOf, type SpecOf } from "../options.ts";
import { adagrad } from "./adagrad.ts";
import { adam, adamw } from "./adam.ts";
import type { AnyOptimizer, Optimizer, OptimizerBlocks } from "./optimizer.ts";
import { rmsprop } from "./rmsprop.ts";
import { sgd } from "./sgd.ts";

const definitions = [sgd, adam, adamw, rmsprop, adagrad];
type Optimizers = (typeof definitions)[number];

export const optimizers = new Registry<AnyOptimizer, Optimizers>("optimizer", definitions);

/** The name of an optimizer. */
export type OptimizerName = NameOf<Optimizers>;

/** An optimizer by name, or with its options. */
export type OptimizerSpec = SpecOf<Optimizers>;

/** An optimizer with every default filled in. */
export type OptimizerConfig = ResolvedOf<Optimizers>;

/** Checks an optimizer's options and fills in the defaults. */
export function resolveOptimizer(spec: unknown): OptimizerConfig {
  const config = optimizers.resolve("optimizer", spec);
  optimizers.of(config).check?.(config);
  return config;
}

/** Names of the blocks of state that an optimizer keeps besides the parameters. */
export function stateNames(config: OptimizerConfig): readonly string[] {
  return optimizers.of(config).states(config);
}

/**
 * The optimizer of one model. It clips gradients to `config.clipNorm` by the factor
 * min(1, clipNorm / (norm + 1e-6)) of torch.nn.utils.clip_grad_norm_. This factor is the step's `scale`.
 */
export function createOptimizer(kernels: KernelExports, config: OptimizerConfig): Optimizer {
  const { clipNorm } = config;
  const update = optimizers.of(config).create(kernels, config);
  return (blocks, step) => {
    step.scale =
      clipNorm === undefined ? 1 : Math.min(1, clipNorm / (gradientNorm(kernels, blocks) + 1e-6));
    update(blocks, step);
  };
}

/** The global norm of the gradients. Each tied weight counts once. */
function gradientNorm(kernels: KernelExports, { count, gradients }: OptimizerBlocks): number {
  return Math.sqrt(kernels.sumSquares(count, gradients));
}
