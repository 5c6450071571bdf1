// What a constraint is: a condition on the tied weights that holds for the initial weights and after every step.

import type { KernelExports } from "../core/generated/exports.ts";
import type { Parameter } from "../layers/layer.ts";
import type { Definition, Resolved } from "../options.ts";

export interface ConstraintDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Whether it only holds for the outermost weight. Default false: for every tied weight. */
  readonly isOutermost?: boolean;
  /** Changes the weights so that the condition holds. `weights` are ordered from the input to the code. */
  apply(kernels: KernelExports, weights: readonly Parameter[], options: Resolved<Options>): void;
  /** Changes the gradients before they are clipped. */
  project?(kernels: KernelExports, weights: readonly Parameter[], options: Resolved<Options>): void;
}

export type AnyConstraint = ConstraintDefinition<string, object>;
