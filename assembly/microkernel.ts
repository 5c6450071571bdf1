// The register tile: MR rows by eight columns of C stay in vector registers during the loop over k. A call
// computes a whole column of tiles. The loop is written for how engines compile it:
// - On x64 the compiler has fifteen vector registers. V8 up to Node 22 hoists the loads of a step above its
//   arithmetic, so a tile must fit together with all its loads. 4 x 8 fits everywhere. With a fused
//   multiply-add no product needs a register, and V8 from Node 24 on keeps the order, so 6 x 8 fits.
// - Pointers advance before they are used. V8 knows that a sum is zero-extended but does not know it of a loop
//   variable, so this saves one move per pointer and step (Node 20: from 47 to 51 GFLOP/s, peak 59).
// - Vector registers hold only the tile. One more value, such as beta, halved the speed of 6 x 8 (57 to 27).
// - k is unrolled by hand, by four steps, only where both operands are packed. Then the rows of Q are constant
//   offsets from one pointer, and V8 tests for interrupts once in four steps (Node 20: from 0.80 to 0.90 of
//   the peak). The exit after every step keeps the sums of a step in their place: without it V8 moves them
//   behind the loads of all four steps, and the registers spill (0.50). The last step takes its operands in
//   reverse order: otherwise V8 up to Node 22 loads them one by one between sums (0.86).
// Figures: docs/decisions/030-gemm-tile.md.

import { madd } from "./simd";

/** Columns of a tile: two vectors. */
export const NR: usize = 8;
/** Bytes of a row of a packed panel or of the scratch panel. */
export const PANEL_ROW: usize = NR << 2;

/** Four rows. A is broadcast from rows that lie aRow bytes apart. */
export function tilesOf4(
  tiles: usize,
  valid: usize,
  k: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  aTile: usize,
  b: usize,
  bStep: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  column(4, false, false, tiles, valid, k, a, aRow, aStep, aTile, b, bStep, add, c, cRow);
}

/** Four rows. A is packed: the four elements of a step are adjacent. B is packed in rows of eight. Baseline build. */
export function packedTilesOf4(
  tiles: usize,
  k: usize,
  a: usize,
  b: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  column(4, true, false, tiles, 4, k, a, 4, 16, k << 4, b, PANEL_ROW, add, c, cRow);
}

/** Six rows. A is broadcast from rows that lie aRow bytes apart. Relaxed build. */
export function tilesOf6(
  tiles: usize,
  valid: usize,
  k: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  aTile: usize,
  b: usize,
  bStep: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  column(6, false, false, tiles, valid, k, a, aRow, aStep, aTile, b, bStep, add, c, cRow);
}

/** Tiles of which only the first four columns count: six rows in the relaxed build, four in the baseline. */
export function narrowTiles(
  tiles: usize,
  k: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  aTile: usize,
  b: usize,
  bStep: usize,
  t: usize,
): void {
  const MR = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
  column(MR, false, true, tiles, MR, k, a, aRow, aStep, aTile, b, bStep, false, t, PANEL_ROW);
}

/**
 * For `tiles` tiles below one another: C[MR,8] = A[MR,k] * B[k,8] (+ C if `add`). Each element is summed from
 * zero in the order of k. Element (i, p) of A of the first tile lies at a + i * aRow + p * aStep; A of the next
 * tile starts aTile further on. Row p of B lies at b + p * bStep. Strides are in bytes. Rows from `valid` on repeat
 * the last valid one: a last, partial tile goes to scratch memory. `packed` means that the strides are those of
 * packed operands. k >= 1, tiles >= 1.
 */
