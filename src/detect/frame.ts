// Arranges training rows as samples, and takes results of samples back to rows. A sample is a row of a table or a window of
// a series.

import type { Rows } from "../data/rows.ts";
import { at } from "../math/order.ts";
import type { Paused } from "../platform/turns.ts";
import { blockFolds, type Folds, randomFolds, within } from "./folds.ts";
import { rowBlocks } from "./parts.ts";
import type { Random } from "./random.ts";
import { rowSamples, type Samples } from "./samples.ts";
import { bringingToRows, covered, framingSeries, type SeriesState } from "./series/series.ts";
import type { Encoder } from "./table/encoder.ts";
import type { Source } from "./table/source.ts";

/** The mapping from training rows to samples and back. */
export interface Frame {
  readonly samples: Samples;
  folds(count: number, random: Random): Folds;
  /** Folds of some of the samples. */
  foldsOf(samples: Uint32Array, count: number, random: Random): Folds;
  toRows(scores: Float64Array): Paused<Float64Array>;
  /** Marks the rows that are in a marked sample. */
  rowsOf(marked: Uint8Array): Uint8Array;
  /** Whether a row is in a sample. */
  isJudged(row: number): boolean;
}

/**
 * For each row the number of the model that holds out a sample with this row; -1 if no model does. In a series that model
 * has seen no window with the row.
 */
export function judgesOf(
  { samples, rowsOf }: Pick<Frame, "samples" | "rowsOf">,
  folds: Folds,
  rows: number,
): Int32Array {
  const judges = new Int32Array(rows).fill(-1);
  for (let k = 0; k < folds.count; k++) {
    const held = new Uint8Array(samples.count);
    for (const sample of folds.heldOut(k)) held[sample] = 1;
    rowsOf(held).forEach((isHeld, row) => {
      if (isHeld === 1) judges[row] = k;
    });
  }
  return judges;
}

/** Rows of a table: each is one sample. */
export function* tableFrame(encoder: Encoder, raw: Rows): Paused<Frame> {
  const samples = rowSamples(yield* encoder.encoding(raw, 0, raw.count), rowBlocks(encoder));
  return {
    samples,
    folds: (count, random) => randomFolds(samples.count, count, random),
    foldsOf: (some, count, random) => within(some, randomFolds(some.length, count, random)),
    *toRows(scores) {
      yield;
      return scores;
    },
    rowsOf: (marked) => marked,
    isJudged: () => true,
  };
}

/** Rows of a series: each sample is a window of them. `source` has the rows before they were encoded as `raw`. */
export function* seriesFrame(
  series: SeriesState,
  encoder: Encoder,
  source: Source,
  raw: Rows,
): Paused<Frame> {
  const framed = yield* framingSeries(series, encoder, source, raw, rowBlocks(encoder));
  const { samples, starts, segmentOf } = framed;
  const rowsOf = (marked: Uint8Array) => covered(framed, series.length, marked);
  const inWindow = rowsOf(new Uint8Array(samples.count).fill(1));
  return {
    samples,
    rowsOf,
    folds: (count, random) => blockFolds(starts, segmentOf, series.length, count, random),
    foldsOf(some, count, random) {
      const own = (values: Uint32Array) => some.map((i) => at(values, i));
      return within(some, blockFolds(own(starts), own(segmentOf), series.length, count, random));
    },
    toRows: (scores) => bringingToRows(framed, series.length, scores),
    isJudged: (row) => inWindow[row] === 1,
  };
}
