// Smooth L1 (Girshick 2015), as in torch.nn.SmoothL1Loss: d²/(2 beta) for |d| < beta, otherwise |d| - beta/2.

import { Loss } from "../../assembly/ops.ts";
import { positive } from "../options.ts";
import { elementwise, type LossDefinition } from "./loss.ts";

/** Options of the loss `"smoothL1"`. */
export interface SmoothL1Options {
  /** The error from which on the loss is linear, greater than 0. Default 1. */
  beta?: number;
}

export const smoothL1: LossDefinition<"smoothL1", SmoothL1Options> = {
  type: "smoothL1",
  options: { beta: positive(1) },
  create: ({ beta }) => elementwise(Loss.smoothL1, beta),
};
