// Matrix products of row-major float32 matrices in the three layouts that training needs, and the
// symmetric products of a matrix with itself.
//
// One operand, P, is broadcast element by element. The other, Q, is read as vectors from panels of eight
// columns. The loop nest, from the outside: bands of MC rows of P, blocks of k, panels of Q (each stays in
// L1), tiles of the band. gemmNT may swap its operands and store the transpose.
//
// The order of sums: within a block of k the products of an element of C are added from zero and in order,
// and the blocks are added to C in order. The blocks depend only on k. So tiles, edges, packing and any
// division of C's rows or columns give the same bits.

import { dots, outer, sumRows } from "./gemv";
import {
  narrowTiles,
  NR,
  PANEL_ROW,
  packedTilesOf4,
  storePart,
  storeTransposed,
  tilesOf4,
  tilesOf6,
} from "./microkernel";
import { packColumns4, packColumns8, packRows4, packRows6, packRows8 } from "./pack";

/** The longest block of k: a panel of Q takes up to 16 KB of L1. Results depend on this value. */
const KC: usize = 512;
/** Rows of P in a band: at most 512 KB, so that C and the next panels of Q also fit into an L2 of 1 MB. */
const MC: usize = 256;
/** From this many rows of P on, Q is packed even where it could be read in place. */
const PACK_Q: usize = ASC_FEATURE_RELAXED_SIMD ? 48 : 24;
/** From this many columns on, the baseline build packs P even where it could be read in place. */
const PACK_P: usize = 32;

/** Up to this many rows of C, sumRows is faster than tiles. */
const FEW_ROWS: usize = 3;
/** Up to this many rows or columns of C, dots is faster than tiles. Results depend on this value. */
const FEW_DOTS: usize = 4;

/**
 * Bytes of workspace that any kernel of this file needs for C[m,n] and inner size k. It is enough for
 * every smaller shape too. The workspace must be aligned to 16 bytes.
 */
export function gemmWorkspace(m: usize, n: usize, k: usize): usize {
  const rows = min(max(m, n), MC) + 5;
  return (rows * PANEL_ROW + ((NR + rows) * (min(k, KC) << 2)) + 15) & ~15;
}

/** C[m,n] = A[m,k] * B[k,n] + beta * C. With beta 0, C is not read. C must not overlap another array. */
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
  if (k == 1 && (beta == 0 || beta == 1)) {
    outer(m, n, a, lda << 2, b, beta == 1, c, ldc << 2);
  } else if (k && m <= FEW_ROWS) {
    sumRows(m, n, k, blockOf(k), a, lda << 2, 4, b, ldb << 2, beta, c, ldc << 2, workspace);
  } else if (k && n == 1 && ldb == 1) {
    dots(1, m, k, b, 0, a, lda << 2, beta, c, 0, ldc << 2, workspace);
  } else {
    product(false, false, false, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
  }
}

/** C[m,n] = A[m,k] * B[n,k]^T + beta * C. With beta 0, C is not read. C must not overlap another array. */
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
  if (k && m <= FEW_DOTS) {
    dots(m, n, k, a, lda << 2, b, ldb << 2, beta, c, ldc << 2, 4, workspace);
  } else if (k && n <= FEW_DOTS) {
    dots(n, m, k, b, ldb << 2, a, lda << 2, beta, c, 4, ldc << 2, workspace);
  } else if (m < n) {
    // Q is transposed while it is packed, so the smaller operand becomes Q.
    product(true, false, true, false, n, m, k, b, ldb, a, lda, beta, c, ldc, workspace);
  } else {
    product(false, false, true, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
  }
}

/** C[m,n] = A[k,m]^T * B[k,n] + beta * C. With beta 0, C is not read. C must not overlap another array. */
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
  if (k == 1 && (beta == 0 || beta == 1)) {
    outer(m, n, a, 4, b, beta == 1, c, ldc << 2);
  } else if (k && m <= FEW_ROWS) {
    sumRows(m, n, k, blockOf(k), a, 4, lda << 2, b, ldb << 2, beta, c, ldc << 2, workspace);
  } else if (k && n == 1 && ldc == 1) {
    sumRows(1, m, k, blockOf(k), b, 0, ldb << 2, a, lda << 2, beta, c, 0, workspace);
  } else {
    product(false, true, false, false, m, n, k, a, lda, b, ldb, beta, c, ldc, workspace);
  }
}

/** C[n,n] = A[n,k] * A^T. The lower half is computed, the upper half is copied from it. C is not read. */
export function gramNT(
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(false, false, true, true, n, n, k, a, lda, a, lda, 0, c, ldc, workspace);
  mirror(n, c, ldc << 2);
}

/** C[n,n] = A[k,n]^T * A. The lower half is computed, the upper half is copied from it. C is not read. */
export function gramTN(
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  product(false, true, false, true, n, n, k, a, lda, a, lda, 0, c, ldc, workspace);
  mirror(n, c, ldc << 2);
}

