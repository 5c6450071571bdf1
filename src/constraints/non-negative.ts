// Non-negative weights: after every step, tied weights below 0 become 0. This leads to features that are parts of the
// input.

import type { ConstraintDefinition } from "./constraint.ts";

export const nonNegative: ConstraintDefinition<"nonNegative", object> = {
  type: "nonNegative",
  options: {},
  apply(kernels, weights) {
    for (const { length, value } of weights) kernels.clamp(length, value, 0, Infinity, value);
  },
};
