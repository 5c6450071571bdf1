// Adagrad (Duchi, Hazan & Singer 2011), as in torch.optim.Adagrad: s += g²; p -= learningRate g / (√s + epsilon).

import { atLeast0 } from "../options.ts";
import {
  type CommonOptimizerOptions,
  commonOptions,
  type OptimizerDefinition,
  stateBlock,
} from "./optimizer.ts";

/** Options of the optimizer `"adagrad"`. */
export interface AdagradOptions extends CommonOptimizerOptions {
  /** Added to the square root of the sum of squares. Default 1e-10. */
  epsilon?: number;
}

export const adagrad: OptimizerDefinition<"adagrad", AdagradOptions> = {
  type: "adagrad",
  options: { ...commonOptions(), epsilon: atLeast0(1e-10) },
  states: () => ["squareSum"],
  create:
    (kernels, { epsilon, weightDecay }) =>
    (blocks, { learningRate, scale }) =>
      kernels.adagrad(
        blocks.count,
        blocks.parameters,
        blocks.gradients,
        stateBlock(blocks, 0),
        learningRate,
        epsilon,
        weightDecay,
        scale,
      ),
};
