// What the matrix kernels' tests share: seeded matrices with padded rows, and products in float64
// with the bound that float32 summation must keep.

import type { TestCore } from "./core.ts";

/** A row-major float32 matrix in a core's memory. */
export interface TestMatrix {
  readonly pointer: number;
  readonly rows: number;
  readonly cols: number;
  readonly ld: number;
  /** What was written, padding included. */
  readonly values: Float32Array;
}

/** Writes a rows x cols matrix of values in [-1, 1) whose rows are `ld` apart; padding is NaN. */
export function matrix(
  core: TestCore,
  rows: number,
  cols: number,
  ld: number,
  random: () => number,
): TestMatrix {
  const length = rows > 0 ? (rows - 1) * ld + cols : 0;
  const values = new Float32Array(length).fill(Number.NaN);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) values[i * ld + j] = 2 * random() - 1;
  }
  return { pointer: core.put(values), rows, cols, ld, values };
}

/** Element (i, p) of op(A), where op transposes if asked. */
export function at(a: TestMatrix, transposed: boolean, i: number, p: number): number {
  return a.values[transposed ? p * a.ld + i : i * a.ld + p]!;
}

/** op(A) * op(B) in float64, and the sum of the absolute products, from which a bound follows. */
export function productReference(
  a: TestMatrix,
  transposedA: boolean,
  b: TestMatrix,
  transposedB: boolean,
): { product: Float64Array; absolute: Float64Array } {
  const m = transposedA ? a.cols : a.rows;
  const k = transposedA ? a.rows : a.cols;
  const n = transposedB ? b.rows : b.cols;
  const product = new Float64Array(m * n);
  const absolute = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let sumOfAbsolutes = 0;
      for (let p = 0; p < k; p++) {
        const term = at(a, transposedA, i, p) * at(b, transposedB, p, j);
        sum += term;
        sumOfAbsolutes += Math.abs(term);
      }
      product[i * n + j] = sum;
      absolute[i * n + j] = sumOfAbsolutes;
    }
  }
  return { product, absolute };
}
