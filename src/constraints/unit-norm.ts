// Unit norm: every row of the outermost weight has norm 1. So units only differ in direction, and a model cannot avoid a
// penalty on the code by small codes and large weights. Before the gradients are clipped, their component along each row
// is removed: g − (g·w / w·w) w. Momentum is not projected.

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
