// Early stopping: ends a run when the monitored loss stops decreasing, and restores the best weights on request. Epochs
// are counted as in Keras.

import { record } from "../checks.ts";
import { InvalidStateError } from "../errors.ts";
import type { ModelState } from "../model/state.ts";
import {
  atLeast0,
  type Checks,
  flag,
  nameOf,
  optional,
  resolveOptions,
  whole,
} from "../options.ts";
import type { RunState } from "./run-state.ts";
import type { Monitor } from "./schedules/schedule.ts";

/** Options of early stopping. */
export interface EarlyStoppingOptions {
  /** The monitored loss. Default `"valLoss"` if there is validation, otherwise `"loss"`. */
  monitor?: Monitor | undefined;
  /** The number of epochs without improvement after which the run ends. 0 has the same effect as 1. Default 0. */
  patience?: number;
  /** A decrease of at most this value is not an improvement. Default 0. */
  minDelta?: number;
  /** Whether to restore the weights of the best epoch at the end, also if the run was not stopped. Default false. */
  restoreBest?: boolean;
}

export const earlyStoppingChecks: Checks<EarlyStoppingOptions> = {
  monitor: optional(nameOf<Monitor>(["loss", "valLoss"])),
  patience: whole(0, 0),
  minDelta: atLeast0(0),
  restoreBest: flag(false),
};

/** The part of a model that early stopping uses. The threshold of a sparse code belongs to the weights. */
type Model = Pick<ModelState, "copyWeights" | "restore">;

export interface EarlyStopping {
  readonly monitor: Monitor | undefined;
  /** Records the loss of an epoch, and the weights if it is the best one. May stop the run. */
  observe(loss: number, run: RunState, model: Model): void;
  /**
   * Restores the best weights, if `restoreBest` is set. `isCut` means that the run was cut and may be resumed: then the
   * run keeps its last weights.
   */
  restore(run: RunState, model: Model, isCut: boolean): void;
  /** @throws InvalidStateError if there were epochs and none had a finite loss. */
  requireObserved(run: RunState): void;
}

/** Checks the options of early stopping. */
export function resolveEarlyStopping(settings: unknown): EarlyStopping {
  const given = record("earlyStopping", settings);
  const options = resolveOptions("earlyStopping", "earlyStopping", given, earlyStoppingChecks);
  const { monitor, minDelta, restoreBest } = options;
  const patience = Math.max(1, options.patience);
  return {
    monitor,
    observe(loss, run, model) {
      const state = run.stopping;
      if (Number.isFinite(loss) && (state.best === undefined || loss < state.best - minDelta)) {
        state.best = loss;
        state.waited = 0;
        if (restoreBest) run.best = model.copyWeights();
      } else state.waited += 1;
      if (state.waited >= patience) run.stopped = true;
    },
    restore(run, model, isCut) {
      if (!restoreBest || !run.best) return;
      if (isCut) run.last = model.copyWeights();
      model.restore(run.best);
    },
    requireObserved({ stopping }) {
      if (stopping.best !== undefined || stopping.waited === 0) return;
      throw new InvalidStateError(
        `earlyStopping watched ${stopping.waited} epochs, and the monitored loss was finite in none. The weights are those of the last step.`,
      );
    },
  };
}
