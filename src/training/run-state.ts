// How far a run of `fit` has come: all that a resumed run needs beside the weights and the optimizer's
// state. Shuffles, dropout and noise need nothing here, being drawn by step and epoch.

import type { Weights } from "../model/state.ts";
import type { TrainingStep } from "../model/step.ts";
import type { BatchSource } from "./batches.ts";
import type { PlateauState } from "./schedules/schedule.ts";

/** What early stopping remembers from epoch to epoch. */
export interface StoppingState {
  /** The lowest loss so far; absent before the first epoch. */
  best?: number;
  /** Epochs since that loss. */
  waited: number;
}

export interface RunState {
  /** Rows an epoch and rows a step; both 0 where data arrives in pieces. */
  readonly rows: number;
  readonly batchSize: number;
  /** The epoch under way and its batches that were trained on. */
  epoch: number;
  batch: number;
  /** Values that counted in their losses, and the sum over those values of their batches' losses. */
  weightDone: number;
  lossSum: number;
  /** Steps since epoch 0, for schedules. */
  step: number;
  /** Early stopping has ended the run. */
  stopped: boolean;
  readonly plateau: PlateauState;
  readonly stopping: StoppingState;
  /** The weights of the best epoch; absent where nobody wants them. */
  best?: Weights;
  /**
   * The weights where the run was cut, while the model has those of the best epoch; absent where the model has them
   * itself.
   */
  last?: Weights;
}

/** A run over a source's batches that has not begun, before `epoch`. */
export function freshRun(
  { rows, batchSize, stepsPerEpoch }: Pick<BatchSource, "rows" | "batchSize" | "stepsPerEpoch">,
  epoch: number,
): RunState {
  const step = epoch * stepsPerEpoch;
  const progress = { epoch, batch: 0, weightDone: 0, lossSum: 0, step, stopped: false };
  return { rows, batchSize, ...progress, plateau: freshPlateau(), stopping: { waited: 0 } };
}

/** Counts the step that was just taken. */
export function countStep(run: RunState, { loss, known }: TrainingStep): void {
  run.lossSum += loss * known;
  run.weightDone += known;
  run.batch += 1;
  run.step += 1;
}

/** What reduceOnPlateau knows before the first epoch. */
export function freshPlateau(): PlateauState {
  return { waited: 0, cooling: 0, factor: 1 };
}
