// The samples that an ensemble learns from and scores. All have the same width, and consist of blocks of features.
// Each block belongs to one column. A sample is a row of a table, or a window of a time series.

import type { Encoded } from "./table/encoder.ts";

export interface Samples {
  readonly count: number;
  /** Features of a sample. */
  readonly width: number;
  /** Where each block of features begins, and after the last one the width: [blocks + 1]. */
  readonly blocks: Uint32Array;
  /** Whether any sample misses a value. */
  readonly hasMissing: boolean;
  /** Whether samples are windows of a time series, and not rows of a table. */
  readonly areWindows: boolean;
  /**
   * The samples with the given numbers. `missing` of the result is [samples, blocks].
   */
  take(indexes: Uint32Array): Encoded;
}

/** The numbers first, first + 1 … of `count` samples. */
export function range(first: number, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = first + i;
  return numbers;
}

/** The rows of a table, encoded beforehand, as samples. */
export function rowSamples(encoded: Encoded, blocks: Uint32Array): Samples {
  const { count, features, missing, novelties } = encoded;
  const width = blocks.at(-1) ?? 0;
  const blockCount = blocks.length - 1;
  return {
    count,
    width,
    blocks,
    hasMissing: missing !== undefined,
    areWindows: false,
    take(indexes) {
      return {
        count: indexes.length,
        features: gather(features, width, indexes, new Float32Array(indexes.length * width)),
        missing:
          missing &&
          gather(missing, blockCount, indexes, new Uint8Array(indexes.length * blockCount)),
        novelties: novelties && gather(novelties, 1, indexes, new Uint8Array(indexes.length)),
      };
    },
  };
}

function gather<Values extends Float32Array | Uint8Array>(
  values: Values,
  width: number,
  indexes: Uint32Array,
  out: Values,
): Values {
  // For a few values the call of a copy takes longer than this loop.
  for (let i = 0; i < indexes.length; i++) {
    const from = (indexes[i] ?? 0) * width;
    for (let j = 0; j < width; j++) out[i * width + j] = values[from + j] ?? 0;
  }
  return out;
}
