// Mean squared error: (y - t)².

import { Loss } from "../../assembly/ops.ts";
import { elementwise, type LossDefinition } from "./loss.ts";

export const mse: LossDefinition<"mse", object> = {
  type: "mse",
  options: {},
  create: () => elementwise(Loss.mse, 0, { isSquaredError: true }),
};
