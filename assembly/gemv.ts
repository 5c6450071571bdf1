// Products with very few rows or columns, which the speed of memory decides: no packing, every
// element of the large operand read once, in place.
//
// sumRows keeps the order of sums of the tiles (in the order of k from zero, in the same blocks), so
// who takes it changes no bit. dots does not: a row meets a row in four-lane partial sums.

import { madd } from "./simd";

/** Columns that sumRows takes at a time: what it needs of workspace, in elements. */
const CHUNK: usize = 512;

/**
 * C[rows,n] = X * B[k,n] + beta * C, where X's element (i, p) lies at x + i * xRow + p * xStep; strides
 * in bytes. `longest` is the length of a block of k. `sums` is workspace for min(n, CHUNK) elements.
 * Four rows of B stream by at a time: 72 GB/s from L2 (Node 24; a plain read: 69) where strips of 32
 * columns, summed in registers, reached 68. k >= 1.
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

/** sums[n] = the sum over p < k of x_p * B[p,:], from zero and in order. */
function sumBlock(
  n: usize,
  k: usize,
  x: usize,
  xStep: usize,
  b: usize,
  bRow: usize,
  sums: usize,
): void {
  const end = sums + (n << 2);
  const endOfPairs = sums + ((n & ~7) << 2);
  memory.fill(sums, 0, n << 2);
  for (; k >= 4; k -= 4) {
    const x0 = v128.load32_splat(x);
    x += xStep;
    const x1 = v128.load32_splat(x);
    x += xStep;
    const x2 = v128.load32_splat(x);
    x += xStep;
    const x3 = v128.load32_splat(x);
    x += xStep;
    let b0 = b;
    let b1 = b0 + bRow;
    let b2 = b1 + bRow;
    let b3 = b2 + bRow;
    b = b3 + bRow;
    let s = sums;
    for (; s != endOfPairs; s += 32) {
      let y = madd(x0, v128.load(b0), v128.load(s));
      let z = madd(x0, v128.load(b0, 16), v128.load(s, 16));
      y = madd(x1, v128.load(b1), y);
      z = madd(x1, v128.load(b1, 16), z);
      y = madd(x2, v128.load(b2), y);
      z = madd(x2, v128.load(b2, 16), z);
      v128.store(s, madd(x3, v128.load(b3), y));
      v128.store(s, madd(x3, v128.load(b3, 16), z), 16);
      b0 += 32;
      b1 += 32;
      b2 += 32;
      b3 += 32;
    }
    for (; s != end; s += 4) {
      let y = madd(x0, v128.load32_zero(b0), v128.load32_zero(s));
      y = madd(x1, v128.load32_zero(b1), y);
      y = madd(x2, v128.load32_zero(b2), y);
      v128.store_lane<f32>(s, madd(x3, v128.load32_zero(b3), y), 0);
      b0 += 4;
      b1 += 4;
      b2 += 4;
      b3 += 4;
    }
  }
  for (; k; --k) {
    const x0 = v128.load32_splat(x);
    let b0 = b;
    x += xStep;
    b += bRow;
    let s = sums;
    for (; s != endOfPairs; s += 32) {
      v128.store(s, madd(x0, v128.load(b0), v128.load(s)));
      v128.store(s, madd(x0, v128.load(b0, 16), v128.load(s, 16)), 16);
      b0 += 32;
    }
    for (; s != end; s += 4) {
      v128.store_lane<f32>(s, madd(x0, v128.load32_zero(b0), v128.load32_zero(s)), 0);
      b0 += 4;
    }
  }
}

/** C = sums + beta * C, rounded as the tiles round it. */
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
 * C(i, j) = X[i,:] . W[j,:] + beta * C(i, j) for `xs` rows of X and `ws` rows of W; C(i, j) lies at
 * c + i * cX + j * cW; strides in bytes. Each dot product adds up vectors of four, then the lanes
 * (0 + 2) + (1 + 3), then the last k % 8 products one by one.
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
): void {
  while (ws) {
    const rows = min(ws, 4);
    for (let i: usize = 0; i < xs; ++i) {
      dotFour(rows, k, x + i * xRow, w, wRow, beta, c + i * cX, cW);
    }
    ws -= rows;
    w += rows * wRow;
    c += rows * cW;
  }
}

