// What an optimizer is: its options, the state it keeps, and one step. A step is one flat pass over all
// parameters, so that a tied weight, which is stored once, has one moment, one step and one
// weight-decay term. Formulas and defaults are those of torch.optim.

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
  /** Coupled L2 on every parameter, biases included (decoupled for adamw). Default 0, for adamw 0.01. */
  weightDecay?: number;
  /**
   * Largest global norm of the gradients, each tied weight counted once; longer gradients are scaled down as
   * torch.nn.utils.clip_grad_norm_ does. Default: no clipping.
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

/** What a step works on: addresses of `count` float32 values each. */
export interface OptimizerBlocks {
  readonly count: number;
  readonly parameters: number;
  readonly gradients: number;
  /** One block for each name that `states` gives, in that order. All zeros before the first step. */
  readonly state: readonly number[];
}

/** A step as an optimizer sees it. One object serves all steps of a model. */
export interface OptimizerStep {
  learningRate: number;
  /** Counts from 1. */
  number: number;
  /** Factor on the gradients, which clips them. */
  scale: number;
}

/** One step on all parameters. */
export type Optimizer = (blocks: OptimizerBlocks, step: OptimizerStep) => void;

export interface OptimizerDefinition<Type extends string, Options extends CommonOptimizerOptions>
  extends Definition<Type, Options> {
  /** Throws for options that contradict each other. */
  check?(options: Resolved<Options>): void;
  /** Names of the blocks of state, in the order in which a step finds them; files use the names. */
  states(options: Resolved<Options>): readonly string[];
  /** The optimizer of one model. */
  create(kernels: KernelExports, options: Resolved<Options>): Optimizer;
}

/** What all optimizers have in common. */
export type AnyOptimizer = OptimizerDefinition<string, CommonOptimizerOptions>;

/** The address of a block of state, or 0 where the optimizer keeps none. */
export function stateBlock({ state }: OptimizerBlocks, index: number): number {
  return state[index] ?? 0;
}
