// Mean absolute error: |y - t|. The gradient at 0 is 0.

import { Loss } from "../../assembly/ops.ts";
import { elementwise, type LossDefinition } from "./loss.ts";

export const mae: LossDefinition<"mae", object> = {
  type: "mae",
  options: {},
  create: () => elementwise(Loss.mae),
};
