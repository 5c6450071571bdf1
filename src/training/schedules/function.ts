// A schedule as a function of the caller: it gets the step or epoch, counted from 0, and the base rate.

import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import type { Check } from "../../options.ts";
import {
  type CountedOptions,
  per,
  type ScheduleDefinition,
  type ScheduleUnit,
} from "./schedule.ts";

/** Returns the learning rate of a step or an epoch, counted from 0. `base` is the base rate. */
export type RateFunction = (index: number, base: number) => number;

/** Options of the schedule `"function"`. */
export interface FunctionScheduleOptions extends CountedOptions {
  /** Returns the learning rate of step or epoch `index`. It must be finite and at least 0. */
  rate: RateFunction;
}

const rateFunction: Check<RateFunction> = (where, value) => {
  if (isRateFunction(value)) return value;
  throw new InvalidTypeError(`${where} must be a function; got ${show(value)}.`);
};

export const isRateFunction = (value: unknown): value is RateFunction =>
  typeof value === "function";

export const functionSchedule: ScheduleDefinition<"function", FunctionScheduleOptions> = {
  type: "function",
  options: { per, rate: rateFunction },
  create: ({ per, rate }) => ({
    per,
    rate: (index, base) => checkedRate(rate(index, base), per, index),
  }),
};

function checkedRate(value: unknown, per: ScheduleUnit, index: number): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new InvalidValueError(
    `The schedule must return a finite rate of at least 0; for ${per} ${index} it returned ${show(value)}.`,
  );
}
