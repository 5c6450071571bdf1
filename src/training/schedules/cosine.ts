// CosineAnnealingLR: the rate decreases from base to etaMin along half a cosine of tMax steps, and then increases again.
// Before these steps, the rate increases linearly to base in `warmUp` steps.

import { cosPi } from "../../math/cosine.ts";
import { atLeast0, whole } from "../../options.ts";
import { type CountedOptions, per, type ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"cosine"`. */
export interface CosineScheduleOptions extends CountedOptions {
  /** The number of steps or epochs from the highest rate to the lowest, at least 1. */
  tMax: number;
  /** The lowest rate, at least 0. Default 0. */
  etaMin?: number;
  /** The number of steps or epochs in which the rate first increases to the base rate. Default 0. */
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

/** Half a cosine from `from` (share 0) to `to` (share 1). Larger shares continue the cosine. */
export function anneal(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + cosPi(share))) / 2;
}
