// Early stopping: ends a run once the monitored loss has stopped falling, and gives the best weights
// back on request. The counting is Keras'.

import { boolean, finiteNumber, onlyKeys, record, wholeNumber } from "../../checks.ts";
import { checkedMonitor, type Monitor } from "./schedules.ts";

export interface EarlyStoppingOptions {
  /** The loss to watch. Default `"valLoss"` where there is validation, else `"loss"`. */
  monitor?: Monitor;
  /** Epochs without improvement after which the run ends; 0 counts as 1. Default 0. */
  patience?: number;
  /** A fall by no more than this does not count as improvement. Default 0. */
  minDelta?: number;
  /** Ends the run with the weights of its best epoch, also where it was not stopped. Default false. */
  restoreBest?: boolean;
}

/** What early stopping remembers from epoch to epoch. */
export interface StoppingState {
  /** The lowest loss so far; absent before the first epoch. */
  best?: number;
  waited: number;
}

export interface EarlyStopping {
  readonly monitor: Monitor | undefined;
  readonly restoreBest: boolean;
  readonly patience: number;
  /** Takes an epoch's loss into account; true when it is the best so far. */
  observe(loss: number, state: StoppingState): boolean;
}

/** Checks early stopping's settings. */
export function resolveEarlyStopping(settings: unknown): EarlyStopping {
  const options = record("earlyStopping", settings);
  onlyKeys("earlyStopping", options, ["monitor", "patience", "minDelta", "restoreBest"]);
  const minDelta = finiteNumber("earlyStopping.minDelta", options.minDelta ?? 0, 0);
  return {
    monitor:
      options.monitor === undefined ? undefined : checkedMonitor("earlyStopping", options.monitor),
    patience: Math.max(1, wholeNumber("earlyStopping.patience", options.patience ?? 0, 0)),
    restoreBest: boolean("earlyStopping.restoreBest", options.restoreBest ?? false),
    observe(loss, state) {
      const improved = state.best === undefined || loss < state.best - minDelta;
      state.waited = improved ? 0 : state.waited + 1;
      if (improved) state.best = loss;
      return improved;
    },
  };
}
