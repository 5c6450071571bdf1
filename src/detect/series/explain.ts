// Why a row of a time series is odd: the columns of the oddest window around it, and the steps. A column is replaced
// over the whole window by the reconstruction from the other columns, several times until it changes little. The
// decrease of the window's score is the contribution of the column.

import { at } from "../../math/order.ts";
import type { Ensemble } from "../ensemble.ts";
import { conformalPValue } from "../statistics/conformal.ts";
import type { Encoded } from "../table/encoder.ts";

/** The reason for a field (column) of a window. */
export interface FieldReason {
  /** Place among the fields of a row. */
  readonly field: number;
  /** The step of the largest error, from 0 in the window. */
  readonly step: number;
  /** The features that would be normal at that step. */
  readonly expected: Float32Array;
  /** The step's error as a p-value among held-out errors of that block. */
  readonly surprise: number;
  /** Share of the window's score that the column contributes. */
  readonly contribution: number;
  /** The field's mean error over the window. */
  readonly error: number;
}

const MOST_CANDIDATES = 12;
/** Iterations that replace a column by its reconstruction. Each brings it closer to the value that the other columns predict. */
const ROUNDS = 8;
const NOTHING = new Float64Array(0);

/**
 * The reasons of each window, field by field, the largest contribution first.
 * @param asked windows: samples of `length` rows
 * @param rowBlocks where the fields of a row begin: [fields + 1]
 */
export function explainWindows(
  ensemble: Ensemble,
  asked: Encoded,
  rowBlocks: Uint32Array,
  length: number,
  heldOut: readonly Float64Array[],
): FieldReason[][] {
  const fields = rowBlocks.length - 1;
  const rowWidth = rowBlocks.at(-1) ?? 0;
  const width = rowWidth * length;
  const windows = ensemble.completed(asked);
  const judgement = ensemble.judge(windows.features);
  const blockScores = ensemble.blockScores(windows, judgement.errors);
  const scores = ensemble.combine(windows, judgement);
  const reconstruction = ensemble.reconstruct(windows.features);
  return Array.from({ length: windows.count }, (_, w) => {
    const errorAt = (step: number, field: number) => {
      const error = at(blockScores, (w * length + step) * fields + field);
      return Number.isNaN(error) ? 0 : error;
    };
    const steps = Array.from({ length }, (_, step) => step);
    const ranked = Array.from({ length: fields }, (_, field) => {
      const own = steps.map((step) => errorAt(step, field));
      const worst = own.indexOf(Math.max(...own));
      return { field, step: worst, error: own.reduce((sum, each) => sum + each, 0) / length };
    }).sort((a, b) => b.error - a.error || a.field - b.field);
    const candidates = ranked.slice(0, MOST_CANDIDATES);
    const without = leaveOut(
      ensemble,
      windows,
      w,
      candidates.map(({ field }) => field),
      rowBlocks,
      length,
    );
    const own = (values: Float32Array, first: number, step: number, field: number) => {
      const from = first + step * rowWidth;
      return values.slice(from + at(rowBlocks, field), from + at(rowBlocks, field + 1));
    };
    return ranked
      .map(({ field, step, error }, c) => {
        const isCandidate = c < candidates.length;
        const fall = isCandidate ? 1 - at(without.scores, c) / at(scores, w) : 0;
        return {
          field,
          step,
          expected: isCandidate
            ? own(without.features, c * width, step, field)
            : own(reconstruction, w * width, step, field),
          surprise: conformalPValue(
            errorAt(step, field),
            heldOut[step * fields + field] ?? NOTHING,
          ),
          contribution: Math.min(Math.max(fall, 0), 1),
          error,
        };
      })
      .sort((a, b) => b.contribution - a.contribution || b.error - a.error);
  });
}

/** For each of some fields: a copy of a window in which that field is predicted from the others, and the score of the copy. */
function leaveOut(
  ensemble: Ensemble,
  windows: Encoded,
  window: number,
  fields: readonly number[],
  rowBlocks: Uint32Array,
  length: number,
): { features: Float32Array; scores: Float64Array } {
  const rowWidth = rowBlocks.at(-1) ?? 0;
  const width = rowWidth * length;
  const blocks = (rowBlocks.length - 1) * length;
  const original = windows.features.subarray(window * width, (window + 1) * width);
  const features = new Float32Array(fields.length * width);
  const replace = (by: Float32Array | undefined) => {
    fields.forEach((field, c) => {
      for (let step = 0; step < length; step++) {
        const row = c * width + step * rowWidth;
        const [from, to] = [row + at(rowBlocks, field), row + at(rowBlocks, field + 1)];
        features.fill(0, from, to);
        if (by) features.set(by.subarray(from, to), from);
      }
    });
  };
  fields.forEach((_, c) => {
    features.set(original, c * width);
  });
  replace(undefined); // start with the means of the columns
  for (let round = 0; round < ROUNDS; round++) replace(ensemble.reconstruct(features));
  const repeat = (values: Uint8Array | undefined, size: number) => {
    const own = values?.subarray(window * size, (window + 1) * size);
    return own && Uint8Array.from(fields.flatMap(() => [...own]));
  };
  const scores = ensemble.score({
    count: fields.length,
    features,
    missing: repeat(windows.missing, blocks),
    novelties: repeat(windows.novelties, 1),
  });
  return { features, scores };
}
