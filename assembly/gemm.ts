// Matrix products of row-major float32 matrices in the three layouts that training needs, and the
// symmetric products of a matrix with itself. The loop nest: C in bands of MC rows, k in blocks of
// KC, one panel of NR columns of B at a time packed into L1, and under it every tile of the band.
//
// Each element of C is the sum of its k products taken from zero and in order within a block of KC,
// blocks added to C in order. Tiles, edges and any split of C's rows or columns give the same bits.

import { MR, NR, TILE_BYTES, storePart, tile } from "./microkernel";
import { packColumns, packPairs, packRows } from "./pack";

/** Length of a block of k: a panel of B is 16 KB, half of a small L1. Part of the contract on bits. */
const KC: usize = 256;
/** Rows of C that share one packed block of A: 512 KB, within the L2 of today's machines. */
const MC: usize = 512;

/**
 * Bytes of workspace that any kernel of this file needs for C[m,n] and inner size k; enough for every
 * smaller shape too. Align it to 16.
 */
export function gemmWorkspace(m: usize, n: usize, k: usize): usize {
  const block = min(k, KC) << 2;
  const panels = NR + ((min(max(m, n), MC) + MR - 1) & ~(MR - 1));
  return (TILE_BYTES + panels * block + 15) & ~15;
}

/** C[m,n] = A[m,k] * B[k,n] + beta * C. beta 0 never reads C. C overlaps nothing. */
export function gemmNN(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  beta: f32,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(false, false, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
}

/** C[m,n] = A[m,k] * B[n,k]^T + beta * C. beta 0 never reads C. C overlaps nothing. */
export function gemmNT(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  beta: f32,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(false, true, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
}

/** C[m,n] = A[k,m]^T * B[k,n] + beta * C. beta 0 never reads C. C overlaps nothing. */
export function gemmTN(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  beta: f32,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(true, false, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
}

/** C[n,n] = A[n,k] * A^T: the lower half computed, the upper mirrored. C is not read. */
export function gramNT(
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(false, true, true, n, n, k, a, lda, a, lda, 0, c, ldc, workspace);
  mirror(n, c, ldc << 2);
}

/** C[n,n] = A[k,n]^T * A: the lower half computed, the upper mirrored. C is not read. */
export function gramTN(
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(true, false, true, n, n, k, a, lda, a, lda, 0, c, ldc, workspace);
  mirror(n, c, ldc << 2);
}

/** The loop nest. `lower` leaves out the tiles that lie wholly above the diagonal of C. */
function product(
  transposedA: bool,
  transposedB: bool,
  lower: bool,
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  beta: f32,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  if (!k) {
    scaleRows(m, n, beta, c, ldc << 2);
    return;
  }
  const rowOfA = lda << 2;
  const rowOfB = ldb << 2;
  const rowOfC = ldc << 2;
  const panel = workspace + TILE_BYTES;
  for (let i: usize = 0; i < m; i += MC) {
    const rows = min(m - i, MC);
    let betaNow = beta;
    for (let p: usize = 0; p < k; p += KC) {
      const depth = min(k - p, KC);
      // Rows of A are broadcast from where they lie; columns (TN) are packed.
      let band = a + i * rowOfA + (p << 2);
      let aRow = rowOfA;
      let aStep: usize = 4;
      if (transposedA) {
        band = panel + ((NR * depth) << 2);
        aRow = 4;
        aStep = MR << 2;
        packPairs(depth, rows, a + p * rowOfA + (i << 2), rowOfA, band);
      }
      const aTile = transposedA ? (depth * MR) << 2 : MR * rowOfA;
      for (let j: usize = 0; j < n; j += NR) {
        if (lower && j >= i + rows) break;
        const cols = min(n - j, NR);
        if (transposedB) {
          packColumns(depth, cols, b + j * rowOfB + (p << 2), rowOfB, panel);
        } else {
          packRows(depth, cols, b + p * rowOfB + (j << 2), rowOfB, panel);
        }
        // NR is a multiple of MR and MC of NR: the first tile that touches the diagonal starts at j.
        let row: usize = lower && j > i ? j - i : 0;
        let aAt = band + (row / MR) * aTile;
        let cAt = c + (i + row) * rowOfC + (j << 2);
        for (; row < rows; row += MR) {
          const height = min(rows - row, MR);
          if (height == MR && cols == NR) {
            tile(depth, aAt, aRow, aStep, panel, NR << 2, betaNow, cAt, rowOfC);
          } else {
            // A missing second row repeats the first: its results are not stored.
            const r = height == MR ? aRow : 0;
            tile(depth, aAt, r, aStep, panel, NR << 2, 0, workspace, NR << 2);
            storePart(height, cols, workspace, betaNow, cAt, rowOfC);
          }
          aAt += aTile;
          cAt += MR * rowOfC;
        }
      }
      betaNow = 1;
    }
  }
}

/** C = beta * C: what a product over no k leaves. */
function scaleRows(m: usize, n: usize, beta: f32, c: usize, rowOfC: usize): void {
  for (; m; --m) {
    for (let j: usize = 0; j < n << 2; j += 4) {
      store<f32>(c + j, beta == 0 ? 0 : beta * load<f32>(c + j));
    }
    c += rowOfC;
  }
}

/** Copies the lower triangle of C[n,n] onto the upper. */
function mirror(n: usize, c: usize, rowOfC: usize): void {
  for (let i: usize = 1; i < n; ++i) {
    const row = c + i * rowOfC;
    let column = c + (i << 2);
    for (let j: usize = 0; j < i << 2; j += 4) {
      store<f32>(column, load<f32>(row + j));
      column += rowOfC;
    }
  }
}
