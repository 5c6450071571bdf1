// The register tile: MR rows by NR columns of C held in registers while k runs, and the ways a
// finished tile reaches C. Everything about speed hangs on the tile fitting the sixteen vector
// registers of x64: see docs/decisions/ for the figures that chose it.

import { madd } from "./simd";

/** Rows of the tile: elements of A, each broadcast over a vector. */
export const MR: usize = 2;
/** Columns of the tile: four vectors of B. */
export const NR: usize = 16;
/** Bytes of one tile of float32. */
export const TILE_BYTES: usize = (MR * NR) << 2;

/**
 * C[MR,NR] = A[MR,k] * B[k,NR] + beta * C, each element summed from zero in the order of k.
 * Element (i, p) of A lies at a + i * aRow + p * aStep, row p of B at b + p * bStep (bytes).
 * k >= 1. beta 0 does not read C.
 */
export function tile(
  k: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  beta: f32,
  c: usize,
  cRow: usize,
): void {
  let a1 = a + aRow;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const b3 = v128.load(b, 48);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    c02 = madd(x, b2, c02);
    c03 = madd(x, b3, c03);
    x = v128.load32_splat(a1);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    c12 = madd(x, b2, c12);
    c13 = madd(x, b3, c13);
    a += aStep;
    a1 += aStep;
    b += bStep;
  } while (--k);
  if (beta != 0) {
    const s = f32x4.splat(beta);
    c00 = madd(s, v128.load(c), c00);
    c01 = madd(s, v128.load(c, 16), c01);
    c02 = madd(s, v128.load(c, 32), c02);
    c03 = madd(s, v128.load(c, 48), c03);
    c10 = madd(s, v128.load(c + cRow), c10);
    c11 = madd(s, v128.load(c + cRow, 16), c11);
    c12 = madd(s, v128.load(c + cRow, 32), c12);
    c13 = madd(s, v128.load(c + cRow, 48), c13);
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  c += cRow;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  v128.store(c, c12, 32);
  v128.store(c, c13, 48);
}

/** C[rows,cols] = T + beta * C for a finished tile T (rows of NR elements): the edges of C. */
export function storePart(
  rows: usize,
  cols: usize,
  t: usize,
  beta: f32,
  c: usize,
  cRow: usize,
): void {
  const s = f32x4.splat(beta);
  for (; rows; --rows) {
    for (let j: usize = 0; j < cols << 2; j += 4) {
      let x = v128.load32_zero(t + j);
      if (beta != 0) x = madd(s, v128.load32_zero(c + j), x);
      v128.store_lane<f32>(c + j, x, 0);
    }
    t += NR << 2;
    c += cRow;
  }
}
