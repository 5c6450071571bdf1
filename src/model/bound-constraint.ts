// The constraint of a model, bound to its tied weights.

import { type ConstraintConfig, constraints } from "../constraints/index.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { longForm } from "../options.ts";
import type { Parameters } from "./parameters.ts";

export interface BoundConstraint {
  /** Changes the weights so that the condition holds. */
  apply(): void;
  /** Changes the gradients before they are clipped. */
  project(): void;
}

const free: BoundConstraint = { apply() {}, project() {} };

/** Binds a constraint to the tied weights. Without a constraint, both functions do nothing. */
export function bindConstraint(
  kernels: KernelExports,
  parameters: Parameters,
  config: ConstraintConfig | undefined,
): BoundConstraint {
  if (config === undefined) return free;
  const options = longForm(config);
  const constraint = constraints.of(options);
  const weights = parameters.ofKind("tiedWeight");
  return {
    apply: () => constraint.apply(kernels, weights, options),
    project: () => constraint.project?.(kernels, weights, options),
  };
}
