// The Huber loss (Huber 1964), as in torch.nn.HuberLoss: d²/2 for |d| <= delta, otherwise delta (|d| - delta/2).

import { Loss } from "../../assembly/ops.ts";
import { positive } from "../options.ts";
import { elementwise, type LossDefinition } from "./loss.ts";

/** Options of the loss `"huber"`. */
export interface HuberOptions {
  /** The error from which on the loss is linear, greater than 0. Default 1. */
  delta?: number;
}

export const huber: LossDefinition<"huber", HuberOptions> = {
  type: "huber",
  options: { delta: positive(1) },
  create: ({ delta }) => elementwise(Loss.huber, delta),
};