// @ts-ignore: decorator
@inline
function column(
  MR: i32,
  packed: bool,
  narrow: bool,
  tiles: usize,
  valid: usize,
  k: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  aTile: usize,
  b: usize,
  bStep: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  const toRow1 = valid > 1 ? aRow : 0;
  const toRow2 = valid > 2 ? aRow : 0;
  const toRow3 = valid > 3 ? aRow : 0;
  const toRow4 = valid > 4 ? aRow : 0;
  const toRow5 = valid > 5 ? aRow : 0;
  const start = b - (packed ? 4 * PANEL_ROW : bStep);
  const last = start + k * bStep;
  a -= aStep;
  do {
    let a0 = a;
    let a1 = a0 + toRow1;
    let a2 = a1 + toRow2;
    let a3 = a2 + toRow3;
    let a4 = a3 + toRow4;
    let a5 = a4 + toRow5;
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
    let c40 = c00;
    let c41 = c00;
    let c50 = c00;
    let c51 = c00;
    if (packed) {
      const lastA = a0 + (k << 4);
      let x: v128;
      let b0: v128;
      let b1: v128;
      b = start;
      do {
        b += 4 * PANEL_ROW;
        a0 += 16;
        b0 = v128.load(b);
        b1 = v128.load(b, 16);
        x = v128.load32_splat(a0);
        c00 = madd(x, b0, c00);
        c01 = madd(x, b1, c01);
        x = v128.load32_splat(a0, 4);
        c10 = madd(x, b0, c10);
        c11 = madd(x, b1, c11);
        x = v128.load32_splat(a0, 8);
        c20 = madd(x, b0, c20);
        c21 = madd(x, b1, c21);
        x = v128.load32_splat(a0, 12);
        c30 = madd(x, b0, c30);
        c31 = madd(x, b1, c31);
        if (a0 == lastA) break;
        a0 += 16;
        b0 = v128.load(b, 32);
        b1 = v128.load(b, 48);
        x = v128.load32_splat(a0);
        c00 = madd(x, b0, c00);
        c01 = madd(x, b1, c01);
        x = v128.load32_splat(a0, 4);
        c10 = madd(x, b0, c10);
        c11 = madd(x, b1, c11);
        x = v128.load32_splat(a0, 8);
        c20 = madd(x, b0, c20);
        c21 = madd(x, b1, c21);
        x = v128.load32_splat(a0, 12);
        c30 = madd(x, b0, c30);
        c31 = madd(x, b1, c31);
        if (a0 == lastA) break;
        a0 += 16;
        b0 = v128.load(b, 64);
        b1 = v128.load(b, 80);
        x = v128.load32_splat(a0);
        c00 = madd(x, b0, c00);
        c01 = madd(x, b1, c01);
        x = v128.load32_splat(a0, 4);
        c10 = madd(x, b0, c10);
        c11 = madd(x, b1, c11);
        x = v128.load32_splat(a0, 8);
        c20 = madd(x, b0, c20);
        c21 = madd(x, b1, c21);
        x = v128.load32_splat(a0, 12);
        c30 = madd(x, b0, c30);
        c31 = madd(x, b1, c31);
        if (a0 == lastA) break;
        a0 += 16;
        b1 = v128.load(b, 112);
        b0 = v128.load(b, 96);
        x = v128.load32_splat(a0, 12);
        c31 = madd(x, b1, c31);
        c30 = madd(x, b0, c30);
        x = v128.load32_splat(a0, 8);
        c21 = madd(x, b1, c21);
        c20 = madd(x, b0, c20);
        x = v128.load32_splat(a0, 4);
        c11 = madd(x, b1, c11);
        c10 = madd(x, b0, c10);
        x = v128.load32_splat(a0);
        c01 = madd(x, b1, c01);
        c00 = madd(x, b0, c00);
      } while (a0 != lastA);
    } else {
      b = start;
      do {
        a0 += aStep;
        a1 += aStep;
        a2 += aStep;
        a3 += aStep;
        if (MR > 4) {
          a4 += aStep;
          a5 += aStep;
        }
        b += bStep;
        const b0 = v128.load(b);
        const b1 = narrow ? b0 : v128.load(b, 16);
        let x = v128.load32_splat(a0);
        c00 = madd(x, b0, c00);
        if (!narrow) c01 = madd(x, b1, c01);
        x = v128.load32_splat(a1);
        c10 = madd(x, b0, c10);
        if (!narrow) c11 = madd(x, b1, c11);
        x = v128.load32_splat(a2);
        c20 = madd(x, b0, c20);
        if (!narrow) c21 = madd(x, b1, c21);
        x = v128.load32_splat(a3);
        c30 = madd(x, b0, c30);
        if (!narrow) c31 = madd(x, b1, c31);
        if (MR > 4) {
          x = v128.load32_splat(a4);
          c40 = madd(x, b0, c40);
          if (!narrow) c41 = madd(x, b1, c41);
          x = v128.load32_splat(a5);
          c50 = madd(x, b0, c50);
          if (!narrow) c51 = madd(x, b1, c51);
        }
      } while (b != last);
    }
    a += aTile;
    const r1 = c + cRow;
    const r2 = r1 + cRow;
    const r3 = r2 + cRow;
    const r4 = r3 + cRow;
    const r5 = r4 + cRow;
    if (add) {
      c00 = f32x4.add(v128.load(c), c00);
      if (!narrow) c01 = f32x4.add(v128.load(c, 16), c01);
      c10 = f32x4.add(v128.load(r1), c10);
      if (!narrow) c11 = f32x4.add(v128.load(r1, 16), c11);
      c20 = f32x4.add(v128.load(r2), c20);
      if (!narrow) c21 = f32x4.add(v128.load(r2, 16), c21);
      c30 = f32x4.add(v128.load(r3), c30);
      if (!narrow) c31 = f32x4.add(v128.load(r3, 16), c31);
      if (MR > 4) {
        c40 = f32x4.add(v128.load(r4), c40);
        if (!narrow) c41 = f32x4.add(v128.load(r4, 16), c41);
        c50 = f32x4.add(v128.load(r5), c50);
        if (!narrow) c51 = f32x4.add(v128.load(r5, 16), c51);
      }
    }
    v128.store(c, c00);
    if (!narrow) v128.store(c, c01, 16);
    v128.store(r1, c10);
    if (!narrow) v128.store(r1, c11, 16);
    v128.store(r2, c20);
    if (!narrow) v128.store(r2, c21, 16);
    v128.store(r3, c30);
    if (!narrow) v128.store(r3, c31, 16);
    if (MR > 4) {
      v128.store(r4, c40);
      if (!narrow) v128.store(r4, c41, 16);
      v128.store(r5, c50);
      if (!narrow) v128.store(r5, c51, 16);
    }
    c = MR > 4 ? r5 + cRow : r4;
  } while (--tiles);
}

