// The options of `fit` as users write them, and the records that its callbacks get.

import type { MatrixInput } from "../data/rows.ts";
import type { EarlyStoppingOptions } from "./early-stopping.ts";
import type { CorruptionSpec } from "./noise/index.ts";
import type { ScheduleSpec } from "./schedules/index.ts";

/** The part of an AbortSignal that training reads. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  /** If it is present, an abort ends a wait for data immediately. */
  addEventListener?(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** One optimizer step, for `onStep` and the iterator of `fitSteps`. */
export interface StepRecord {
  /** The number of optimizer steps of the model so far, including this one. */
  readonly step: number;
  /** The number of the epoch, from 0. */
  readonly epoch: number;
  /** The number of the batch within its epoch, from 0. */
  readonly batch: number;
  /** The number of rows in this batch. */
  readonly rows: number;
  /** The mean loss of the batch before the update, including penalties. */
  readonly loss: number;
  /** The learning rate of this step. */
  readonly learningRate: number;
}

/** One finished epoch, for `onEpoch`. */
export interface EpochRecord {
  /** The number of the epoch, from 0. */
  readonly epoch: number;
  /** The mean of the batch losses of the epoch, weighted by the number of known values. */
  readonly loss: number;
  /** The loss on the validation rows after the epoch. Absent without validation. */
  readonly valLoss?: number;
}

/** The result of a callback. `false` ends training without an error. */
export type CallbackResult = unknown;

/** The options of `fit` and `fitSteps`. All are optional. */
export interface FitOptions {
  /** The epoch to stop before. With `initialEpoch` 5, `epochs: 8` trains three epochs. Default: one epoch. */
  epochs?: number;
  /** The number of rows per step. The last batch of an epoch may be shorter. Default 32. */
  batchSize?: number;
  /** Whether to draw a new seeded order for every epoch. Default true. */
  shuffle?: boolean;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. Default: none. */
  validationData?: MatrixInput | { readonly x: MatrixInput; readonly target?: MatrixInput };
  /**
   * The share of the rows to evaluate on, between 0 and 1, rounded down to whole rows. They are the last rows of the
   * data, unless `validationShuffle` is set. If rows are sorted by class, use `validationShuffle`. If they are sorted by
   * time, do not use it. Default: no validation.
   */
  validationSplit?: number;
  /** Whether to draw the rows of `validationSplit` at random, with the model's seed. Default false. */
  validationShuffle?: boolean;
  /** The target instead of `x`, with a row for every row of `x`. Default: `x`. */
  target?: MatrixInput;
  /** Noise on the input, new for every step. The target has no noise. Default: none. */
  corruption?: CorruptionSpec;
  /** The schedule of the learning rate. Default: the learning rate stays `model.learningRate`. */
  schedule?: ScheduleSpec;
  /** Ends training when a loss stops decreasing. Default: training does not end early. */
  earlyStopping?: EarlyStoppingOptions;
  /**
   * The number of parts of a batch. Training processes the parts one after the other and takes one step with the sum of
   * their gradients. The result is that of the whole batch and needs less memory. Default 1.
   */
  microBatches?: number;
  /** Called after every epoch. Returning `false` ends training. A promise is awaited. Default: none. */
  onEpoch?: (record: EpochRecord) => CallbackResult;
  /** Called after every step. Returning `false` ends training. A promise is awaited. Default: none. */
  onStep?: (record: StepRecord) => CallbackResult;
  /** Aborting rejects with `signal.reason` after the current step. Default: none. */
  signal?: AbortSignalLike;
  /** The number of the first epoch, for runs that continue earlier ones. Default 0. */
  initialEpoch?: number;
  /**
   * Whether to continue the model's last run where it was cut, also in the middle of an epoch. The result is
   * bit-identical to that of an uncut run, if the data and the options are the same. Works on the same model and on a
   * model that was loaded from `save({ optimizer: true })`. If there is no run to continue, a new one starts. Default
   * false.
   */
  resume?: boolean;
  /** The largest number of steps of this call. Default: no limit. */
  maxSteps?: number;
  /** Ends training after the step in which this number of seconds has passed. Default: no limit. */
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

/** Options for rows in memory, which have no meaning for a stream. */
export const ROW_KEYS = [
  "batchSize",
  "shuffle",
  "validationSplit",
  "validationShuffle",
  "target",
] as const satisfies readonly (keyof FitOptions)[];