/** B[cols,rows] = A[rows,cols]^T. B must not overlap A. */
export function transpose(
  rows: usize,
  cols: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
): void {
  while (cols) {
    const width = min(cols, NR);
    storeTransposed(rows, width, a, lda << 2, false, b, ldb << 2);
    cols -= width;
    a += width << 2;
    b += (width * ldb) << 2;
  }
}

/**
 * The loop nest: C[rows,cols] = P * Q + beta * C. With `swapped` the transpose is stored, into C[cols,rows].
 * transposedP: P is stored as [k,rows], otherwise as [rows,k]. transposedQ: Q is stored as [cols,k],
 * otherwise as [k,cols]. `lower` skips the tiles that lie wholly above the diagonal of C.
 */
function product(
  swapped: bool,
  transposedP: bool,
  transposedQ: bool,
  lower: bool,
  rows: usize,
  cols: usize,
  k: usize,
  p: usize,
  ldp: usize,
  q: usize,
  ldq: usize,
  beta: f32,
  c: usize,
  ldc: usize,
  workspace: usize,
): void {
  const pRow = ldp << 2;
  const qRow = ldq << 2;
  const cRow = ldc << 2;
  const few = rows & 3;
  if (!ASC_FEATURE_RELAXED_SIMD && !transposedQ && !lower && k && few && few < 3) {
    // One or two rows remain. sumRows has half the speed of full tiles; a tile of four would be half empty or more.
    rows -= few;
    const xRow = transposedP ? 4 : pRow;
    const xStep = transposedP ? pRow : 4;
    const x = p + rows * xRow;
    sumRows(few, cols, k, blockOf(k), x, xRow, xStep, q, qRow, beta, c + rows * cRow, cRow, workspace);
  }
  if (!k || (beta != 0 && beta != 1)) {
    if (swapped) scaleRows(cols, rows, beta, c, cRow);
    else scaleRows(rows, cols, beta, c, cRow);
    if (!k) return;
  }
  const longest = blockOf(k);
  // If rows of Q lie a multiple of 1 KB apart, they share few sets of L1. Then packing pays off for fewer rows of P.
  const packQ = qRow & 1023 ? PACK_Q : <usize>24;
  const packP = transposedP || (!ASC_FEATURE_RELAXED_SIMD && cols >= PACK_P);
  for (let i: usize = 0; i < rows; i += MC) {
    const height = min(rows - i, MC);
    const scratch = workspace;
    const panel = scratch + (height + 5) * PANEL_ROW;
    const packed = panel + longest * PANEL_ROW;
    let add = beta != 0;
    for (let at: usize = 0; at < k; at += longest) {
      const depth = min(k - at, longest);
      const band = p + (transposedP ? at * pRow + (i << 2) : i * pRow + (at << 2));
      if (packP) packBand(transposedP, height, depth, band, pRow, packed);
      for (let j: usize = 0; j < cols; j += NR) {
        if (lower && j >= i + height) break;
        const width = min(cols - j, NR);
        let b = panel;
        let bStep = PANEL_ROW;
        if (transposedQ) {
          packColumns8(depth, width, q + j * qRow + (at << 2), qRow, panel);
        } else {
          b = q + at * qRow + (j << 2);
          bStep = qRow;
          if (width < NR || height >= packQ) {
            packRows8(depth, width, b, qRow, panel);
            b = panel;
            bStep = PANEL_ROW;
          }
        }
        const skip = lower && j > i ? tilesAbove(j - i, height) : 0;
        const direct = !swapped && width == NR;
        const target = direct ? c + (i + skip) * cRow + (j << 2) : scratch;
        sweep(
          packP,
          width <= 4,
          skip,
          height,
          depth,
          packP ? packed : band,
          pRow,
          b,
          bStep,
          direct && add,
          target,
          direct ? cRow : PANEL_ROW,
          direct ? scratch : 0,
        );
        if (swapped) {
          storeTransposed(height, width, scratch, PANEL_ROW, add, c + j * cRow + (i << 2), cRow);
        } else if (!direct) {
          const to = c + (i + skip) * cRow + (j << 2);
          storePart(height - skip, width, scratch, add, to, cRow);
        }
      }
      add = true;
    }
  }
}

/** How many of a band's rows go into tiles of six. Tiles of four take the rest; the last one is padded. */
// @ts-ignore: decorator
@inline
function rowsInSixes(rows: usize): usize {
  if (!ASC_FEATURE_RELAXED_SIMD) return 0;
  const even = (rows + 1) & ~1;
  const rest = even % 6;
  // A rest of 2 becomes one tile of six fewer and two tiles of four. With an odd count the last tile lacks one row.
  return rest == 2 ? max(even, 8) - 8 : even - rest;
}

/** How many rows the complete tiles above row `row` have. */
// @ts-ignore: decorator
@inline
function tilesAbove(row: usize, rows: usize): usize {
  return ASC_FEATURE_RELAXED_SIMD ? min(row - (row % 6), rowsInSixes(rows)) : row & ~3;
}

