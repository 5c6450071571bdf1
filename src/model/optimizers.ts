// The optimizers: their settings with PyTorch's defaults, and how each maps to its kernel. Formulas
// are torch.optim's. Each runs as one flat pass over all parameters, so a tied weight, which stands
// once in the block, has one moment, one step and one weight-decay term.

import {
  boolean,
  finiteNumber,
  fraction,
  nameAndOptions,
  onlyKeys,
  positiveNumber,
} from "../checks.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { InvalidValueError } from "../errors.ts";
import { wholePower } from "../math/powers.ts";

/** Settings that every optimizer takes. */
interface CommonOptions {
  /** Default 1e-3. */
  learningRate?: number;
  /** Coupled L2 on every parameter, biases included (decoupled for adamw, whose default is 0.01). */
  weightDecay?: number;
  /** Largest global norm of the gradients, each tied weight counted once. Default: no clipping. */
  clipNorm?: number;
}

export type OptimizerName = "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad";

export type OptimizerSpec =
  | OptimizerName
  | ({ type: "sgd"; momentum?: number; nesterov?: boolean } & CommonOptions)
  | ({ type: "adam" | "adamw"; beta1?: number; beta2?: number; epsilon?: number } & CommonOptions)
  | ({
      type: "rmsprop";
      alpha?: number;
      epsilon?: number;
      momentum?: number;
      centered?: boolean;
    } & CommonOptions)
  | ({ type: "adagrad"; epsilon?: number } & CommonOptions);

interface ResolvedCommon {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Absent when gradients are not clipped. */
  readonly clipNorm?: number;
}

/** An optimizer with every setting filled in. */
export type OptimizerConfig =
  | (ResolvedCommon & {
      readonly type: "sgd";
      readonly momentum: number;
      readonly nesterov: boolean;
    })
  | (ResolvedCommon & {
      readonly type: "adam" | "adamw";
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    })
  | (ResolvedCommon & {
      readonly type: "rmsprop";
      readonly alpha: number;
      readonly epsilon: number;
      readonly momentum: number;
      readonly centered: boolean;
    })
  | (ResolvedCommon & { readonly type: "adagrad"; readonly epsilon: number });

export const optimizerNames: readonly OptimizerName[] = [
  "sgd",
  "adam",
  "adamw",
  "rmsprop",
  "adagrad",
];

/** The flat blocks an optimizer step works on: addresses of `count` float32 values each. */
export interface OptimizerBlocks {
  readonly count: number;
  readonly parameters: number;
  readonly gradients: number;
  /** One block for each name that `stateNames` gives, in that order. */
  readonly state: readonly number[];
}

/** Checks an optimizer's settings and fills in the defaults. */
export function resolveOptimizer(spec: OptimizerSpec): OptimizerConfig {
  const { type, options } = nameAndOptions("optimizer", spec, optimizerNames);
  const where = (key: string) => `optimizer.${key}`;
  const common: ResolvedCommon = {
    learningRate: positiveNumber(where("learningRate"), options.learningRate ?? 1e-3),
    weightDecay: finiteNumber(
      where("weightDecay"),
      options.weightDecay ?? (type === "adamw" ? 0.01 : 0),
      0,
    ),
    ...(options.clipNorm === undefined
      ? {}
      : { clipNorm: positiveNumber(where("clipNorm"), options.clipNorm) }),
  };
  const allow = (...keys: string[]) =>
    onlyKeys(`optimizer "${type}"`, options, [
      "type",
      "learningRate",
      "weightDecay",
      "clipNorm",
      ...keys,
    ]);
  const epsilon = (otherwise: number) =>
    finiteNumber(where("epsilon"), options.epsilon ?? otherwise, 0);
  const momentum = () => fraction(where("momentum"), options.momentum ?? 0);
  switch (type) {
    case "sgd": {
      allow("momentum", "nesterov");
      const nesterov = boolean(where("nesterov"), options.nesterov ?? false);
      const config = { type, ...common, momentum: momentum(), nesterov };
      if (nesterov && config.momentum === 0) {
        throw new InvalidValueError("optimizer.nesterov needs a momentum greater than 0; got 0.");
      }
      return config;
    }
    case "adam":
    case "adamw": {
      allow("beta1", "beta2", "epsilon");
      const beta1 = fraction(where("beta1"), options.beta1 ?? 0.9);
      const beta2 = fraction(where("beta2"), options.beta2 ?? 0.999);
      return { type, ...common, beta1, beta2, epsilon: epsilon(1e-8) };
    }
    case "rmsprop": {
      allow("alpha", "epsilon", "momentum", "centered");
      const alpha = fraction(where("alpha"), options.alpha ?? 0.99);
      const centered = boolean(where("centered"), options.centered ?? false);
      return { type, ...common, alpha, epsilon: epsilon(1e-8), momentum: momentum(), centered };
    }
    case "adagrad":
      allow("epsilon");
      return { type, ...common, epsilon: epsilon(1e-10) };
  }
}

