// Binary cross-entropy of a sigmoid output, -(t log y + (1 - t) log(1 - y)), computed from the logits of y. Targets
// are in [0, 1].

import { Loss } from "../../assembly/ops.ts";
import { elementwise, type LossDefinition } from "./loss.ts";

export const bce: LossDefinition<"bce", object> = {
  type: "bce",
  options: {},
  create: () =>
    elementwise(Loss.bce, 0, {
      output: "sigmoid",
      readsLogits: true,
      targetsAreProbabilities: true,
    }),
};
