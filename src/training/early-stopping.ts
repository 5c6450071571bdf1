// Early stopping: ends a run once the monitored loss has stopped falling, and gives the best weights
// back on request. The counting is Keras'.

import { boolean, finiteNumber, onlyKeys, record, wholeNumber } from "../checks.ts";
import type { RunState } from "./run-state.ts";
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
  /** Takes an epoch's loss into account, and the weights it left; may stop the run. */
  observe(loss: number, run: RunState, weights: Float32Array): void;
  /** Gives back the best weights, where they are wanted. */
  finish(run: RunState, weights: Float32Array): void;
}

/** Checks early stopping's settings. */
export function resolveEarlyStopping(settings: unknown): EarlyStopping {
  const options = record("earlyStopping", settings);
  onlyKeys("earlyStopping", options, ["monitor", "patience", "minDelta", "restoreBest"]);
  const minDelta = finiteNumber("earlyStopping.minDelta", options.minDelta ?? 0, 0);
  const patience = Math.max(1, wholeNumber("earlyStopping.patience", options.patience ?? 0, 0));
  const restoreBest = boolean("earlyStopping.restoreBest", options.restoreBest ?? false);
  return {
    monitor:
      options.monitor === undefined ? undefined : checkedMonitor("earlyStopping", options.monitor),
    observe(loss, run, weights) {
      const state = run.stopping;
      if (state.best === undefined || loss < state.best - minDelta) {
        state.best = loss;
        state.waited = 0;
        if (restoreBest) {
          run.best ??= new Float32Array(weights.length);
          run.best.set(weights);
        }
      } else state.waited += 1;
      if (state.waited >= patience) run.stopped = true;
    },
    finish({ best }, weights) {
      if (restoreBest && best) weights.set(best);
    },
  };
}
