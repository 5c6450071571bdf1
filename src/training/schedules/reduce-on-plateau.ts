// ReduceLROnPlateau: multiplies the rate by `factor` after an epoch, if the monitored loss has not decreased by the share
// `threshold` for more than `patience` epochs. The rate is never less than `minLearningRate`. After a reduction it waits
// `cooldown` epochs before it counts again. It makes no reductions of `epsilon` or less.

import { atLeast0, nameOf, optional, share, whole } from "../../options.ts";
import type { Monitor, ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"reduceOnPlateau"`. */
export interface ReduceOnPlateauOptions {
  /** The factor of a reduction, in [0, 1). Default 0.1. */
  factor?: number;
  /** The number of epochs without improvement that are allowed before a reduction. Default 10. */
  patience?: number;
  /** The share by which the loss must decrease to count as an improvement. Default 1e-4. */
  threshold?: number;
  /** The number of epochs after a reduction that are not counted. Default 0. */
  cooldown?: number;
  /** The lowest rate. Default 0. */
  minLearningRate?: number;
  /** The rate is only reduced by more than this. Default 1e-8. */
  epsilon?: number;
  /** The monitored loss. Default `"valLoss"` if there is validation, otherwise `"loss"`. */
  monitor?: Monitor | undefined;
}

export const reduceOnPlateau: ScheduleDefinition<"reduceOnPlateau", ReduceOnPlateauOptions> = {
  type: "reduceOnPlateau",
  options: {
    factor: share(0.1),
    patience: whole(0, 10),
    threshold: atLeast0(1e-4),
    cooldown: whole(0, 0),
    minLearningRate: atLeast0(0),
    epsilon: atLeast0(1e-8),
    monitor: optional(nameOf<Monitor>(["loss", "valLoss"])),
  },
  create(options) {
    const { factor, patience, threshold, cooldown, minLearningRate, epsilon, monitor } = options;
    const rateAt = (base: number, reduction: number) =>
      Math.min(base, Math.max(base * reduction, minLearningRate));
    return {
      per: "epoch",
      monitor,
      rate: (_, base, plateau) => rateAt(base, plateau.factor),
      observe(loss, base, plateau) {
        if (plateau.best === undefined || loss < plateau.best * (1 - threshold)) {
          plateau.best = loss;
          plateau.waited = 0;
        } else plateau.waited += 1;
        if (plateau.cooling > 0) {
          plateau.cooling -= 1;
          plateau.waited = 0;
        }
        if (plateau.waited <= patience) return;
        const reduced = plateau.factor * factor;
        if (rateAt(base, plateau.factor) - rateAt(base, reduced) > epsilon)
          plateau.factor = reduced;
        plateau.cooling = cooldown;
        plateau.waited = 0;
      },
    };
  },
};