/** Packs rows of P into tiles: [tile][p][i]. */
function packBand(
  transposed: bool,
  rows: usize,
  k: usize,
  src: usize,
  row: usize,
  dst: usize,
): void {
  const next: usize = transposed ? 4 : row;
  let sixes = rowsInSixes(rows);
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (; sixes; sixes -= 6) {
      const part = min(rows, 6);
      packRows6(k, part, src, row, dst);
      src += 6 * next;
      dst += k * 24;
      rows -= part;
    }
  }
  while (rows) {
    const part = min(rows, 4);
    // The relaxed build packs P only if it is transposed.
    if (ASC_FEATURE_RELAXED_SIMD || transposed) packRows4(k, part, src, row, dst);
    else packColumns4(k, part, src, row, dst);
    src += 4 * next;
    dst += k << 4;
    rows -= part;
  }
}

/**
 * Multiplies the rows of a band from `skip` on by one panel of Q: T[rows,8] = P * Q (+ T if `add`). `narrow` means
 * that only four columns count, that T has rows of eight elements and that there is nothing to add. A padded last
 * tile goes to scratch memory, and its valid part is copied to T. With scratch 0, T itself has room for the
 * padding.
 */
function sweep(
  packed: bool,
  narrow: bool,
  skip: usize,
  rows: usize,
  k: usize,
  a: usize,
  pRow: usize,
  b: usize,
  bStep: usize,
  add: bool,
  t: usize,
  tRow: usize,
  scratch: usize,
): void {
  const aNext = packed ? k << 2 : pRow;
  const aRow: usize = packed ? 4 : pRow;
  a += skip * aNext;
  let sixes = rowsInSixes(rows);
  const inFours = rows - min(sixes, rows);
  rows -= skip;
  if (ASC_FEATURE_RELAXED_SIMD && sixes > skip) {
    sixes -= skip;
    const full = min(sixes, rows) / 6;
    if (full) {
      const aStep: usize = packed ? 24 : 4;
      if (narrow) narrowTiles(full, k, a, aRow, aStep, 6 * aNext, b, bStep, t);
      else tilesOf6(full, 6, k, a, aRow, aStep, 6 * aNext, b, bStep, add, t, tRow);
      a += 6 * full * aNext;
      t += 6 * full * tRow;
      rows -= 6 * full;
    }
    const odd = rows - inFours;
    if (odd) {
      const to = scratch ? scratch : t;
      tilesOf6(1, odd, k, a, aRow, packed ? 24 : 4, 0, b, bStep, false, to, PANEL_ROW);
      if (scratch) storePart(odd, NR, scratch, add, t, tRow);
      return;
    }
  }
  const full = rows >> 2;
  if (full) {
    const aStep: usize = packed ? 16 : 4;
    if (!ASC_FEATURE_RELAXED_SIMD && narrow) {
      narrowTiles(full, k, a, aRow, aStep, aNext << 2, b, bStep, t);
    } else if (!ASC_FEATURE_RELAXED_SIMD && packed && bStep == PANEL_ROW) {
      packedTilesOf4(full, k, a, b, add, t, tRow);
    } else {
      tilesOf4(full, 4, k, a, aRow, aStep, aNext << 2, b, bStep, add, t, tRow);
    }
    a += (full << 2) * aNext;
    t += (full << 2) * tRow;
  }
  rows &= 3;
  if (rows) {
    const to = scratch ? scratch : t;
    tilesOf4(1, rows, k, a, aRow, packed ? 16 : 4, 0, b, bStep, false, to, PANEL_ROW);
    if (scratch) storePart(rows, NR, scratch, add, t, tRow);
  }
}

/** The length of the blocks of k: they are equal, and at most KC. */
// @ts-ignore: decorator
@inline
function blockOf(k: usize): usize {
  const blocks = (k + KC - 1) / KC;
  return (k + blocks - 1) / blocks;
}

/** C = beta * C: the whole product where k is 0, and the first step where beta is neither 0 nor 1. */
function scaleRows(m: usize, n: usize, beta: f32, c: usize, rowOfC: usize): void {
  for (; m; --m) {
    for (let j: usize = 0; j < n << 2; j += 4) {
      store<f32>(c + j, beta == 0 ? 0 : beta * load<f32>(c + j));
    }
    c += rowOfC;
  }
}

/**
 * Copies the lower triangle of C[n,n] onto the upper one, eight columns at a time. It also copies the square on the
 * diagonal onto itself: that is safe, because both of its halves were computed and have the same bits.
 */
function mirror(n: usize, c: usize, rowOfC: usize): void {
  while (n) {
    const cols = min(n, NR);
    storeTransposed(n, cols, c, rowOfC, false, c, rowOfC);
    n -= cols;
    c += cols * (rowOfC + 4);
  }
}
