// Every loss of one element and its gradient in float64, from the definition.

import type { Loss } from "../../../assembly/ops.ts";
import { sigmoid } from "./functions.ts";

export interface LossReference {
  value(y: number, t: number, parameter: number): number;
  gradient(y: number, t: number, parameter: number): number;
  /** Parameters to test with, for a loss that has one. */
  readonly parameters?: readonly number[];
}

const clamp = (d: number, limit: number) => Math.max(-limit, Math.min(limit, d));

export const losses: Record<keyof typeof Loss, LossReference> = {
  mse: { value: (y, t) => (y - t) ** 2, gradient: (y, t) => 2 * (y - t) },
  mae: { value: (y, t) => Math.abs(y - t), gradient: (y, t) => Math.sign(y - t) },
  bce: {
    value: (z, t) => Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z))),
    gradient: (z, t) => sigmoid(z) - t,
  },
  huber: {
    value: (y, t, delta) => {
      const d = Math.abs(y - t);
      return d <= delta ? d ** 2 / 2 : delta * (d - delta / 2);
    },
    gradient: (y, t, delta) => clamp(y - t, delta),
    parameters: [1, 0.25],
  },
  smoothL1: {
    value: (y, t, beta) => {
      const d = Math.abs(y - t);
      return d < beta ? d ** 2 / (2 * beta) : d - beta / 2;
    },
    gradient: (y, t, beta) => (Math.abs(y - t) < beta ? (y - t) / beta : Math.sign(y - t)),
    parameters: [1, 0.25, 0],
  },
};
