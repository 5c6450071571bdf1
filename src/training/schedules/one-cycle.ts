// OneCycleLR (Smith & Topin 2019): the rate increases from maxLearningRate / divFactor to maxLearningRate during the share
// pctStart of totalSteps. Then it decreases to the first rate / finalDivFactor. Momentum does not change.

import { InvalidValueError } from "../../errors.ts";
import { nameOf, optional, positive, share, whole } from "../../options.ts";
import { anneal } from "./cosine.ts";
import { type CountedOptions, per, type ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"oneCycle"`. */
export interface OneCycleScheduleOptions extends CountedOptions {
  /** The highest rate, greater than 0. */
  maxLearningRate: number;
  /** The length of the cycle in steps or epochs. Default: the length of the run, if it is known. */
  totalSteps?: number | undefined;
  /** The share of the cycle in which the rate increases, in [0, 1). Default 0.3. */
  pctStart?: number;
  /** The shape of both parts. Default `"cos"`. */
  annealStrategy?: "cos" | "linear";
  /** The highest rate divided by the first rate, greater than 0. Default 25. */
  divFactor?: number;
  /** The first rate divided by the last rate, greater than 0. Default 1e4. */
  finalDivFactor?: number;
}

export const oneCycle: ScheduleDefinition<"oneCycle", OneCycleScheduleOptions> = {
  type: "oneCycle",
  options: {
    per,
    maxLearningRate: positive(),
    totalSteps: optional(whole(1)),
    pctStart: share(0.3),
    annealStrategy: nameOf<"cos" | "linear">(["cos", "linear"], "cos"),
    divFactor: positive(25),
    finalDivFactor: positive(1e4),
  },
  create(options, length) {
    const { per, maxLearningRate: peak, divFactor, finalDivFactor } = options;
    const total = options.totalSteps ?? length(per);
    if (total === undefined) {
      throw new InvalidValueError(
        "schedule.totalSteps is needed for data that arrives in pieces: the run's length is not known.",
      );
    }
    const last = Math.max(0, total - 1);
    const between = options.annealStrategy === "cos" ? anneal : line;
    const first = peak / divFactor;
    const end = first / finalDivFactor;
    const top = options.pctStart * (last + 1) - 1;
    return {
      per,
      rate(t) {
        if (t <= top) return top === 0 ? peak : between(first, peak, t / top);
        return t >= last ? end : between(peak, end, (t - top) / (last - top));
      },
    };
  },
};

function line(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
