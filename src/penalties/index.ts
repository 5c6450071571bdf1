// The penalties that a configuration can name.

import { type NameOf, Registry, type ResolvedOf, type SpecOf } from "../options.ts";
import { codeL1 } from "./code-l1.ts";
import { contraction } from "./contraction.ts";
import { klSparsity } from "./kl-sparsity.ts";
import { orthogonality } from "./orthogonality.ts";
import type { AnyPenalty } from "./penalty.ts";
import { l1, l2 } from "./weights.ts";

const definitions = [l1, l2, klSparsity, codeL1, contraction, orthogonality];
type Penalties = (typeof definitions)[number];

export const penalties = new Registry<AnyPenalty, Penalties>("penalty", definitions);

/** The name of a penalty. */
export type PenaltyName = NameOf<Penalties>;

/** A penalty with its options. */
export type PenaltySpec = SpecOf<Penalties>;

/** A penalty with every default filled in. */
export type PenaltyConfig = ResolvedOf<Penalties>;
