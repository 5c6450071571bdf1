// The sources of a run's batches: rows in memory, in the order of the epoch, or a stream of pieces (streams.ts). A
// source has no position of its own. It returns the batch for the position of the run's state, so a run may start
// anywhere.

import { FlatRows, type MatrixInput, type Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Batch, Staging } from "../model/staging.ts";
import type { Paused } from "../platform/turns.ts";

/** A position in a run. */
export interface Place {
  readonly epoch: number;
  readonly batch: number;
}

export interface BatchSource {
  /** Rows and steps of an epoch, and rows of a step. 0 if not known. */
  readonly rows: number;
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  /** The batch at `place`. Undefined after the last batch of its epoch. */
  next(place: Place): Batch | undefined | PromiseLike<Batch | undefined>;
  /** Whether `place` is known to be after the last batch of its epoch. */
  isEnd(place: Place): boolean;
  /** Work before the first batch, with a pause after every piece. */
  prepare?(): Paused<void>;
  /** Releases the data. */
  close(): unknown;
}

/** The rows of `RowBatches` between two runs. */
const NO_ROWS = new FlatRows();

/**
 * Rows in memory, in batches of `batchSize`. The last batch of an epoch may be shorter. One object serves all runs of a
 * model: see `StepLoop`.
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
  /** The epoch of the current order. */
  #ordered = -1;

  /**
   * Opens rows [0, rows) of `x` and of its target. `shuffledOrder` gives their order for an epoch. Without it they keep
   * their order.
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

  /** Copies the rows into the arena, if they are few enough. Pauses after every chunk. */
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

  /** Releases the data and the model. */
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

/** One piece of a stream: the rows of a step, or `{ x, target }`. */
export type BatchInput =
  | MatrixInput
  | {
      /** The rows of the step. */
      readonly x: MatrixInput;
      /** The target, with a row for every row of `x`. Default: `x`. */
      readonly target?: MatrixInput | undefined;
    };

/**
 * A stream of pieces, each with the rows of one optimizer step. A function is called for every epoch, with its number
 * from 0, on which the order of the rows may depend. An iterable serves one epoch.
 */
export type BatchStream =
  | AsyncIterable<BatchInput>
  | ((epoch: number) => AsyncIterable<BatchInput> | Iterable<BatchInput>);

export function isBatchStream(input: MatrixInput | BatchStream): input is BatchStream {
  if (typeof input === "function") return true;
  return typeof input === "object" && input !== null && Symbol.asyncIterator in input;
}

/** Distinguishes rows from `{ x, target }`. */
export function inputAndTarget(input: BatchInput): {
  x: MatrixInput;
  target?: MatrixInput | undefined;
} {
  const isPair = typeof input === "object" && input !== null && "x" in input;
  return isPair ? input : { x: input as MatrixInput };
}

/** Throws unless the target has as many rows as the input. */
export function requireSameCount(x: Rows, target: Rows | undefined): void {
  if (target && target.count !== x.count) {
    throw new InvalidValueError(
      `${target.name} must have as many rows as ${x.name}: ${x.count}; it has ${target.count}.`,
    );
  }
}