/** C[rows,cols] = T (+ C if `add`) for finished tiles T with rows of NR elements. For the edges of C. */
export function storePart(
  rows: usize,
  cols: usize,
  t: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  for (; rows; --rows) {
    let from = t;
    let to = c;
    let j = cols;
    for (; j >= 4; j -= 4) {
      let x = v128.load(from);
      if (add) x = f32x4.add(v128.load(to), x);
      v128.store(to, x);
      from += 16;
      to += 16;
    }
    for (; j; --j) {
      storeOne(from, add, to);
      from += 4;
      to += 4;
    }
    t += PANEL_ROW;
    c += cRow;
  }
}

/** C[cols,rows] = T^T (+ C if `add`) for finished tiles T[rows,cols] whose rows lie tRow bytes apart. */
export function storeTransposed(
  rows: usize,
  cols: usize,
  t: usize,
  tRow: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  for (; rows >= 4; rows -= 4) {
    let t0 = t;
    let t1 = t0 + tRow;
    let t2 = t1 + tRow;
    let t3 = t2 + tRow;
    t = t3 + tRow;
    let to = c;
    let j = cols;
    for (; j >= 4; j -= 4) {
      const r0 = v128.load(t0);
      const r1 = v128.load(t1);
      const r2 = v128.load(t2);
      const r3 = v128.load(t3);
      const s0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const s1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const s2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const s3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      storeVector(v128.shuffle<f64>(s0, s2, 0, 2), add, to);
      to += cRow;
      storeVector(v128.shuffle<f64>(s0, s2, 1, 3), add, to);
      to += cRow;
      storeVector(v128.shuffle<f64>(s1, s3, 0, 2), add, to);
      to += cRow;
      storeVector(v128.shuffle<f64>(s1, s3, 1, 3), add, to);
      to += cRow;
      t0 += 16;
      t1 += 16;
      t2 += 16;
      t3 += 16;
    }
    for (; j; --j) {
      storeOne(t0, add, to);
      storeOne(t1, add, to + 4);
      storeOne(t2, add, to + 8);
      storeOne(t3, add, to + 12);
      t0 += 4;
      t1 += 4;
      t2 += 4;
      t3 += 4;
      to += cRow;
    }
    c += 16;
  }
  for (; rows; --rows) {
    let to = c;
    for (let j: usize = 0; j < cols << 2; j += 4) {
      storeOne(t + j, add, to);
      to += cRow;
    }
    t += tRow;
    c += 4;
  }
}

// @ts-ignore: decorator
@inline
function storeVector(x: v128, add: bool, c: usize): void {
  if (add) x = f32x4.add(v128.load(c), x);
  v128.store(c, x);
}

// @ts-ignore: decorator
@inline
function storeOne(from: usize, add: bool, c: usize): void {
  store<f32>(c, add ? load<f32>(c) + load<f32>(from) : load<f32>(from));
}
