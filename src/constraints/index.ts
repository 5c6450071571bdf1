// The constraints that a configuration can name.

import { type NameOf, Registry, type ResolvedOf, type SpecOf, shortForm } from "../options.ts";
import type { AnyConstraint } from "./constraint.ts";
import { maxNorm } from "./max-norm.ts";
import { nonNegative } from "./non-negative.ts";
import { unitNorm } from "./unit-norm.ts";

const definitions = [unitNorm, nonNegative, maxNorm];
type Constraints = (typeof definitions)[number];

export const constraints = new Registry<AnyConstraint, Constraints>("constraint", definitions);

/** The name of a constraint. */
export type ConstraintName = NameOf<Constraints>;

/** A constraint by name, or with its options. */
export type ConstraintSpec = SpecOf<Constraints>;

/** A constraint with every default filled in, or only its name if it has no options. */
export type ConstraintConfig = ResolvedOf<Constraints> | ConstraintName;

/** Checks a constraint and fills in its options. */
export function resolveConstraint(spec: unknown): ConstraintConfig {
  return shortForm(constraints.resolve("constraint", spec));
}
