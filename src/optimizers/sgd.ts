// Stochastic gradient descent, as in torch.optim.SGD with dampening 0:
// g += weightDecay p; buffer = momentum buffer + g (buffer = g in the first step);
// p -= learningRate (nesterov ? g + momentum buffer : buffer).

import { InvalidValueError } from "../errors.ts";
import { flag, share } from "../options.ts";
import {
  type CommonOptimizerOptions,
  commonOptions,
  type OptimizerDefinition,
  stateBlock,
} from "./optimizer.ts";

/** Options of the optimizer `"sgd"`. */
export interface SgdOptions extends CommonOptimizerOptions {
  /** Factor on the previous direction, in [0, 1). Default 0. */
  momentum?: number;
  /** Whether to use Nesterov momentum (Nesterov 1983). It needs a momentum greater than 0. Default false. */
  nesterov?: boolean;
}

export const sgd: OptimizerDefinition<"sgd", SgdOptions> = {
  type: "sgd",
  options: { ...commonOptions(), momentum: share(0), nesterov: flag(false) },
  check({ nesterov, momentum }) {
    if (nesterov && momentum === 0) {
      throw new InvalidValueError("optimizer.nesterov needs a momentum greater than 0; got 0.");
    }
  },
  states: ({ momentum }) => (momentum === 0 ? [] : ["momentum"]),
  create:
    (kernels, { momentum, nesterov, weightDecay }) =>
    (blocks, { learningRate, number, scale }) =>
      kernels.sgd(
        blocks.count,
        blocks.parameters,
        blocks.gradients,
        stateBlock(blocks, 0),
        learningRate,
        momentum,
        nesterov ? 1 : 0,
        weightDecay,
        scale,
        number === 1 ? 1 : 0,
      ),
};
