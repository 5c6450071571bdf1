// Penalties on the size of the tied weights: l1 · Σ|w| and l2 · Σw². Each tied weight counts once. Biases are not
// penalized. The gradients are l1 sign(w), with sign(0) = 0, and 2 l2 w.

import type { Room } from "../layers/layer.ts";
import { atLeast0 } from "../options.ts";
import type { PenaltyDefinition, PenaltySubject, PlannedPenalty } from "./penalty.ts";

/** Options of the penalties `"l1"` and `"l2"`. */
export interface WeightPenaltyOptions {
  /** Factor on the sum over the weights, at least 0. */
  weight: number;
}

/** Both penalties in one planned penalty. */
export function planWeightPenalty(
  { weights }: PenaltySubject,
  l1: number,
  l2: number,
): PlannedPenalty {
  return {
    value({ kernels }) {
      let sum = 0;
      for (const { length, value } of weights) {
        sum += l1 * kernels.sumAbs(length, value);
        sum += l2 * kernels.sumSquares(length, value);
      }
      return sum;
    },
    weightGradient({ kernels, scale }) {
      for (const { length, value, gradient } of weights) {
        kernels.addPenaltyGradient(length, value, gradient, l1, l2, scale);
      }
    },
  };
}

export const l1: PenaltyDefinition<"l1", WeightPenaltyOptions> = {
  type: "l1",
  options: { weight: atLeast0() },
  plan: (_: Room, subject, { weight }) => planWeightPenalty(subject, weight, 0),
};

export const l2: PenaltyDefinition<"l2", WeightPenaltyOptions> = {
  type: "l2",
  options: { weight: atLeast0() },
  plan: (_: Room, subject, { weight }) => planWeightPenalty(subject, 0, weight),
};
