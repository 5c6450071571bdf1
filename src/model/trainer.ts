// The training loop: epochs, batches, validation, callbacks, cancelling. `TrainingRun` takes one step
// at a time without awaiting, so that the loop itself costs nothing; `fit` drains it and gives the
// event loop a turn often enough that a page or a server stays responsive.

import { boolean, onlyKeys, record, wholeNumber } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { now, yieldToEventLoop } from "../platform/yield.ts";
import type { Engine } from "./engine.ts";
import { type MatrixInput, type Rows, readRows } from "./input.ts";

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

/** Losses by epoch, in Keras' shape. */
export interface History {
  readonly epoch: number[];
  readonly history: { readonly loss: number[]; readonly valLoss?: number[] };
}

/** What a callback may answer: `false` ends training normally. */
export type CallbackResult = unknown;

export interface FitOptions {
  /** The epoch to stop before: with `initialEpoch` 5, `epochs: 8` trains three. Default 1. */
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
  /** Called after every epoch; returning `false` ends training. A promise is awaited. */
  onEpoch?: (record: EpochRecord) => CallbackResult;
  /** Called after every step; returning `false` ends training. A promise is awaited. */
  onStep?: (record: StepRecord) => CallbackResult;
  /** Aborting rejects with `signal.reason` after the step under way. */
  signal?: AbortSignalLike;
  /** Number of the first epoch, for runs that go on. Default 0. */
  initialEpoch?: number;
  /** Most steps to take in this call. Default: no limit. */
  maxSteps?: number;
}

const FIT_KEYS = [
  "epochs",
  "batchSize",
  "shuffle",
  "validationData",
  "validationSplit",
  "target",
  "onEpoch",
  "onStep",
  "signal",
  "initialEpoch",
  "maxSteps",
];

/** Milliseconds of work between turns of the event loop: under a frame of 60 a second. */
const WORK_BETWEEN_YIELDS = 12;
/** Steps between turns where the clock stands still, as on edge hosts. */
const STEPS_BETWEEN_YIELDS = 256;

export class TrainingRun {
  readonly #engine: Engine;
  readonly #x: Rows;
  readonly #target: Rows | undefined;
  readonly #trainRows: number;
  readonly #validation: { x: Rows; target: Rows | undefined; first: number } | undefined;
  readonly #batchSize: number;
  readonly #shuffle: boolean;
  readonly #epochs: number;
  readonly #maxSteps: number;
  readonly #options: FitOptions;
  readonly #epochLosses: EpochRecord[] = [];
  #epoch: number;
  #order: Uint32Array | undefined;
  #row = 0;
  #lossSum = 0;
  #steps = 0;
  #ended = false;

