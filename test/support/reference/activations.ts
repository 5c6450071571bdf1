// Every activation in float64 from its definition. There are no derivatives: the tests
// compute them by finite differences.

import type { Activation } from "../../../assembly/ops.ts";
import { erfc, sigmoid } from "./functions.ts";

export interface ActivationReference {
  act(z: number, parameter: number): number;
  /** Parameters to test with, for an activation that has one. */
  readonly parameters?: readonly number[];
  /** Points other than 0 at which the derivative is not continuous. */
  readonly kinks?: readonly number[];
}

const SELU = { scale: 1.0507009873554805, alpha: 1.6732632423543772 };
const elu = (z: number, alpha: number) => (z > 0 ? z : alpha * Math.expm1(z));

export const activations: Record<keyof typeof Activation, ActivationReference> = {
  linear: { act: (z) => z },
  relu: { act: (z) => Math.max(z, 0) },
  leakyRelu: { act: (z, slope) => (z > 0 ? z : slope * z), parameters: [0.01, 0.5, -0.25] },
  elu: { act: elu, parameters: [1, 0.3] },
  selu: { act: (z) => SELU.scale * elu(z, SELU.alpha) },
  gelu: { act: (z) => (z / 2) * erfc(-z / Math.SQRT2) },
  geluTanh: { act: (z) => z * sigmoid(Math.sqrt(8 / Math.PI) * (z + 0.044715 * z ** 3)) },
  silu: { act: (z) => z * sigmoid(z) },
  softplus: { act: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) },
  sigmoid: { act: sigmoid },
  tanh: { act: Math.tanh },
};
