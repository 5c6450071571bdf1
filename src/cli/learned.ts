// Whether a trained model has learned anything. A model with the same reconstruction for every row has not, whatever its loss.

import type { TiedAutoencoder } from "../index.ts";
import { DiskRows } from "./disk-rows.ts";
import type { Piece } from "./input.ts";

/** The most rows that are used. */
const MOST = 2000;
/** Reconstructions are alike if their variance is less than this share of the variance of the columns. */
const ALIKE = 0.01;

/** Whether the model's reconstructions of the first rows are almost the same for all of them. */
export async function answersAlike(
  model: Pick<TiedAutoencoder, "reconstruct">,
  rows: Piece | DiskRows,
  columns: number,
): Promise<boolean> {
  const count = Math.min(rows.rows, MOST);
  const { data } = rows instanceof DiskRows ? await rows.read(0, count) : rows;
  const some = Float32Array.from(data.subarray(0, count * columns));
  const answers = model.reconstruct({ data: some, shape: [count, columns] });
  const spreads = Array.from({ length: columns }, (_, column) => ({
    data: spread(some, columns, column),
    answers: spread(answers, columns, column),
  }));
  const varying = spreads.filter((one) => one.data > 0);
  return varying.length > 0 && varying.every((one) => one.answers < ALIKE * one.data);
}

/** The variance of a column's known values. */
function spread(values: Float32Array, columns: number, column: number): number {
  let [count, mean, squares] = [0, 0, 0];
  for (let i = column; i < values.length; i += columns) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    count += 1;
    const off = value - mean;
    mean += off / count;
    squares += off * (value - mean);
  }
  return squares / Math.max(1, count);
}
