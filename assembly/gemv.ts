// Products with very few rows or columns. Memory bandwidth limits their speed. So nothing is packed, and
// every element of the large operand is read once, in place.
//
// sumRows adds in the same order as the tiles (in the order of k from zero, in the same blocks), so it gives
// the same bits. dots does not: it adds each dot product in four-lane partial sums.

import { sumLanes } from "./lanes";
import { madd } from "./simd";

/** Columns that sumRows takes at a time, and the elements of workspace that it needs. */
const CHUNK: usize = 2064;
/**
 * Rows of B that sumRows takes before it continues with the next columns. They are few enough that cache lines
 * that two strips share stay in L1, and that their pages stay in the first level of the TLB.
 */
const ROWS: usize = 16;

/**
 * C[rows,n] = X * B[k,n] + beta * C. Element (i, p) of X lies at x + i * xRow + p * xStep. Strides are in
 * bytes. `longest` is the length of a block of k. `sums` is workspace for min(n, CHUNK) elements. Strips of 24
 * columns are summed in registers over sixteen rows. k >= 1.
 */
export function sumRows(
  rows: usize,
  n: usize,
  k: usize,
  longest: usize,
  x: usize,
  xRow: usize,
  xStep: usize,
  b: usize,
  bRow: usize,
  beta: f32,
  c: usize,
  cRow: usize,
  sums: usize,
): void {
  while (n) {
    const cols = min(n, CHUNK);
    for (let i: usize = 0; i < rows; ++i) {
      let xAt = x + i * xRow;
      let bAt = b;
      let betaNow = beta;
      for (let left = k; left; ) {
        const depth = min(left, longest);
        sumBlock(cols, depth, xAt, xStep, bAt, bRow, sums);
        addSums(cols, sums, betaNow, c + i * cRow);
        left -= depth;
        xAt += depth * xStep;
        bAt += depth * bRow;
        betaNow = 1;
      }
    }
    n -= cols;
    b += cols << 2;
    c += cols << 2;
  }
}

/** sums[n] = the sum over p < k of x_p * B[p,:], added from zero and in order. */
function sumBlock(
  n: usize,
  k: usize,
  x: usize,
  xStep: usize,
  b: usize,
  bRow: usize,
  sums: usize,
): void {
  memory.fill(sums, 0, n << 2);
  while (k) {
    const depth = min(k, ROWS);
    let at: usize = 0;
    for (; at + 96 <= n << 2; at += 96) sumStrip6(depth, x, xStep, b + at, bRow, sums + at);
    for (; at + 32 <= n << 2; at += 32) sumStrip2(depth, x, xStep, b + at, bRow, sums + at);
    for (; at < n << 2; at += 4) sumColumn(depth, x, xStep, b + at, bRow, sums + at);
    x += depth * xStep;
    b += depth * bRow;
    k -= depth;
  }
}

/** sums += the sum over p < k of x_p * B[p,:] for 24 columns: the sums, their loads and a product fit into registers. */
function sumStrip6(k: usize, x: usize, xStep: usize, b: usize, bRow: usize, sums: usize): void {
  const last = b + (k - 1) * bRow;
  x -= xStep;
  b -= bRow;
  let s0 = v128.load(sums);
  let s1 = v128.load(sums, 16);
  let s2 = v128.load(sums, 32);
  let s3 = v128.load(sums, 48);
  let s4 = v128.load(sums, 64);
  let s5 = v128.load(sums, 80);
  do {
    x += xStep;
    b += bRow;
    const y = v128.load32_splat(x);
    s0 = madd(y, v128.load(b), s0);
    s1 = madd(y, v128.load(b, 16), s1);
    s2 = madd(y, v128.load(b, 32), s2);
    s3 = madd(y, v128.load(b, 48), s3);
    s4 = madd(y, v128.load(b, 64), s4);
    s5 = madd(y, v128.load(b, 80), s5);
  } while (b != last);
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
}

