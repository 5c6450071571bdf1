// StepLR: base · gamma^⌊t / stepSize⌋.

import { wholePower } from "../../math/powers.ts";
import { positive, whole } from "../../options.ts";
import { type CountedOptions, per, type ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"step"`. */
export interface StepScheduleOptions extends CountedOptions {
  /** The number of steps or epochs between two reductions, at least 1. */
  stepSize: number;
  /** The factor of a reduction, greater than 0. Default 0.1. */
  gamma?: number;
}

export const step: ScheduleDefinition<"step", StepScheduleOptions> = {
  type: "step",
  options: { per, stepSize: whole(1), gamma: positive(0.1) },
  create: ({ per, stepSize, gamma }) => ({
    per,
    rate: (t, base) => base * wholePower(gamma, Math.floor(t / stepSize)),
  }),
};
