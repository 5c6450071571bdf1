// Checks the options of `fit` once, before anything changes, and builds the parts of a run.

import { boolean, callback, onlyKeys, positiveNumber, record, wholeNumber } from "../checks.ts";
import { type MatrixInput, OrderedRows, type Rows, readRows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import { splitSeed } from "../math/seed.ts";
import type { Engine } from "../model/engine.ts";
import type { Corruption } from "../model/staging.ts";
import {
  type BatchSource,
  type BatchStream,
  isBatchStream,
  type RowBatches,
  requireSameCount,
} from "./batches.ts";
import { type EarlyStopping, resolveEarlyStopping } from "./early-stopping.ts";
import { type AbortSignalLike, FIT_KEYS, type FitOptions, ROW_KEYS } from "./fit-options.ts";
import { resolveCorruption } from "./noise/index.ts";
import { freshRun, type RunState } from "./run-state.ts";
import { resolveSchedule } from "./schedules/index.ts";
import type { Monitor, Schedule, ScheduleUnit } from "./schedules/schedule.ts";
import { streamBatches } from "./streams.ts";
import { heldBack, readValidation, type Validation } from "./validation.ts";

/** The checked options of a run. */
export interface Fit {
  readonly source: BatchSource;
  readonly validation: Validation | undefined;
  /** The rows to train on, if they are in memory. */
  readonly rows: Rows | undefined;
  /** Rows whose values must be checked before training, and whether they are targets. */
  readonly unchecked: readonly { readonly rows: Rows; readonly asTarget: boolean }[];
  /** The state of the run: its start, and then its progress. */
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

/**
 * Checks every option. The values of the rows are checked when the run begins. `lastRun` is the run that may be
 * continued, and `batches` reads the rows.
 */
export function resolveFit(
  engine: Engine,
  lastRun: RunState | undefined,
  batches: RowBatches,
  input: MatrixInput | BatchStream,
  fitOptions: FitOptions | undefined,
): Fit {
  const options: FitOptions = record("The options of fit", fitOptions);
  onlyKeys("fit", options, FIT_KEYS);
  callback("onEpoch", options.onEpoch);
  callback("onStep", options.onStep);
  const data = isBatchStream(input)
    ? streamAndValidation(engine, input, options)
    : rowsAndValidation(engine, batches, input, options);
  try {
    return fitTo(engine, lastRun, input, data, options);
  } catch (error) {
    data.source.close(); // releases the caller's data
    throw error;
  }
}

/** Checks the options except those of the data. */
function fitTo(
  engine: Engine,
  lastRun: RunState | undefined,
  input: MatrixInput | BatchStream,
  data: Data,
  options: FitOptions,
): Fit {
  const { source, validation } = data;
  const { corruption, schedule, earlyStopping, onEpoch, onStep, signal } = options;
  const initialEpoch = wholeNumber("initialEpoch", options.initialEpoch ?? 0, 0);
  const resume = boolean("resume", options.resume ?? false);
  const resumed = resume ? runToResume(lastRun, source, options) : undefined;
  const state = resumed ?? freshRun(source, initialEpoch);
  const epochs = wholeNumber("epochs", options.epochs ?? state.epoch + 1, 0);
  if (isBatchStream(input) && typeof input !== "function" && epochs - state.epoch > 1) {
    throw new InvalidValueError(
      `An iterable serves one epoch, and ${epochs - state.epoch} are asked for. Give a function that returns a new one for each.`,
    );
  }
  const length = (per: ScheduleUnit) =>
    per === "epoch" ? epochs : source.stepsPerEpoch * epochs || undefined;
  const fit: Fit = {
    ...data,
    state,
    epochs,
    maxSteps: limit(options.maxSteps, (value) => wholeNumber("maxSteps", value, 0)),
    maxMilliseconds:
      1000 * limit(options.maxSeconds, (value) => positiveNumber("maxSeconds", value)),
    microBatches: wholeNumber("microBatches", options.microBatches ?? 1, 1),
    corruption:
      corruption === undefined
        ? undefined
        : resolveCorruption(corruption, splitSeed(engine.config.seed)),
    schedule: schedule === undefined ? undefined : resolveSchedule(schedule, length),
    stopping: earlyStopping === undefined ? undefined : resolveEarlyStopping(earlyStopping),
    onEpoch,
    onStep,
    signal,
  };
  requireMonitored("schedule", fit.schedule?.monitor, validation);
  requireMonitored("earlyStopping", fit.stopping?.monitor, validation);
  return fit;
}

type Data = Pick<Fit, "source" | "validation" | "rows" | "unchecked">;

function rowsAndValidation(
  engine: Engine,
  batches: RowBatches,
  input: MatrixInput,
  options: FitOptions,
): Data {
  const { width } = engine.workspace;
  let x = readRows("x", input, width);
  let target = options.target === undefined ? undefined : readRows("target", options.target, width);
  requireSameCount(x, target);
  const batchSize = wholeNumber("batchSize", options.batchSize ?? 32, 1);
  const shuffle = boolean("shuffle", options.shuffle ?? true);
  const held = heldBack(x.count, options);
  const rows = x.count - held;
  if (rows < 1) {
    throw new InvalidValueError(`fit needs at least one row to train on; x has ${x.count}.`);
  }
  if (boolean("validationShuffle", options.validationShuffle ?? false)) {
    const order = engine.shuffledOrder(x.count, SPLIT_EPOCH);
    x = new OrderedRows(x, order);
    target = target && new OrderedRows(target, order);
  }
  const validation =
    held > 0 ? { x, target, first: rows } : readValidation(engine, options.validationData);
  const order = shuffle ? (epoch: number) => engine.shuffledOrder(rows, epoch) : undefined;
  return {
    source: batches.open(engine.staging, x, target, rows, batchSize, order),
    validation,
    rows: x,
    unchecked: [...toCheck(x, target), ...(held > 0 ? [] : ofValidation(validation))],
  };
}

/** The epoch of the permutation of a split. No run reaches this epoch. */
const SPLIT_EPOCH = 0xffff_ffff;

/** A stream of batches, and the validation rows. */
function streamAndValidation(engine: Engine, stream: BatchStream, options: FitOptions): Data {
  for (const key of ROW_KEYS) {
    if (options[key] === undefined) continue;
    throw new InvalidValueError(
      `${key} has no meaning for data that arrives in pieces: each piece, rows or { x, target }, is one step.`,
    );
  }
  engine.preparation.requireFitted();
  const validation = readValidation(engine, options.validationData);
  const source = streamBatches(stream, engine.workspace.width);
  return { source, validation, rows: undefined, unchecked: ofValidation(validation) };
}

function ofValidation(validation: Validation | undefined): Fit["unchecked"] {
  return validation ? toCheck(validation.x, validation.target) : [];
}

function toCheck(x: Rows, target: Rows | undefined): Fit["unchecked"] {
  const input = { rows: x, asTarget: target === undefined };
  return target ? [input, { rows: target, asTarget: true }] : [input];
}

/** The model's last run, if there is one and it has the same shape of data. */
function runToResume(
  run: RunState | undefined,
  { rows, batchSize }: BatchSource,
  { initialEpoch }: FitOptions,
): RunState | undefined {
  if (initialEpoch !== undefined) {
    throw new InvalidValueError("fit takes resume or initialEpoch; it was given both.");
  }
  if (!run || (run.rows === rows && run.batchSize === batchSize)) return run;
  const text = (n: number, size: number) =>
    n === 0 ? "a stream" : `${n} rows in batches of ${size}`;
  throw new InvalidValueError(
    `resume needs the data of the run it continues: ${text(run.rows, run.batchSize)}; this is ${text(rows, batchSize)}.`,
  );
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

/** A limit that is off by default. */
function limit(value: number | undefined, check: (value: number) => number): number {
  return value === undefined || value === Infinity ? Infinity : check(value);
}
