// For entries that are to be small.

import type { ResolvedConfig } from "./config.ts";
import { preparationNames } from "./data/preparation.ts";
import type { Parts } from "./parts.ts";

/** The parts that a configuration needs: for most models none, and nothing is loaded. */
export async function partsOnDemand(config: ResolvedConfig): Promise<Partial<Parts>> {
  return {
    ...(preparationNames(config).length > 0 ? await import("./data/learned-preparation.ts") : {}),
    ...(config.initializer === "orthogonal" ? await import("./initial/orthogonal.ts") : {}),
  };
}
