// CosineAnnealingLR: from base to etaMin along half a cosine of tMax steps, and back up after it. The first `warmUp`
// steps climb to base in equal parts and come on top of tMax.

import { cosPi } from "../../math/cosine.ts";
import { atLeast0, whole } from "../../options.ts";
import { type CountedOptions, per, type ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"cosine"`. */
export interface CosineScheduleOptions extends CountedOptions {
  /** Steps or epochs from the highest rate to the lowest. */
  tMax: number;
  /** The lowest rate. Default 0. */
  etaMin?: number;
  /** Steps or epochs that climb to the base rate first. Default 0. */
  warmUp?: number;
}

export const cosine: ScheduleDefinition<"cosine", CosineScheduleOptions> = {
  type: "cosine",
  options: { per, tMax: whole(1), etaMin: atLeast0(0), warmUp: whole(0, 0) },
  create: ({ per, tMax, etaMin, warmUp }) => ({
    per,
    rate: (t, base) =>
      t < warmUp ? (base * (t + 1)) / (warmUp + 1) : anneal(base, etaMin, (t - warmUp) / tMax),
  }),
};

/** Half a cosine from `from` (share 0) to `to` (share 1), and on along it. */
export function anneal(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + cosPi(share))) / 2;
}
