// Max norm (Srebro et al. 2005): after every step, rows of tied weights with a norm greater than `max` are scaled to the
// norm `max`.

import { positive } from "../options.ts";
import type { ConstraintDefinition } from "./constraint.ts";

/** Options of the constraint `"maxNorm"`. */
export interface MaxNormOptions {
  /** The largest norm of a row, greater than 0. */
  max: number;
}

export const maxNorm: ConstraintDefinition<"maxNorm", MaxNormOptions> = {
  type: "maxNorm",
  options: { max: positive() },
  apply(kernels, weights, { max }) {
    for (const { spec, value } of weights) {
      const [units = 0, inputs = 0] = spec.shape;
      kernels.setRowNorms(units, inputs, value, inputs, max, 1);
    }
  },
};
