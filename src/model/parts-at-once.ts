// For createSync, which cannot wait for anything.

import { LearnedPreparation } from "./data/learned-preparation.ts";
import { orthogonalize } from "./initial/orthogonal.ts";
import type { Parts } from "./parts.ts";

export const everyPart: Parts = { LearnedPreparation, orthogonalize };
