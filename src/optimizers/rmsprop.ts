// RMSprop (Hinton 2012, Graves 2013), as in torch.optim.RMSprop: v = alpha v + (1 - alpha) g²;
// q = g / (√v + epsilon); buffer = momentum buffer + q; p -= learningRate buffer.
// If centered, √(v - a²) replaces √v, where a = alpha a + (1 - alpha) g.

import { atLeast0, flag, share } from "../options.ts";
import {
  type CommonOptimizerOptions,
  commonOptions,
  type OptimizerDefinition,
  stateBlock,
} from "./optimizer.ts";

/** Options of the optimizer `"rmsprop"`. */
export interface RmspropOptions extends CommonOptimizerOptions {
  /** Decay of the mean of the squared gradients, in [0, 1). Default 0.99. */
  alpha?: number;
  /** Added to the square root of the mean square. Default 1e-8. */
  epsilon?: number;
  /** Factor on the previous step, in [0, 1). Default 0. */
  momentum?: number;
  /** Whether to divide by the standard deviation of the gradient instead of its root mean square. Default false. */
  centered?: boolean;
}

export const rmsprop: OptimizerDefinition<"rmsprop", RmspropOptions> = {
  type: "rmsprop",
  options: {
    ...commonOptions(),
    alpha: share(0.99),
    epsilon: atLeast0(1e-8),
    momentum: share(0),
    centered: flag(false),
  },
  states({ centered, momentum }) {
    const names = ["squareAverage"];
    if (centered) names.push("gradientAverage");
    if (momentum !== 0) names.push("momentum");
    return names;
  },
  create(kernels, options) {
    const { alpha, epsilon, momentum, centered, weightDecay } = options;
    return (blocks, { learningRate, scale }) =>
      kernels.rmsprop(
        blocks.count,
        blocks.parameters,
        blocks.gradients,
        stateBlock(blocks, 0),
        centered ? stateBlock(blocks, 1) : 0,
        stateBlock(blocks, centered ? 2 : 1),
        learningRate,
        alpha,
        epsilon,
        momentum,
        centered ? 1 : 0,
        weightDecay,
        scale,
      );
  },
};
