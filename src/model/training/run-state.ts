// How far a run of `fit` has come: all that a resumed run needs beside the weights and the optimizer's
// state. Shuffles, dropout and noise need nothing here, being drawn by step and epoch.

import { finiteNumber, record, wholeNumber } from "../../checks.ts";
import type { StoppingState } from "./early-stopping.ts";
import { freshPlateau, type PlateauState } from "./schedules.ts";

export interface RunState {
  /** Rows an epoch and rows a step; both 0 where data arrives in pieces. */
  readonly rows: number;
  readonly batchSize: number;
  /** The epoch under way and its batches and rows that were trained on. */
  epoch: number;
  batch: number;
  rowsDone: number;
  /** Sum over those rows of their batches' losses. */
  lossSum: number;
  /** Steps since epoch 0, for schedules. */
  step: number;
  /** Early stopping has ended the run. */
  stopped: boolean;
  readonly plateau: PlateauState;
  readonly stopping: StoppingState;
  /** The weights of the best epoch, a block like the parameters; absent where nobody wants them. */
  best?: Float32Array;
}

/** A run that has not begun: before `epoch`, which is also step `step`. */
export function freshRun(rows: number, batchSize: number, epoch: number, step: number): RunState {
  const progress = { epoch, batch: 0, rowsDone: 0, lossSum: 0, step, stopped: false };
  return { rows, batchSize, ...progress, plateau: freshPlateau(), stopping: { waited: 0 } };
}

/** The run as plain JSON, but for the best weights. */
export function runToJson({ best, ...state }: RunState): Record<string, unknown> {
  return state;
}

/** Reads what `runToJson` gave; throws as the argument checks do. */
export function runFromJson(value: unknown): RunState {
  const from = record("run", value);
  const whole = (key: string) => wholeNumber(`run.${key}`, from[key], 0);
  const plateau = record("run.plateau", from.plateau);
  const stopping = record("run.stopping", from.stopping);
  const best = (where: string, memory: Record<string, unknown>) =>
    memory.best === undefined ? {} : { best: finiteNumber(`${where}.best`, memory.best) };
  return {
    rows: whole("rows"),
    batchSize: whole("batchSize"),
    epoch: whole("epoch"),
    batch: whole("batch"),
    rowsDone: whole("rowsDone"),
    lossSum: finiteNumber("run.lossSum", from.lossSum),
    step: whole("step"),
    stopped: from.stopped === true,
    plateau: {
      ...best("run.plateau", plateau),
      waited: wholeNumber("run.plateau.waited", plateau.waited, 0),
      cooling: wholeNumber("run.plateau.cooling", plateau.cooling, 0),
      factor: finiteNumber("run.plateau.factor", plateau.factor, 0, 1),
    },
    stopping: {
      ...best("run.stopping", stopping),
      waited: wholeNumber("run.stopping.waited", stopping.waited, 0),
    },
  };
}
