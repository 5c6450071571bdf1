// Eigenvectors of a small symmetric matrix by cyclic Jacobi rotations, in float64. They are exact up to rounding errors.
// The method is fast for a nearly diagonal matrix, such as the one at the end of a subspace iteration.

import { finish, type Paused } from "../../platform/turns.ts";

/** Elements smaller than this, relative to the diagonal, are treated as zero. */
const NEGLIGIBLE = 1e-15;
const MOST_SWEEPS = 30;

/**
 * The eigenvectors of the symmetric n x n `matrix` as rows, by descending eigenvalue. `matrix` is overwritten.
 */
export function symmetricEigenvectors(matrix: Float64Array, n: number): Float64Array {
  return finish(findingEigenvectors(matrix, n));
}

/** The number of rotations between two pauses, times n. */
const WORK_BETWEEN_PAUSES = 2 ** 18;

/** `symmetricEigenvectors` with pauses, about every 10 ms. */
export function* findingEigenvectors(matrix: Float64Array, n: number): Paused<Float64Array> {
  let work = 0;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const at = (i: number, j: number) => matrix[i * n + j] ?? 0;
  for (let sweep = 0, rotated = true; rotated && sweep < MOST_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const offDiagonal = at(p, q);
        const weight = Math.sqrt(Math.abs(at(p, p) * at(q, q)));
        if (Math.abs(offDiagonal) <= NEGLIGIBLE * weight || offDiagonal === 0) continue;
        rotated = true;
        const theta = (at(q, q) - at(p, p)) / (2 * offDiagonal);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotateRows(matrix, n, p, q, c, t * c);
        rotateColumns(matrix, n, p, q, c, t * c);
        rotateRows(vectors, n, p, q, c, t * c);
        work += n;
        if (work < WORK_BETWEEN_PAUSES) continue;
        work = 0;
        yield;
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => at(b, b) - at(a, a));
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => {
    sorted.set(vectors.subarray(from * n, from * n + n), to * n);
  });
  return sorted;
}

function rotateRows(a: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = p * n, j = q * n, end = i + n; i < end; i++, j++) {
    const x = a[i] ?? 0;
    const y = a[j] ?? 0;
    a[i] = c * x - s * y;
    a[j] = s * x + c * y;
  }
}

function rotateColumns(
  a: Float64Array,
  n: number,
  p: number,
  q: number,
  c: number,
  s: number,
): void {
  for (let i = p, j = q, end = n * n; i < end; i += n, j += n) {
    const x = a[i] ?? 0;
    const y = a[j] ?? 0;
    a[i] = c * x - s * y;
    a[j] = s * x + c * y;
  }
}
