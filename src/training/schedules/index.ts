// The schedules that `fit` can name.

import { Registry, type SpecOf } from "../../options.ts";
import { cosine } from "./cosine.ts";
import { exponential } from "./exponential.ts";
import { functionSchedule, isRateFunction, type RateFunction } from "./function.ts";
import { oneCycle } from "./one-cycle.ts";
import { reduceOnPlateau } from "./reduce-on-plateau.ts";
import type { AnySchedule, RunLength, Schedule } from "./schedule.ts";
import { step } from "./step.ts";

const definitions = [step, exponential, cosine, oneCycle, reduceOnPlateau, functionSchedule];
type Schedules = (typeof definitions)[number];

export const schedules = new Registry<AnySchedule, Schedules>("schedule", definitions);

/** The learning rate during a run: a schedule with its options, or a function. */
export type ScheduleSpec = RateFunction | SpecOf<Schedules>;

/** Checks the options of a schedule. `length` returns the length of the run, if it is known. */
export function resolveSchedule(spec: unknown, length: RunLength): Schedule {
  const options = schedules.resolve(
    "schedule",
    isRateFunction(spec) ? { type: "function", rate: spec } : spec,
  );
  return schedules.of(options).create(options, length);
}
