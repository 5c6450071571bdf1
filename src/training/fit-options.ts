// What `fit` takes, as users write it, and what its callbacks see.

import type { MatrixInput } from "../data/rows.ts";
import type { EarlyStoppingOptions } from "./early-stopping.ts";
import type { CorruptionSpec } from "./noise/index.ts";
import type { ScheduleSpec } from "./schedules/index.ts";

/** The part of an AbortSignal that training reads. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  /** Where there is one, an abort is heard at once while training waits for data. */
  addEventListener?(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** One optimizer step, as `onStep` and the iterator of `fitSteps` see it. */
export interface StepRecord {
  /** Optimizer steps of the model so far, this one included. */
  readonly step: number;
  /** Number of the epoch, from 0. */
  readonly epoch: number;
  /** Number of the batch within its epoch, from 0. */
  readonly batch: number;
  /** Rows in this batch. */
  readonly rows: number;
  /** Mean loss of the batch before the update, penalties included. */
  readonly loss: number;
  /** The rate that the step was taken with. */
  readonly learningRate: number;
}

/** One finished epoch, as `onEpoch` sees it. */
export interface EpochRecord {
  /** Number of the epoch, from 0. */
  readonly epoch: number;
  /** Mean of the epoch's batch losses, weighted by rows. */
  readonly loss: number;
  /** Loss on the validation rows after the epoch; absent without validation. */
  readonly valLoss?: number;
}

/** What a callback may answer: `false` ends training normally. */
export type CallbackResult = unknown;

/** How `fit` and `fitSteps` train. Every option may be left out. */
export interface FitOptions {
  /** The epoch to stop before: with `initialEpoch` 5, `epochs: 8` trains three. Default: one epoch. */
  epochs?: number;
  /** Rows a step; the last batch of an epoch may be shorter. Default 32. */
  batchSize?: number;
  /** Draw a fresh seeded order for every epoch. Default true. */
  shuffle?: boolean;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. Default: none. */
  validationData?: MatrixInput | { readonly x: MatrixInput; readonly target?: MatrixInput };
  /**
   * Share of the rows to evaluate on instead, between 0 and 1, rounded down to whole rows: the last rows as they
   * were given, unless `validationShuffle`. If rows are sorted by class, use `validationShuffle`; if by time,
   * keep the last rows. Default: no validation.
   */
  validationSplit?: number;
  /** Draws the rows of `validationSplit` at random, by the seed. Default false. */
  validationShuffle?: boolean;
  /** What to reproduce instead of `x`, row for row. Default: `x`. */
  target?: MatrixInput;
  /** Noise on the input, fresh at every step; the target stays clean. Default: none. */
  corruption?: CorruptionSpec;
  /** How the learning rate moves. Default: it stays what `model.learningRate` says. */
  schedule?: ScheduleSpec;
  /** Ends training when a loss stops falling. Default: training runs to its end. */
  earlyStopping?: EarlyStoppingOptions;
  /**
   * Runs each batch in this many parts, one after the other, and takes one step on the sum of their
   * gradients: the result of the whole batch, in a share of its memory. Default 1.
   */
  microBatches?: number;
  /** Called after every epoch; returning `false` ends training. A promise is awaited. Default: none. */
  onEpoch?: (record: EpochRecord) => CallbackResult;
  /** Called after every step; returning `false` ends training. A promise is awaited. Default: none. */
  onStep?: (record: StepRecord) => CallbackResult;
  /** Aborting rejects with `signal.reason` after the step under way. Default: none. */
  signal?: AbortSignalLike;
  /** Number of the first epoch, for runs that go on. Default 0. */
  initialEpoch?: number;
  /**
   * Goes on with the model's last run where it was cut, in the middle of an epoch if need be, bit for bit
   * as if it never had been; give the same data and options. Works on the same model and on one that was
   * loaded from `save({ optimizer: true })`. Without such a run, a new one starts. Default false.
   */
  resume?: boolean;
  /** Most steps to take in this call. Default: no limit. */
  maxSteps?: number;
  /** Ends training after the step during which this much time has passed. Default: no limit. */
  maxSeconds?: number;
}

/** The names of all options. */
export const FIT_KEYS = Object.keys({
  epochs: true,
  batchSize: true,
  shuffle: true,
  validationData: true,
  validationSplit: true,
  validationShuffle: true,
  target: true,
  corruption: true,
  schedule: true,
  earlyStopping: true,
  microBatches: true,
  onEpoch: true,
  onStep: true,
  signal: true,
  initialEpoch: true,
  resume: true,
  maxSteps: true,
  maxSeconds: true,
} satisfies Record<keyof FitOptions, true>);

/** Options that speak of rows in memory, and have no meaning for a stream. */
export const ROW_KEYS = [
  "batchSize",
  "shuffle",
  "validationSplit",
  "validationShuffle",
  "target",
] as const satisfies readonly (keyof FitOptions)[];
