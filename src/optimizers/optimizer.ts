// What an optimizer is: its options, its state, and one step. A step is one pass over the flat block of all
// parameters. A tied weight is stored once, so it has one moment, one update and one weight-decay term. Formulas
// and defaults are those of torch.optim.

import type { KernelExports } from "../core/generated/exports.ts";
import {
  atLeast0,
  type Checks,
  type Definition,
  optional,
  positive,
  type Resolved,
} from "../options.ts";

/** Options that every optimizer takes. */
export interface CommonOptimizerOptions {
  /** Factor on every step, at least 0. Default 1e-3. */
  learningRate?: number;
  /** L2 regularization of every parameter including biases, decoupled for adamw. Default 0, for adamw 0.01. */
  weightDecay?: number;
  /**
   * The largest global norm of the gradients, greater than 0. Gradients with a larger norm are scaled down as in
   * torch.nn.utils.clip_grad_norm_. Each tied weight counts once. Default: no clipping.
   */
  clipNorm?: number | undefined;
}

/** The checks of the common options. */
export function commonOptions(weightDecay = 0): Checks<CommonOptimizerOptions> {
  return {
    learningRate: atLeast0(1e-3),
    weightDecay: atLeast0(weightDecay),
    clipNorm: optional(positive()),
  };
}

/** The blocks that a step reads and writes: addresses of `count` float32 values each. */
export interface OptimizerBlocks {
  readonly count: number;
  readonly parameters: number;
  readonly gradients: number;
  /** One block for each name that `states` returns, in that order. All zeros before the first step. */
  readonly state: readonly number[];
}

/** The settings of a step. One object serves all steps of a model. */
export interface OptimizerStep {
  learningRate: number;
  /** The number of the step, from 1. */
  number: number;
  /** The factor on the gradients that clips them. */
  scale: number;
}

/** One step on all parameters. */
export type Optimizer = (blocks: OptimizerBlocks, step: OptimizerStep) => void;

export interface OptimizerDefinition<Type extends string, Options extends CommonOptimizerOptions>
  extends Definition<Type, Options> {
  /** Throws for options that contradict each other. */
  check?(options: Resolved<Options>): void;
  /** Names of the blocks of state, in the order of `OptimizerBlocks.state`. Files use these names. */
  states(options: Resolved<Options>): readonly string[];
  /** The optimizer of one model. */
  create(kernels: KernelExports, options: Resolved<Options>): Optimizer;
}

/** Any optimizer, with the options that all optimizers take. */
export type AnyOptimizer = OptimizerDefinition<string, CommonOptimizerOptions>;

/** The address of a block of state, or 0 if the optimizer does not keep it. */
export function stateBlock({ state }: OptimizerBlocks, index: number): number {
  return state[index] ?? 0;
}
