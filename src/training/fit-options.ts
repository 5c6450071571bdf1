// What `fit` takes: the options as users write them, checked once, before anything changes.

import { boolean, onlyKeys, positiveNumber, record, wholeNumber } from "../checks.ts";
import { type MatrixInput, type Rows, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { Engine } from "../model/engine.ts";
import {
  type BatchSource,
  type BatchStream,
  isBatchStream,
  requireSameCount,
  rowBatches,
} from "./batches.ts";
import type { Corruption, CorruptionSpec } from "./corruption.ts";
import type { EarlyStopping, EarlyStoppingOptions } from "./early-stopping.ts";
import { freshRun, type RunState } from "./run-state.ts";
import type { Schedule, ScheduleSpec } from "./schedules.ts";
import { heldBack, readValidation, type Validation } from "./validation.ts";

/** The part of an AbortSignal that training reads. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** One optimizer step, as `onStep` and the iterator of `fitSteps` see it. */
export interface StepRecord {
  /** Optimizer steps of the model so far, this one included. */
  readonly step: number;
  readonly epoch: number;
  /** Number of the batch within its epoch, from 0. */
  readonly batch: number;
  /** Rows in this batch. */
  readonly rows: number;
  /** Mean loss of the batch before the update, penalties included. */
  readonly loss: number;
  readonly learningRate: number;
}

/** One finished epoch, as `onEpoch` sees it. */
export interface EpochRecord {
  readonly epoch: number;
  /** Mean of the epoch's batch losses, weighted by rows. */
  readonly loss: number;
  /** Loss on the validation rows after the epoch; absent without validation. */
  readonly valLoss?: number;
}

/** What a callback may answer: `false` ends training normally. */
export type CallbackResult = unknown;

export interface FitOptions {
  /** The epoch to stop before: with `initialEpoch` 5, `epochs: 8` trains three. Default: one epoch. */
  epochs?: number;
  /** Rows a step; the last batch of an epoch may be shorter. Default 32. */
  batchSize?: number;
  /** Draw a fresh seeded order for every epoch. Default true. */
  shuffle?: boolean;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. */
  validationData?: MatrixInput | { readonly x: MatrixInput; readonly target?: MatrixInput };
  /** Share of the rows, taken from the end before shuffling, to evaluate on instead. */
  validationSplit?: number;
  /** What to reproduce instead of `x`, row for row. */
  target?: MatrixInput;
  /** Noise on the input, fresh at every step; the target stays clean. */
  corruption?: CorruptionSpec;
  /** How the learning rate moves. Without one it stays what `model.learningRate` says. */
  schedule?: ScheduleSpec;
  /** Ends training when a loss stops falling. */
  earlyStopping?: EarlyStoppingOptions;
  /**
   * Runs each batch in this many parts, one after the other, and takes one step on the sum of their
   * gradients: the result of the whole batch, in a share of its memory. Default 1.
   */
  microBatches?: number;
  /** Called after every epoch; returning `false` ends training. A promise is awaited. */
  onEpoch?: (record: EpochRecord) => CallbackResult;
  /** Called after every step; returning `false` ends training. A promise is awaited. */
  onStep?: (record: StepRecord) => CallbackResult;
  /** Aborting rejects with `signal.reason` after the step under way. */
  signal?: AbortSignalLike;
  /** Number of the first epoch, for runs that go on. Default 0. */
  initialEpoch?: number;
  /**
   * Goes on with the model's last run where it was cut, in the middle of an epoch if need be, bit for bit
   * as if it never had been; give the same data and options. Works on the same model and on one that was
   * loaded from `save({ optimizer: true })`. With no run to go on with, a new one starts. Default false.
   */
  resume?: boolean;
  /** Most steps to take in this call. Default: no limit. */
  maxSteps?: number;
  /** Ends training after the step during which this much time has passed. Default: no limit. */
  maxSeconds?: number;
}

const FIT_KEYS = [
  "epochs",
  "batchSize",
  "shuffle",
  "validationData",
  "validationSplit",
  "target",
  "corruption",
  "schedule",
  "earlyStopping",
  "microBatches",
  "onEpoch",
  "onStep",
  "signal",
  "initialEpoch",
  "resume",
  "maxSteps",
  "maxSeconds",
];

/** Noise, schedule and early stopping of a run that has them. */
export interface Extras {
  readonly corruption?: Corruption | undefined;
  readonly schedule?: Schedule | undefined;
  readonly stopping?: EarlyStopping | undefined;
}

/** The checked options of a run. */
export interface Fit {
  readonly source: BatchSource;
  readonly validation: Validation | undefined;
  /** The rows to train on, where they are all there. */
  readonly rows: Rows | undefined;
  /** Where the run starts, and what it keeps up to date. */
  readonly state: RunState;
  readonly epochs: number;
  readonly maxSteps: number;
  readonly maxMilliseconds: number;
  readonly microBatches: number;
  readonly extras: Extras;
  readonly onEpoch: FitOptions["onEpoch"];
  readonly onStep: FitOptions["onStep"];
  readonly signal: AbortSignalLike | undefined;
}

/** Checks every option, and every row where they are all there. */
export async function resolveFit(
  engine: Engine,
  input: MatrixInput | BatchStream,
  fitOptions: FitOptions | undefined,
): Promise<Fit> {
  const options = record("The options of fit", fitOptions) as FitOptions;
  onlyKeys("fit", options, FIT_KEYS);
  const { corruption, schedule, earlyStopping, onEpoch, onStep, signal } = options;
  callback("onEpoch", onEpoch);
  callback("onStep", onStep);
  // Most runs go without all of these: bundlers make a file of its own of what is imported here.
  const resume = boolean("resume", options.resume ?? false);
  const isPlain = [corruption, schedule, earlyStopping].every((option) => option === undefined);
  const extras =
    isPlain && !resume && !isBatchStream(input) ? undefined : await import("./extras.ts");
  const data =
    extras && isBatchStream(input)
      ? extras.streamAndValidation(engine, input, options)
      : rowsAndValidation(engine, input as MatrixInput, options);
  const { source, validation } = data;
  const initialEpoch = wholeNumber("initialEpoch", options.initialEpoch ?? 0, 0);
  const state =
    (resume ? extras?.runToResume(engine, source, options) : undefined) ??
    freshRun(source, initialEpoch);
  const epochs = wholeNumber("epochs", options.epochs ?? state.epoch + 1, 0);
  const { maxSteps = Infinity, maxSeconds = Infinity } = options;
  return {
    ...data,
    state,
    epochs,
    maxSteps: maxSteps === Infinity ? maxSteps : wholeNumber("maxSteps", maxSteps, 0),
    maxMilliseconds:
      maxSeconds === Infinity ? maxSeconds : positiveNumber("maxSeconds", maxSeconds) * 1000,
    microBatches: wholeNumber("microBatches", options.microBatches ?? 1, 1),
    extras: extras?.resolveExtras(input, options, source, validation, state.epoch, epochs) ?? {},
    onEpoch,
    onStep,
    signal,
  };
}

function rowsAndValidation(
  engine: Engine,
  input: MatrixInput,
  options: FitOptions,
): Pick<Fit, "source" | "validation" | "rows"> {
  const width = engine.width;
  const x = readRows("x", input, width);
  const target =
    options.target === undefined ? undefined : readRows("target", options.target, width);
  requireSameCount(x, target);
  const batchSize = wholeNumber("batchSize", options.batchSize ?? 32, 1);
  const shuffle = boolean("shuffle", options.shuffle ?? true);
  const held = heldBack(x.count, options);
  const rows = x.count - held;
  if (rows < 1) {
    throw new InvalidValueError(`fit needs at least one row to train on; x has ${x.count}.`);
  }
  const validation =
    held > 0 ? { x, target, first: rows } : readValidation(engine, options.validationData);
  engine.requireTrainable(x, target === undefined);
  if (target) engine.requireTrainable(target, true);
  const order = shuffle ? (epoch: number) => engine.shuffledOrder(rows, epoch) : undefined;
  return { source: rowBatches(x, target, rows, batchSize, order), validation, rows: x };
}

function callback(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new InvalidTypeError(`${name} must be a function; got ${show(value)}.`);
  }
}