/** The same for eight columns. */
function sumStrip2(k: usize, x: usize, xStep: usize, b: usize, bRow: usize, sums: usize): void {
  let s0 = v128.load(sums);
  let s1 = v128.load(sums, 16);
  for (; k; --k) {
    const y = v128.load32_splat(x);
    s0 = madd(y, v128.load(b), s0);
    s1 = madd(y, v128.load(b, 16), s1);
    x += xStep;
    b += bRow;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** The same for one column. */
function sumColumn(k: usize, x: usize, xStep: usize, b: usize, bRow: usize, sums: usize): void {
  let s = v128.load32_zero(sums);
  for (; k; --k) {
    s = madd(v128.load32_zero(x), v128.load32_zero(b), s);
    x += xStep;
    b += bRow;
  }
  v128.store_lane<f32>(sums, s, 0);
}

/** C = sums + beta * C, with the same rounding as the tiles. */
function addSums(n: usize, sums: usize, beta: f32, c: usize): void {
  const factor = f32x4.splat(beta);
  const end = c + (n << 2);
  for (const endOfVectors = c + ((n & ~3) << 2); c != endOfVectors; c += 16) {
    let x = v128.load(sums);
    if (beta != 0) x = f32x4.add(f32x4.mul(factor, v128.load(c)), x);
    v128.store(c, x);
    sums += 16;
  }
  for (; c != end; c += 4) {
    const x = load<f32>(sums);
    store<f32>(c, beta == 0 ? x : beta * load<f32>(c) + x);
    sums += 4;
  }
}

/**
 * C(i, j) = X[i,:] . W[j,:] + beta * C(i, j) for `xs` rows of X and `ws` rows of W. C(i, j) lies at
 * c + i * cX + j * cW. Strides are in bytes. `sums` is workspace of 128 bytes. Each dot product adds vectors of
 * four, then the lanes as (0 + 2) + (1 + 3), then the last k % 8 products one by one.
 */
export function dots(
  xs: usize,
  ws: usize,
  k: usize,
  x: usize,
  xRow: usize,
  w: usize,
  wRow: usize,
  beta: f32,
  c: usize,
  cX: usize,
  cW: usize,
  sums: usize,
): void {
  while (ws) {
    const rows = min(ws, DOT_ROWS);
    for (let i: usize = 0; i < xs; ++i) {
      dotRows(rows, k, x + i * xRow, w, wRow, beta, c + i * cX, cW, sums);
    }
    ws -= rows;
    w += rows * wRow;
    c += rows * cW;
  }
}

/**
 * Rows of W that are multiplied by a row of X at a time. The baseline build takes six: V8 up to Node 22 loads all
 * operands of a step before it adds, which leaves registers for six sums. The relaxed build takes eight, because
 * a fused multiply-add has a longer latency than an addition.
 */
const DOT_ROWS: usize = ASC_FEATURE_RELAXED_SIMD ? 8 : 6;

/**
 * One row of X and DOT_ROWS rows of W. Rows of W from `valid` on repeat the last valid one, and their results are not
 * stored. Each iteration takes two vectors. The exit between them is never taken: it keeps V8 from loading both
 * vectors before it adds.
 */
function dotRows(
  valid: usize,
  k: usize,
  x: usize,
  w0: usize,
  wRow: usize,
  beta: f32,
  c: usize,
  cW: usize,
  sums: usize,
): void {
  w0 -= 32;
  let w1 = w0 + (valid > 1 ? wRow : 0);
  let w2 = w1 + (valid > 2 ? wRow : 0);
  let w3 = w2 + (valid > 3 ? wRow : 0);
  let w4 = w3 + (valid > 4 ? wRow : 0);
  let w5 = w4 + (valid > 5 ? wRow : 0);
  let w6 = w5 + (valid > 6 ? wRow : 0);
  let w7 = w6 + (valid > 7 ? wRow : 0);
  let e0 = f32x4.splat(0);
  let e1 = e0;
  let e2 = e0;
  let e3 = e0;
  let e4 = e0;
  let e5 = e0;
  let e6 = e0;
  let e7 = e0;
  x -= 16;
  const last = x + ((k & ~7) << 2);
  if (k > 7) {
    do {
      w0 += 32;
      w1 += 32;
      w2 += 32;
      w3 += 32;
      w4 += 32;
      w5 += 32;
      if (ASC_FEATURE_RELAXED_SIMD) {
        w6 += 32;
        w7 += 32;
      }
      x += 16;
      let y = v128.load(x);
      e0 = madd(y, v128.load(w0), e0);
      e1 = madd(y, v128.load(w1), e1);
      e2 = madd(y, v128.load(w2), e2);
      e3 = madd(y, v128.load(w3), e3);
      e4 = madd(y, v128.load(w4), e4);
      e5 = madd(y, v128.load(w5), e5);
      if (ASC_FEATURE_RELAXED_SIMD) {
        e6 = madd(y, v128.load(w6), e6);
        e7 = madd(y, v128.load(w7), e7);
      }
      if (x == last) break;
      x += 16;
      y = v128.load(x);
      e0 = madd(y, v128.load(w0, 16), e0);
      e1 = madd(y, v128.load(w1, 16), e1);
      e2 = madd(y, v128.load(w2, 16), e2);
      e3 = madd(y, v128.load(w3, 16), e3);
      e4 = madd(y, v128.load(w4, 16), e4);
      e5 = madd(y, v128.load(w5, 16), e5);
      if (ASC_FEATURE_RELAXED_SIMD) {
        e6 = madd(y, v128.load(w6, 16), e6);
        e7 = madd(y, v128.load(w7, 16), e7);
      }
    } while (x != last);
  }
  v128.store(sums, e0);
  v128.store(sums, e1, 16);
  v128.store(sums, e2, 32);
  v128.store(sums, e3, 48);
  v128.store(sums, e4, 64);
  v128.store(sums, e5, 80);
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(sums, e6, 96);
    v128.store(sums, e7, 112);
  }
  for (; valid; --valid) {
    let s = sumLanes(v128.load(sums));
    for (let p: usize = 0; p < (k & 7) << 2; p += 4) {
      s += load<f32>(x + p, 16) * load<f32>(w0 + p, 32);
    }
    store<f32>(c, beta == 0 ? s : s + beta * load<f32>(c));
    sums += 16;
    w0 += wRow;
    c += cW;
  }
}

/** C[m,n] = a * b^T (+ C if `add`): the product with k = 1. The elements of a lie aStep bytes apart. */
export function outer(
  m: usize,
  n: usize,
  a: usize,
  aStep: usize,
  b: usize,
  add: bool,
  c: usize,
  cRow: usize,
): void {
  for (; m; --m) {
    if (add) outerRow(true, n, a, b, c);
    else outerRow(false, n, a, b, c);
    a += aStep;
    c += cRow;
  }
}

// @ts-ignore: decorator
@inline
function outerRow(add: bool, n: usize, a: usize, b: usize, c: usize): void {
  const x = v128.load32_splat(a);
  const end = c + (n << 2);
  const endOfVectors = c + ((n & ~3) << 2);
  // Four vectors an iteration reach 49 GB/s in L2, two reach 43. A plain update of memory reaches 58 (Node 20).
  const last = c - 64 + ((n & ~15) << 2);
  b -= 64;
  c -= 64;
  while (c != last) {
    b += 64;
    c += 64;
    let y = v128.load(b);
    v128.store(c, add ? madd(x, y, v128.load(c)) : f32x4.mul(x, y));
    y = v128.load(b, 16);
    v128.store(c, add ? madd(x, y, v128.load(c, 16)) : f32x4.mul(x, y), 16);
    y = v128.load(b, 32);
    v128.store(c, add ? madd(x, y, v128.load(c, 32)) : f32x4.mul(x, y), 32);
    y = v128.load(b, 48);
    v128.store(c, add ? madd(x, y, v128.load(c, 48)) : f32x4.mul(x, y), 48);
  }
  b += 64;
  c += 64;
  for (; c != endOfVectors; c += 16) {
    const y = v128.load(b);
    v128.store(c, add ? madd(x, y, v128.load(c)) : f32x4.mul(x, y));
    b += 16;
  }
  for (; c != end; c += 4) {
    let y = v128.load32_zero(b);
    y = add ? madd(x, y, v128.load32_zero(c)) : f32x4.mul(x, y);
    v128.store_lane<f32>(c, y, 0);
    b += 4;
  }
}
