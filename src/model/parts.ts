// What only some configurations need: scaling and filling in, and orthogonal weights. An entry has them at
// once (parts-at-once.ts) or on demand (parts-on-demand.ts).

import type { LearnedPreparation } from "./data/learned-preparation.ts";
import type { orthogonalize } from "./initial/orthogonal.ts";

export interface Parts {
  readonly LearnedPreparation: typeof LearnedPreparation;
  readonly orthogonalize: typeof orthogonalize;
}
