// Where a run's batches come from: rows that are all there, in the order of the epoch, or pieces that
// arrive one by one (streams.ts). A source keeps no place of its own: it gives the batch that the run's state names
// next, so that a run may start anywhere.

import type { MatrixInput, Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";

/** Rows [first, first + count) of `x`, or those that `order` names in these places. */
export interface Batch {
  readonly x: Rows;
  /** What to reproduce; undefined for x itself. */
  readonly target: Rows | undefined;
  readonly order: Uint32Array | undefined;
  readonly first: number;
  readonly count: number;
  /** The rows have been looked over for NaN and infinities already. */
  readonly checked: boolean;
}

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
  next(place: Place): Batch | undefined | Promise<Batch | undefined>;
  /** Whether `place` is known to lie after the last batch of its epoch. */
  isEnd(place: Place): boolean;
  /** Lets go of what is open. */
  close(): unknown;
}

/** Rows in memory, in batches of `batchSize`, the last one short. */
export function rowBatches(
  x: Rows,
  target: Rows | undefined,
  rows: number,
  batchSize: number,
  shuffledOrder: ((epoch: number) => Uint32Array) | undefined,
): BatchSource {
  let order: Uint32Array | undefined;
  let ordered = -1;
  const isEnd = ({ batch }: Place) => batch * batchSize >= rows;
  return {
    rows,
    stepsPerEpoch: Math.ceil(rows / batchSize),
    batchSize,
    isEnd,
    next(place) {
      if (isEnd(place)) return undefined;
      if (shuffledOrder && ordered !== place.epoch) {
        order = shuffledOrder(place.epoch);
        ordered = place.epoch;
      }
      const first = place.batch * batchSize;
      const count = Math.min(batchSize, rows - first);
      return { x, target, order, first, count, checked: true };
    },
    close() {},
  };
}

/** One piece of data that arrives: the rows of a step, or `{ x, target }`. */
export type BatchInput =
  | MatrixInput
  | { readonly x: MatrixInput; readonly target?: MatrixInput | undefined };

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
