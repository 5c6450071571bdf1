// What `fit` takes: the options as users write them, checked once, before anything changes.

import { boolean, onlyKeys, positiveNumber, record, wholeNumber } from "../../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import { type MatrixInput, type Rows, readRows } from "../data/input.ts";
import type { Engine } from "../engine.ts";
import {
  type BatchSource,
  type BatchStream,
  inputAndTarget,
  isBatchStream,
  requireSameCount,
  rowBatches,
  streamBatches,
} from "./batches.ts";
import { type Corruption, type CorruptionSpec, resolveCorruption } from "./corruption.ts";
import {
  type EarlyStopping,
  type EarlyStoppingOptions,
  resolveEarlyStopping,
} from "./early-stopping.ts";
import { freshRun, type RunState } from "./run-state.ts";
import { type Monitor, resolveSchedule, type Schedule, type ScheduleSpec } from "./schedules.ts";

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

/** Options that speak of rows in memory, and have no meaning for a stream. */
const ROW_KEYS = ["batchSize", "shuffle", "validationSplit", "target"] as const;

export interface Validation {
  readonly x: Rows;
  readonly target: Rows | undefined;
  /** Rows from this one on are evaluated. */
  readonly first: number;
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
  readonly corruption: Corruption | undefined;
  readonly schedule: Schedule | undefined;
  readonly stopping: EarlyStopping | undefined;
  readonly onEpoch: FitOptions["onEpoch"];
  readonly onStep: FitOptions["onStep"];
  readonly signal: AbortSignalLike | undefined;
}

/** Checks every option, and every row where they are all there. */
export function resolveFit(
  engine: Engine,
  input: MatrixInput | BatchStream,
  fitOptions: FitOptions | undefined,
): Fit {
  const options = record("The options of fit", fitOptions) as FitOptions;
  onlyKeys("fit", options, FIT_KEYS);
  const { onEpoch, onStep, signal } = options;
  callback("onEpoch", onEpoch);
  callback("onStep", onStep);
  const { source, validation, rows } = isBatchStream(input)
    ? streamAndValidation(engine, input, options)
    : rowsAndValidation(engine, input, options);
  const state = startingState(engine, source, options);
  const epochs = wholeNumber("epochs", options.epochs ?? state.epoch + 1, 0);
  if (isBatchStream(input) && typeof input !== "function" && epochs - state.epoch > 1) {
    throw new InvalidValueError(
      `An iterable serves one epoch, and ${epochs - state.epoch} are asked for. Give a function that returns a new one for each.`,
    );
  }
  const length = (per: "step" | "epoch") =>
    per === "epoch" ? epochs : source.stepsPerEpoch * epochs || undefined;
  const fit: Fit = {
    source,
    validation,
    rows,
    state,
    epochs,
    maxSteps:
      options.maxSteps === undefined ? Infinity : wholeNumber("maxSteps", options.maxSteps, 0),
    maxMilliseconds:
      options.maxSeconds === undefined
        ? Infinity
        : positiveNumber("maxSeconds", options.maxSeconds) * 1000,
    microBatches: wholeNumber("microBatches", options.microBatches ?? 1, 1),
    corruption:
      options.corruption === undefined ? undefined : resolveCorruption(options.corruption),
    schedule:
      options.schedule === undefined ? undefined : resolveSchedule(options.schedule, length),
    stopping:
      options.earlyStopping === undefined ? undefined : resolveEarlyStopping(options.earlyStopping),
    onEpoch,
    onStep,
    signal,
  };
  requireMonitored("schedule", fit.schedule?.monitor, validation);
  requireMonitored("earlyStopping", fit.stopping?.monitor, validation);
  return fit;
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
  const held = splitRows(x.count, options);
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

function streamAndValidation(
  engine: Engine,
  stream: BatchStream,
  options: FitOptions,
): Pick<Fit, "source" | "validation" | "rows"> {
  for (const key of ROW_KEYS) {
    if (options[key] === undefined) continue;
    throw new InvalidValueError(
      `${key} has no meaning for data that arrives in pieces: each piece, rows or { x, target }, is one step.`,
    );
  }
  engine.preparation.requireFitted();
  const validation = readValidation(engine, options.validationData);
  return { source: streamBatches(stream, engine.width), validation, rows: undefined };
}

function readValidation(
  engine: Engine,
  data: FitOptions["validationData"],
): Validation | undefined {
  if (data === undefined) return undefined;
  const pair = inputAndTarget(data);
  const x = readRows("validationData", pair.x, engine.width);
  const target =
    pair.target === undefined
      ? undefined
      : readRows("validationData.target", pair.target, engine.width);
  requireSameCount(x, target);
  if (x.count === 0)
    throw new InvalidValueError("validationData needs at least one row; it has none.");
  engine.requireTrainable(x, target === undefined);
  if (target) engine.requireTrainable(target, true);
  return { x, target, first: 0 };
}

/** The run to go on with, or a new one. */
function startingState(engine: Engine, source: BatchSource, options: FitOptions): RunState {
  const resume = boolean("resume", options.resume ?? false);
  const initialEpoch = wholeNumber("initialEpoch", options.initialEpoch ?? 0, 0);
  if (resume && options.initialEpoch !== undefined) {
    throw new InvalidValueError("fit takes resume or initialEpoch; it was given both.");
  }
  const { rows, batchSize, stepsPerEpoch } = source;
  const cut = resume ? engine.run : undefined;
  if (!cut) return freshRun(rows, batchSize, initialEpoch, initialEpoch * stepsPerEpoch);
  if (cut.rows !== rows || cut.batchSize !== batchSize) {
    const text = (n: number, size: number) =>
      n === 0 ? "a stream" : `${n} rows in batches of ${size}`;
    throw new InvalidValueError(
      `resume needs the data of the run it goes on with: ${text(cut.rows, cut.batchSize)}; this is ${text(rows, batchSize)}.`,
    );
  }
  return cut;
}

function requireMonitored(
  where: string,
  monitor: Monitor | undefined,
  validation: Validation | undefined,
): void {
  if (monitor === "valLoss" && !validation) {
    throw new InvalidValueError(
      `${where}.monitor is "valLoss", which needs validationData or validationSplit.`,
    );
  }
}

/** Rows to hold back for validation: the last share of them, rounded down. */
function splitRows(count: number, { validationSplit, validationData }: FitOptions): number {
  if (validationSplit === undefined) return 0;
  if (validationData !== undefined) {
    throw new InvalidValueError("fit takes validationData or validationSplit; it was given both.");
  }
  if (typeof validationSplit !== "number") {
    throw new InvalidTypeError(`validationSplit must be a number; got ${show(validationSplit)}.`);
  }
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw new InvalidValueError(`validationSplit must be between 0 and 1; got ${validationSplit}.`);
  }
  return Math.floor(count * validationSplit);
}

function callback(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new InvalidTypeError(`${name} must be a function; got ${show(value)}.`);
  }
}
