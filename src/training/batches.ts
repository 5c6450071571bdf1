// Where a run's batches come from: rows that are all there, in the order of the epoch, or pieces that
// arrive one by one (streams.ts). A source keeps no place: it gives the batch that the run's state names
// next, so that a run may start anywhere.

import { FlatRows, type MatrixInput, type Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Batch, Staging } from "../model/staging.ts";
import type { Paused } from "../platform/turns.ts";

/** The place in a run that a source is asked for. */
export interface Place {
  readonly epoch: number;
  readonly batch: number;
}

export interface BatchSource {
  /** Rows and steps of an epoch, and rows of a step; 0 where that is not known. */
  readonly rows: number;
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  /** The batch at `place`; undefined after the last of its epoch. */
  next(place: Place): Batch | undefined | PromiseLike<Batch | undefined>;
  /** Whether `place` is known to lie after the last batch of its epoch. */
  isEnd(place: Place): boolean;
  /** What has to be done before the first batch, with a pause after every piece of it. */
  prepare?(): Paused<void>;
  /** Lets go of what is open. */
  close(): unknown;
}

/** What `RowBatches` holds between two runs. */
const NO_ROWS = new FlatRows();

/**
 * Rows in memory, in batches of `batchSize`, the last one short. One object serves all runs of a model: see `StepLoop`.
 */
export class RowBatches implements BatchSource {
  rows = 0;
  batchSize = 1;
  stepsPerEpoch = 0;
  #staging: Staging | undefined;
  #shuffledOrder: ((epoch: number) => Uint32Array) | undefined;
  /** One object serves every step. */
  readonly #batch: { -readonly [Key in keyof Batch]: Batch[Key] } = {
    x: NO_ROWS,
    target: undefined,
    order: undefined,
    first: 0,
    count: 0,
    checked: true,
    held: undefined,
  };
  /** The epoch whose order the batch has. */
  #ordered = -1;

  /**
   * Takes up rows [0, rows) of `x` and of its target, in the order that `shuffledOrder` gives for an epoch, or as they
   * are.
   */
  open(
    staging: Staging,
    x: Rows,
    target: Rows | undefined,
    rows: number,
    batchSize: number,
    shuffledOrder: ((epoch: number) => Uint32Array) | undefined,
  ): this {
    this.#staging = staging;
    this.rows = rows;
    this.batchSize = batchSize;
    this.stepsPerEpoch = Math.ceil(rows / batchSize);
    this.#shuffledOrder = shuffledOrder;
    this.#ordered = -1;
    const batch = this.#batch;
    batch.x = x;
    batch.target = target;
    batch.order = undefined;
    batch.held = undefined;
    return this;
  }

  /** Holds the rows in the arena, where they are few enough. Pauses after every chunk. */
  *prepare(): Paused<void> {
    const { x, target } = this.#batch;
    this.#batch.held = yield* this.#staging?.hold(x, target, this.rows, this.batchSize) ?? [];
  }

  isEnd({ batch }: Place): boolean {
    return batch * this.batchSize >= this.rows;
  }

  next(place: Place): Batch | undefined {
    if (this.isEnd(place)) return undefined;
    const batch = this.#batch;
    if (this.#shuffledOrder && this.#ordered !== place.epoch) {
      batch.order = this.#shuffledOrder(place.epoch);
      if (batch.held) this.#staging?.holdOrder(batch.held, batch.order);
      this.#ordered = place.epoch;
    }
    batch.first = place.batch * this.batchSize;
    batch.count = Math.min(this.batchSize, this.rows - batch.first);
    return batch;
  }

  /** Lets go of the data and of the model. */
  close(): void {
    const batch = this.#batch;
    batch.x = NO_ROWS;
    batch.target = undefined;
    batch.order = undefined;
    this.#staging?.release();
    this.#staging = undefined;
    this.#shuffledOrder = undefined;
  }
}

/** One piece of data that arrives: the rows of a step, or `{ x, target }`. */
export type BatchInput =
  | MatrixInput
  | {
      /** The rows of the step. */
      readonly x: MatrixInput;
      /** What to reproduce instead, row for row. Default: `x`. */
      readonly target?: MatrixInput | undefined;
    };

/**
 * Data that arrives in pieces, each the rows of one optimizer step. A function is called for every
 * epoch; an iterable itself serves one.
 */
export type BatchStream =
  | AsyncIterable<BatchInput>
  | (() => AsyncIterable<BatchInput> | Iterable<BatchInput>);

export function isBatchStream(input: MatrixInput | BatchStream): input is BatchStream {
  if (typeof input === "function") return true;
  return typeof input === "object" && input !== null && Symbol.asyncIterator in input;
}

/** Tells rows from `{ x, target }`. */
export function inputAndTarget(input: BatchInput): {
  x: MatrixInput;
  target?: MatrixInput | undefined;
} {
  const isPair = typeof input === "object" && input !== null && "x" in input;
  return isPair ? input : { x: input as MatrixInput };
}

/** Refuses a target that has not a row for every row of the input. */
export function requireSameCount(x: Rows, target: Rows | undefined): void {
  if (target && target.count !== x.count) {
    throw new InvalidValueError(
      `${target.name} must have as many rows as ${x.name}: ${x.count}; it has ${target.count}.`,
    );
  }
}