  /** Checks every option and every row; nothing has changed when it throws. */
  constructor(engine: Engine, input: MatrixInput, fitOptions: FitOptions | undefined) {
    const options = record("The options of fit", fitOptions) as FitOptions;
    onlyKeys("fit", options, FIT_KEYS);
    const width = engine.layout.weights[0]?.shape[1] ?? 0;
    this.#engine = engine;
    this.#options = options;
    this.#x = readRows("x", input, width);
    this.#target =
      options.target === undefined ? undefined : readRows("target", options.target, width);
    requireSameCount(this.#x, this.#target);
    this.#batchSize = wholeNumber("batchSize", options.batchSize ?? 32, 1);
    this.#shuffle = boolean("shuffle", options.shuffle ?? true);
    this.#epoch = wholeNumber("initialEpoch", options.initialEpoch ?? 0, 0);
    this.#epochs = wholeNumber("epochs", options.epochs ?? this.#epoch + 1, 0);
    this.#maxSteps =
      options.maxSteps === undefined ? Infinity : wholeNumber("maxSteps", options.maxSteps, 0);
    callback("onEpoch", options.onEpoch);
    callback("onStep", options.onStep);
    this.#trainRows = this.#x.count - splitRows(this.#x.count, options);
    this.#validation = this.#readValidation(width);
    if (this.#trainRows < 1) {
      throw new InvalidValueError(
        `fit needs at least one row to train on; x has ${this.#x.count}.`,
      );
    }
    for (const rows of [this.#x, this.#target, this.#validation?.x, this.#validation?.target]) {
      if (rows) engine.requireFiniteRows(rows, 0, rows.count);
    }
    this.#ended = this.#epoch >= this.#epochs || this.#maxSteps === 0;
  }

  /** Takes one optimizer step; undefined once training has ended. Throws when the signal has aborted. */
  step(): StepRecord | undefined {
    if (this.#ended) return undefined;
    const { signal } = this.#options;
    if (signal?.aborted) throw signal.reason;
    const engine = this.#engine;
    if (this.#row === 0 && this.#shuffle) {
      this.#order = engine.shuffledOrder(this.#trainRows, this.#epoch);
    }
    const rows = Math.min(this.#batchSize, this.#trainRows - this.#row);
    const plan = this.#order
      ? engine.stageShuffled(this.#x, this.#target, this.#order, this.#row, rows)
      : engine.stage(this.#x, this.#target, this.#row, rows);
    const learningRate = engine.learningRate;
    const loss = engine.step(plan, rows);
    const batch = this.#row / this.#batchSize;
    this.#lossSum += loss * rows;
    this.#row += rows;
    this.#steps += 1;
    if (this.#steps >= this.#maxSteps) this.#ended = true;
    return { step: engine.stepCount, epoch: this.#epoch, batch, rows, loss, learningRate };
  }

  /** After the last step of an epoch: validates and returns its record. Otherwise undefined. */
  finishEpoch(): EpochRecord | undefined {
    if (this.#row < this.#trainRows) return undefined;
    const loss = this.#lossSum / this.#trainRows;
    const validation = this.#validation;
    const finished: EpochRecord = validation
      ? {
          epoch: this.#epoch,
          loss,
          valLoss: this.#engine.evaluate(validation.x, validation.target, validation.first),
        }
      : { epoch: this.#epoch, loss };
    this.#epochLosses.push(finished);
    this.#epoch += 1;
    this.#row = 0;
    this.#lossSum = 0;
    if (this.#epoch >= this.#epochs) this.#ended = true;
    return finished;
  }

  /** Ends training after the step under way. */
  end(): void {
    this.#ended = true;
  }

  /** Losses of the epochs that were finished. */
  get history(): History {
    const epochs = this.#epochLosses;
    const loss = epochs.map((entry) => entry.loss);
    const history = this.#validation
      ? { loss, valLoss: epochs.map(({ valLoss }) => valLoss as number) }
      : { loss };
    return { epoch: epochs.map(({ epoch }) => epoch), history };
  }

  /** The run as an async iterator of step records: callbacks called, the event loop given its turns. */
  async *records(): AsyncGenerator<StepRecord, History> {
    const { onStep, onEpoch } = this.#options;
    let turnEnds = now() + WORK_BETWEEN_YIELDS;
    let stepsLeft = STEPS_BETWEEN_YIELDS;
    for (let record = this.step(); record; record = this.step()) {
      if (onStep && (await onStep(record)) === false) this.end();
      yield record;
      const finished = this.finishEpoch();
      if (finished && onEpoch && (await onEpoch(finished)) === false) this.end();
      stepsLeft -= 1;
      if (now() < turnEnds && stepsLeft > 0) continue;
      await yieldToEventLoop();
      turnEnds = now() + WORK_BETWEEN_YIELDS;
      stepsLeft = STEPS_BETWEEN_YIELDS;
    }
    return this.history;
  }

  #readValidation(width: number): { x: Rows; target: Rows | undefined; first: number } | undefined {
    const { validationData } = this.#options;
    if (validationData === undefined) {
      const held = this.#x.count - this.#trainRows;
      return held === 0 ? undefined : { x: this.#x, target: this.#target, first: this.#trainRows };
    }
    const pair =
      typeof validationData === "object" && validationData !== null && "x" in validationData
        ? validationData
        : { x: validationData as MatrixInput, target: undefined };
    const x = readRows("validationData", pair.x, width);
    const target =
      pair.target === undefined ? undefined : readRows("validationData.target", pair.target, width);
    requireSameCount(x, target);
    if (x.count === 0)
      throw new InvalidValueError("validationData needs at least one row; it has none.");
    return { x, target, first: 0 };
  }
}

/** Refuses a target that has not a row for every row of the input. */
export function requireSameCount(x: Rows, target: Rows | undefined): void {
  if (target && target.count !== x.count) {
    throw new InvalidValueError(
      `${target.name} must have as many rows as ${x.name}: ${x.count}; it has ${target.count}.`,
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
