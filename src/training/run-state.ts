// The progress of a run of `fit`: everything that a resumed run needs besides the weights and the optimizer's state.
// Shuffling, dropout and noise need no state, because they only depend on the step and the epoch.

import type { Weights } from "../model/state.ts";
import type { TrainingStep } from "../model/step.ts";
import type { BatchSource } from "./batches.ts";
import type { PlateauState } from "./schedules/schedule.ts";

/** The state of early stopping. */
export interface StoppingState {
  /** The lowest loss so far. Absent before the first epoch. */
  best?: number;
  /** The number of epochs since the lowest loss. */
  waited: number;
}

export interface RunState {
  /** Rows per epoch and rows per step. Both are 0 for a stream. */
  readonly rows: number;
  readonly batchSize: number;
  /** The current epoch, and the number of its batches that are done. */
  epoch: number;
  batch: number;
  /** The number of known values of these batches, and the sum of their losses, each times its number of known values. */
  weightDone: number;
  lossSum: number;
  /** The number of steps since epoch 0, for schedules. */
  step: number;
  /** Whether early stopping has ended the run. */
  stopped: boolean;
  readonly plateau: PlateauState;
  readonly stopping: StoppingState;
  /** The weights of the best epoch, if early stopping restores them. */
  best?: Weights;
  /** The last weights of a cut run, if the model now has the weights of the best epoch. */
  last?: Weights;
}

/** The state of a new run over the batches of a source, at the beginning of `epoch`. */
export function freshRun(
  { rows, batchSize, stepsPerEpoch }: Pick<BatchSource, "rows" | "batchSize" | "stepsPerEpoch">,
  epoch: number,
): RunState {
  const step = epoch * stepsPerEpoch;
  const progress = { epoch, batch: 0, weightDone: 0, lossSum: 0, step, stopped: false };
  return { rows, batchSize, ...progress, plateau: freshPlateau(), stopping: { waited: 0 } };
}

/** Records the last step. */
export function countStep(run: RunState, { loss, known }: TrainingStep): void {
  run.lossSum += loss * known;
  run.weightDone += known;
  run.batch += 1;
  run.step += 1;
}

/** The state of reduceOnPlateau before the first epoch. */
export function freshPlateau(): PlateauState {
  return { waited: 0, cooling: 0, factor: 1 };
}
