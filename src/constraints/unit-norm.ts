// Unit norm: every row of the first weight has norm 1, so that units differ by direction alone and a penalty on the code
// cannot be evaded by small codes under large weights. Before the gradients are clipped, the part along each row is
// removed: g − (g·w / w·w) w. Momentum is not projected.

import type { ConstraintDefinition } from "./constraint.ts";

export const unitNorm: ConstraintDefinition<"unitNorm", object> = {
  type: "unitNorm",
  options: {},
  isOutermost: true,
  apply(kernels, [first]) {
    const [units = 0, inputs = 0] = first?.spec.shape ?? [];
    if (first) kernels.setRowNorms(units, inputs, first.value, inputs, 1, 0);
  },
  project(kernels, [first]) {
    const [units = 0, inputs = 0] = first?.spec.shape ?? [];
    if (first) kernels.projectRows(units, inputs, first.value, inputs, first.gradient, inputs);
  },
};
