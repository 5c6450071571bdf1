// Windows over segments of a time series as samples: a window of n rows is one sample with n times the features of a
// row. Also converts scores of windows into scores of rows.

import { at } from "../../math/order.ts";
import type { Paused } from "../../platform/turns.ts";
import type { Samples } from "../samples.ts";
import type { Encoded } from "../table/encoder.ts";
import type { Segment } from "./segments.ts";

/**
 * Where the windows of all segments begin, in rows of the ordered series. If the stride leaves rows at the end of a
 * segment uncovered, an additional window ends with the segment.
 */
export function windowStarts(
  segments: readonly Segment[],
  length: number,
  stride: number,
): { starts: Uint32Array; segmentOf: Uint32Array } {
  const starts: number[] = [];
  const segmentOf: number[] = [];
  segments.forEach(({ first, count }, s) => {
    const last = first + count - length;
    for (let start = first; start <= last; start += stride) {
      starts.push(start);
      segmentOf.push(s);
    }
    if (last > first && (last - first) % stride !== 0) {
      starts.push(last);
      segmentOf.push(s);
    }
  });
  return { starts: Uint32Array.from(starts), segmentOf: Uint32Array.from(segmentOf) };
}

/** Scores that are added between pauses. */
const PIECE = 2 ** 18;

/** For each row the mean score of the windows that cover it; 0 for rows in no window. */
export function* rowScores(
  rows: number,
  starts: ArrayLike<number>,
  length: number,
  scores: ArrayLike<number>,
): Paused<Float64Array> {
  const sums = new Float64Array(rows);
  const counts = new Uint32Array(rows);
  const together = Math.max(1, Math.floor(PIECE / length));
  for (let w = 0; w < starts.length; w++) {
    if (w % together === 0) yield;
    const score = at(scores, w);
    if (Number.isNaN(score)) continue;
    const start = at(starts, w);
    for (let row = start; row < start + length; row++) {
      sums[row] = (sums[row] ?? 0) + score;
      counts[row] = (counts[row] ?? 0) + 1;
    }
  }
  return sums.map((sum, row) => sum / Math.max(1, at(counts, row)));
}

/** Where the blocks of a window's features begin: the blocks of a row, repeated for each step. */
export function windowBlocks(rowBlocks: Uint32Array, length: number): Uint32Array {
  const width = rowBlocks.at(-1) ?? 0;
  const count = rowBlocks.length - 1;
  return Uint32Array.from({ length: length * count + 1 }, (_, b) => {
    const step = Math.floor(b / count);
    return step * width + at(rowBlocks, b % count);
  });
}

/**
 * Windows as samples.
 * @param encoded all rows of the series, in order
 */
export function windowSamples(
  encoded: Encoded,
  rowBlocks: Uint32Array,
  starts: Uint32Array,
  length: number,
): Samples {
  const { features, missing, novelties } = encoded;
  const rowWidth = rowBlocks.at(-1) ?? 0;
  const rowCount = rowBlocks.length - 1;
  const width = rowWidth * length;
  return {
    count: starts.length,
    width,
    blocks: windowBlocks(rowBlocks, length),
    hasMissing: missing !== undefined,
    areWindows: true,
    take(indexes) {
      const count = indexes.length;
      const out = {
        count,
        features: new Float32Array(count * width),
        missing: missing && new Uint8Array(count * rowCount * length),
        novelties: novelties && new Uint8Array(count),
      };
      indexes.forEach((index, i) => {
        const start = at(starts, index);
        const end = start + length;
        out.features.set(features.subarray(start * rowWidth, end * rowWidth), i * width);
        if (missing) {
          out.missing?.set(
            missing.subarray(start * rowCount, end * rowCount),
            i * rowCount * length,
          );
        }
        if (novelties && out.novelties) {
          const sum = novelties.subarray(start, end).reduce((total, each) => total + each, 0);
          out.novelties[i] = Math.min(255, sum);
        }
      });
      return out;
    },
  };
}