/**
 * Four rows, two vectors of each at a time. Rows from `valid` on repeat the last and are not stored. The
 * baseline build adds both vectors to one sum: V8 up to 22 loads all ten before it adds, which leaves
 * registers for four sums. The relaxed build keeps two, since a fused multiply-add takes longer to
 * come back than a sum.
 */
function dotFour(
  valid: usize,
  k: usize,
  x: usize,
  w0: usize,
  wRow: usize,
  beta: f32,
  c: usize,
  cW: usize,
): void {
  let w1 = w0 + (valid > 1 ? wRow : 0);
  let w2 = w1 + (valid > 2 ? wRow : 0);
  let w3 = w2 + (valid > 3 ? wRow : 0);
  let e0 = f32x4.splat(0);
  let e1 = e0;
  let e2 = e0;
  let e3 = e0;
  let o0 = e0;
  let o1 = e0;
  let o2 = e0;
  let o3 = e0;
  const end = x + (k << 2);
  const endOfPairs = x + ((k & ~7) << 2);
  while (x != endOfPairs) {
    const y = v128.load(x);
    const z = v128.load(x, 16);
    e0 = madd(y, v128.load(w0), e0);
    e1 = madd(y, v128.load(w1), e1);
    e2 = madd(y, v128.load(w2), e2);
    e3 = madd(y, v128.load(w3), e3);
    if (ASC_FEATURE_RELAXED_SIMD) {
      o0 = madd(z, v128.load(w0, 16), o0);
      o1 = madd(z, v128.load(w1, 16), o1);
      o2 = madd(z, v128.load(w2, 16), o2);
      o3 = madd(z, v128.load(w3, 16), o3);
    } else {
      e0 = madd(z, v128.load(w0, 16), e0);
      e1 = madd(z, v128.load(w1, 16), e1);
      e2 = madd(z, v128.load(w2, 16), e2);
      e3 = madd(z, v128.load(w3, 16), e3);
    }
    x += 32;
    w0 += 32;
    w1 += 32;
    w2 += 32;
    w3 += 32;
  }
  let s0 = sumLanes(f32x4.add(e0, o0));
  let s1 = sumLanes(f32x4.add(e1, o1));
  let s2 = sumLanes(f32x4.add(e2, o2));
  let s3 = sumLanes(f32x4.add(e3, o3));
  for (; x != end; x += 4) {
    const y = load<f32>(x);
    s0 += y * load<f32>(w0);
    s1 += y * load<f32>(w1);
    s2 += y * load<f32>(w2);
    s3 += y * load<f32>(w3);
    w0 += 4;
    w1 += 4;
    w2 += 4;
    w3 += 4;
  }
  put(s0, beta, c);
  if (valid > 1) put(s1, beta, c + cW);
  if (valid > 2) put(s2, beta, c + 2 * cW);
  if (valid > 3) put(s3, beta, c + 3 * cW);
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f32 {
  const t = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 1);
}

// @ts-ignore: decorator
@inline
function put(value: f32, beta: f32, c: usize): void {
  store<f32>(c, beta == 0 ? value : value + beta * load<f32>(c));
}

/** C[m,n] = a * b^T (+ C if `add`): the product with k = 1. a's elements lie aStep bytes apart. */
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
  const endOfPairs = c + ((n & ~7) << 2);
  const end = c + (n << 2);
  for (; c != endOfPairs; c += 32) {
    let y = v128.load(b);
    let z = v128.load(b, 16);
    y = add ? madd(x, y, v128.load(c)) : f32x4.mul(x, y);
    z = add ? madd(x, z, v128.load(c, 16)) : f32x4.mul(x, z);
    v128.store(c, y);
    v128.store(c, z, 16);
    b += 32;
  }
  for (; c != end; c += 4) {
    let y = v128.load32_zero(b);
    y = add ? madd(x, y, v128.load32_zero(c)) : f32x4.mul(x, y);
    v128.store_lane<f32>(c, y, 0);
    b += 4;
  }
}