/** Names of the state blocks an optimizer keeps beside the parameters; files use them. */
export function stateNames(config: OptimizerConfig): readonly string[] {
  switch (config.type) {
    case "sgd":
      return config.momentum === 0 ? [] : ["momentum"];
    case "adam":
    case "adamw":
      return ["firstMoment", "secondMoment"];
    case "rmsprop": {
      const names = ["squareAverage"];
      if (config.centered) names.push("gradientAverage");
      if (config.momentum !== 0) names.push("momentum");
      return names;
    }
    case "adagrad":
      return ["squareSum"];
  }
}

/** The global norm of the gradients, each tied weight once. */
export function gradientNorm(kernels: KernelExports, blocks: OptimizerBlocks): number {
  return Math.sqrt(kernels.sumSquares(blocks.count, blocks.gradients));
}

/**
 * One step on all parameters. `step` counts from 1. Gradients are clipped to `config.clipNorm` on the
 * way, by the factor min(1, clipNorm / (norm + 1e-6)) that torch.nn.utils.clip_grad_norm_ uses.
 */
export function applyOptimizer(
  kernels: KernelExports,
  config: OptimizerConfig,
  blocks: OptimizerBlocks,
  learningRate: number,
  step: number,
): void {
  const { count, parameters, gradients, state } = blocks;
  const scale =
    config.clipNorm === undefined
      ? 1
      : Math.min(1, config.clipNorm / (gradientNorm(kernels, blocks) + 1e-6));
  const block = (i: number) => state[i] ?? 0;
  switch (config.type) {
    case "sgd":
      kernels.sgd(
        count,
        parameters,
        gradients,
        block(0),
        learningRate,
        config.momentum,
        Number(config.nesterov),
        config.weightDecay,
        scale,
        Number(step === 1),
      );
      break;
    case "adam":
    case "adamw": {
      const stepSize = learningRate / (1 - wholePower(config.beta1, step));
      const inverseRootBias = 1 / Math.sqrt(1 - wholePower(config.beta2, step));
      const decoupled = config.type === "adamw";
      kernels.adam(
        count,
        parameters,
        gradients,
        block(0),
        block(1),
        stepSize,
        config.beta1,
        config.beta2,
        inverseRootBias,
        config.epsilon,
        decoupled ? 0 : config.weightDecay,
        decoupled ? 1 - learningRate * config.weightDecay : 1,
        scale,
      );
      break;
    }
    case "rmsprop": {
      const momentum = state[config.centered ? 2 : 1] ?? 0;
      kernels.rmsprop(
        count,
        parameters,
        gradients,
        block(0),
        config.centered ? block(1) : 0,
        momentum,
        learningRate,
        config.alpha,
        config.epsilon,
        config.momentum,
        Number(config.centered),
        config.weightDecay,
        scale,
      );
      break;
    }
    case "adagrad":
      kernels.adagrad(
        count,
        parameters,
        gradients,
        block(0),
        learningRate,
        config.epsilon,
        config.weightDecay,
        scale,
      );
      break;
  }
}
