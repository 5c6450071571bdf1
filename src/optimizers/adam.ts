// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), as in torch.optim:
// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g²;
// p -= learningRate / (1 - beta1^t) · m / (√v / √(1 - beta2^t) + epsilon).
// Adam adds weightDecay p to g. AdamW first multiplies p by 1 - learningRate weightDecay.

import { wholePower } from "../math/powers.ts";
import { atLeast0, share } from "../options.ts";
import {
  type CommonOptimizerOptions,
  commonOptions,
  type OptimizerDefinition,
  stateBlock,
} from "./optimizer.ts";

/** Options of the optimizers `"adam"` and `"adamw"`. */
export interface AdamOptions extends CommonOptimizerOptions {
  /** Decay of the mean of the gradients, in [0, 1). Default 0.9. */
  beta1?: number;
  /** Decay of the mean of their squares, in [0, 1). Default 0.999. */
  beta2?: number;
  /** Added to the square root of the mean square. Default 1e-8. */
  epsilon?: number;
}

function define<Type extends string>(
  type: Type,
  weightDecay: number,
  decoupled: boolean,
): OptimizerDefinition<Type, AdamOptions> {
  return {
    type,
    options: {
      ...commonOptions(weightDecay),
      beta1: share(0.9),
      beta2: share(0.999),
      epsilon: atLeast0(1e-8),
    },
    states: () => ["firstMoment", "secondMoment"],
    create:
      (kernels, { beta1, beta2, epsilon, weightDecay }) =>
      (blocks, { learningRate, number, scale }) =>
        kernels.adam(
          blocks.count,
          blocks.parameters,
          blocks.gradients,
          stateBlock(blocks, 0),
          stateBlock(blocks, 1),
          learningRate / (1 - wholePower(beta1, number)),
          beta1,
          beta2,
          1 / Math.sqrt(1 - wholePower(beta2, number)),
          epsilon,
          decoupled ? 0 : weightDecay,
          decoupled ? 1 - learningRate * weightDecay : 1,
          scale,
        ),
  };
}

export const adam = define("adam", 0, false);
export const adamw = define("adamw", 0.01, true);
