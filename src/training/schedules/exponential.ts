// ExponentialLR: base · gamma^t.

import { wholePower } from "../../math/powers.ts";
import { positive } from "../../options.ts";
import { type CountedOptions, per, type ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"exponential"`. */
export interface ExponentialScheduleOptions extends CountedOptions {
  /** The factor per step or epoch, greater than 0. */
  gamma: number;
}

export const exponential: ScheduleDefinition<"exponential", ExponentialScheduleOptions> = {
  type: "exponential",
  options: { per, gamma: positive() },
  create: ({ per, gamma }) => ({ per, rate: (t, base) => base * wholePower(gamma, t) }),
};
