// Early stopping: ends a run once the monitored loss has stopped falling, and gives the best weights
// back on request. The counting is Keras'.

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

/** When a run ends early. */
export interface EarlyStoppingOptions {
  /** The loss to watch. Default `"valLoss"` where there is validation, else `"loss"`. */
  monitor?: Monitor | undefined;
  /** Epochs without improvement after which the run ends; 0 counts as 1. Default 0. */
  patience?: number;
  /** A fall by no more than this does not count as improvement. Default 0. */
  minDelta?: number;
  /** Ends the run with the weights of its best epoch, also where it was not stopped. Default false. */
  restoreBest?: boolean;
}

const checks: Checks<EarlyStoppingOptions> = {
  monitor: optional(nameOf<Monitor>(["loss", "valLoss"])),
  patience: whole(0, 0),
  minDelta: atLeast0(0),
  restoreBest: flag(false),
};

/** What early stopping needs of a model. The threshold of a sparse code goes with its weights. */
type Model = Pick<ModelState, "copyWeights" | "restore">;

export interface EarlyStopping {
  readonly monitor: Monitor | undefined;
  /** Takes an epoch's loss into account, and the model it left; may stop the run. */
  observe(loss: number, run: RunState, model: Model): void;
  /**
   * Gives back the best weights, where they are wanted. A run that `isCut`, and may be resumed, keeps those that it
   * had.
   */
  restore(run: RunState, model: Model, isCut: boolean): void;
  /** @throws InvalidStateError when epochs passed and none had a finite loss. */
  requireObserved(run: RunState): void;
}

/** Checks early stopping's settings. */
export function resolveEarlyStopping(settings: unknown): EarlyStopping {
  const given = record("earlyStopping", settings);
  const options = resolveOptions("earlyStopping", "earlyStopping", given, checks);
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
