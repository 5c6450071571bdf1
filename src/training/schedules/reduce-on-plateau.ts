// ReduceLROnPlateau: after each epoch, multiplies the rate by `factor`, not below `minLearningRate`, once the
// monitored loss has not fallen by the share `threshold` for more than `patience` epochs; then waits `cooldown`
// epochs before it counts again. A reduction of no more than `epsilon` is not made.

import { atLeast0, nameOf, optional, share, whole } from "../../options.ts";
import type { Monitor, ScheduleDefinition } from "./schedule.ts";

/** Options of the schedule `"reduceOnPlateau"`. */
export interface ReduceOnPlateauOptions {
  /** Factor of a reduction, in [0, 1). Default 0.1. */
  factor?: number;
  /** Epochs without a fall that are let pass. Default 10. */
  patience?: number;
  /** Share by which the loss must fall to count. Default 1e-4. */
  threshold?: number;
  /** Epochs after a reduction before counting begins again. Default 0. */
  cooldown?: number;
  /** The lowest rate. Default 0. */
  minLearningRate?: number;
  /** Reductions of the rate by no more than this are not made. Default 1e-8. */
  epsilon?: number;
  /** The loss to watch. Default `"valLoss"` where there is validation, else `"loss"`. */
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
