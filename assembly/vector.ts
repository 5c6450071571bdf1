// Kernels over contiguous float32 blocks: maps, sums, scans, column sums, scalers and row gathers. Sums are
// in float64, except column sums. Where a result depends on the order of a sum, the order is fixed and
// stated, so that a caller may divide the work among threads and still get the same bits.

import { loadLanes, storeLanes } from "./lanes";
import { SUM_BLOCK } from "./ops";
import { madd } from "./simd";

// ---- maps: y = f(x, y), element by element, so a range may be split anywhere ----

const FILL = 0;
const SCALE = 1;
const AXPY = 2;
const PENALTY = 3;

// @ts-ignore: decorator
@inline
function mapVector(op: i32, lanes: usize, x: usize, y: usize, a: v128, b: v128): void {
  if (op == FILL) {
    storeLanes(y, a, lanes);
    return;
  }
  let value = loadLanes(y, lanes);
  if (op == SCALE) value = f32x4.mul(a, value);
  else if (op == AXPY) value = madd(a, loadLanes(x, lanes), value);
  else {
    const w = loadLanes(x, lanes);
    // a with the sign of w, or 0 where w is zero.
    const sign = v128.xor(w, f32x4.abs(w));
    const signed = v128.and(v128.xor(a, sign), f32x4.ne(w, f32x4.splat(0)));
    value = f32x4.add(value, madd(b, w, signed));
  }
  storeLanes(y, value, lanes);
}

// @ts-ignore: decorator
@inline
function map(op: i32, count: usize, x: usize, y: usize, a: v128, b: v128): void {
  const endOfVectors = y + ((count >> 2) << 4);
  const tail = count & 3;
  for (; y < endOfVectors; y += 16, x += 16) mapVector(op, 4, x, y, a, b);
  if (tail) mapVector(op, tail, x, y, a, b);
}

/** p[i] = value. */
export function fill(count: usize, p: usize, value: f32): void {
  map(FILL, count, p, p, f32x4.splat(value), f32x4.splat(0));
}

/** p[i] = alpha * p[i]. */
export function scale(count: usize, p: usize, alpha: f32): void {
  map(SCALE, count, p, p, f32x4.splat(alpha), f32x4.splat(0));
}

/** y[i] = alpha * x[i] + y[i]. y may be x. */
export function axpy(count: usize, alpha: f32, x: usize, y: usize): void {
  map(AXPY, count, x, y, f32x4.splat(alpha), f32x4.splat(0));
}

/**
 * g[i] += scale * (l1 * sign(w[i]) + 2 * l2 * w[i]): the gradient of scale * (l1 |w| + l2 w^2),
 * where sign(0) = 0 and a NaN weight gives a NaN.
 */
export function addPenaltyGradient(
  count: usize,
  w: usize,
  g: usize,
  l1: f32,
  l2: f32,
  scale: f32,
): void {
  map(PENALTY, count, w, g, f32x4.splat(scale * l1), f32x4.splat(2 * scale * l2));
}

// ---- sums in float64 ----

const DOT = 0;
const SQUARES = 1;
const ABSOLUTES = 2;

// Two of the four terms of a vector. The float64 product of two float32 values is exact and cannot overflow.
// @ts-ignore: decorator
@inline
function terms(op: i32, x: v128, y: v128): v128 {
  if (op == ABSOLUTES) return f64x2.promote_low_f32x4(f32x4.abs(x));
  const wide = f64x2.promote_low_f32x4(x);
  return f64x2.mul(wide, op == DOT ? f64x2.promote_low_f32x4(y) : wide);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

/**
 * The sum over `count` elements: the sums of its blocks of SUM_BLOCK elements, added in order in float64.
 * A block has eight partial sums (element i belongs to partial sum i mod 8), which are added as
 * ((0 + 2) + (4 + 6)) + ((1 + 3) + (5 + 7)). So a caller that sums the blocks separately and adds them in
 * order gets the same bits. x need not be aligned.
 */
// @ts-ignore: decorator
@inline
function sum(op: i32, count: usize, x: usize, y: usize): f64 {
  let total: f64 = 0;
  while (count) {
    const block = min<usize>(count, SUM_BLOCK);
    count -= block;
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    const end = x + ((block >> 3) << 5);
    while (x < end) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      const y0 = op == DOT ? v128.load(y) : x0;
      const y1 = op == DOT ? v128.load(y, 16) : x1;
      s0 = f64x2.add(s0, terms(op, x0, y0));
      s1 = f64x2.add(s1, terms(op, high(x0), high(y0)));
      s2 = f64x2.add(s2, terms(op, x1, y1));
      s3 = f64x2.add(s3, terms(op, high(x1), high(y1)));
      x += 32;
      y += 32;
    }
    const rest = block & 7;
    if (rest) {
      const first = min(rest, 4);
      const x0 = loadLanes(x, first);
      const y0 = op == DOT ? loadLanes(y, first) : x0;
      s0 = f64x2.add(s0, terms(op, x0, y0));
      s1 = f64x2.add(s1, terms(op, high(x0), high(y0)));
      if (rest > 4) {
        const x1 = loadLanes(x + 16, rest - 4);
        const y1 = op == DOT ? loadLanes(y + 16, rest - 4) : x1;
        s2 = f64x2.add(s2, terms(op, x1, y1));
        s3 = f64x2.add(s3, terms(op, high(x1), high(y1)));
      }
    }
    const strands = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
    total += f64x2.extract_lane(strands, 0) + f64x2.extract_lane(strands, 1);
  }
  return total;
}

/** The sum of x[i] * y[i]. The order is that of `sum`. Products are exact. */
export function dot(count: usize, x: usize, y: usize): f64 {
  return sum(DOT, count, x, y);
}

/** The sum of p[i]^2. The order is that of `sum`. Squares are exact, so nothing overflows or underflows. */
export function sumSquares(count: usize, p: usize): f64 {
  return sum(SQUARES, count, p, p);
}

/** The sum of |p[i]|. The order is that of `sum`. */
export function sumAbs(count: usize, p: usize): f64 {
  return sum(ABSOLUTES, count, p, p);
}

// ---- scans ----

// All ones in the lanes outside of [low, high]. NaN is outside.
// @ts-ignore: decorator
@inline
function outside(x: v128, low: v128, high: v128): v128 {
  return v128.not(v128.and(f32x4.ge(x, low), f32x4.le(x, high)));
}

/**
 * The smallest i for which p[i] is not within [low, high], or 0xffffffff if there is none. NaN is never
 * within. With the largest finite float32 as high and its negative as low, it finds values that are not finite.
 */
export function firstOutside(count: usize, p: usize, low: f32, high: f32): u32 {
  const start = p;
  const end = p + (count << 2);
  const endOfGroups = p + ((count >> 4) << 6);
  const l = f32x4.splat(low);
  const h = f32x4.splat(high);
  for (; p < endOfGroups; p += 64) {
    const front = v128.or(outside(v128.load(p), l, h), outside(v128.load(p, 16), l, h));
    const back = v128.or(outside(v128.load(p, 32), l, h), outside(v128.load(p, 48), l, h));
    if (v128.any_true(v128.or(front, back))) break;
  }
  for (; p < end; p += 4) {
    const x = load<f32>(p);
    if (!(x >= low && x <= high)) return <u32>((p - start) >> 2);
  }
  return 0xffffffff;
}

/** The number of elements that are NaN. */
export function countNaN(count: usize, p: usize): u32 {
  const endOfVectors = p + ((count >> 2) << 4);
  const tail = count & 3;
  let found = i32x4.splat(0);
  for (; p < endOfVectors; p += 16) {
    const x = v128.load(p);
    found = i32x4.sub(found, f32x4.ne(x, x));
  }
  if (tail) {
    const x = loadLanes(p, tail);
    found = i32x4.sub(found, f32x4.ne(x, x));
  }
  const pairs = i32x4.add(found, v128.shuffle<i32>(found, found, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

// ---- matrices ----

/** Rows of a block of columnSums. The sum of a block is added to the total. */
const ROW_BLOCK: usize = 32;

// Column sums of 4 adjacent vectors, or of one vector with `lanes` columns.
// @ts-ignore: decorator
@inline
function columnTile(
  vectors: i32,
  lanes: usize,
  rows: usize,
  a: usize,
  rowBytes: usize,
  beta: f32,
  out: usize,
): void {
  const zero = f32x4.splat(0);
  let t0 = zero;
  let t1 = zero;
  let t2 = zero;
  let t3 = zero;
  while (rows) {
    const block = min(rows, ROW_BLOCK);
    rows -= block;
    let s0 = zero;
    let s1 = zero;
    let s2 = zero;
    let s3 = zero;
    for (const end = a + block * rowBytes; a != end; a += rowBytes) {
      s0 = f32x4.add(s0, loadLanes(a, lanes));
      if (vectors == 4) {
        s1 = f32x4.add(s1, v128.load(a, 16));
        s2 = f32x4.add(s2, v128.load(a, 32));
        s3 = f32x4.add(s3, v128.load(a, 48));
      }
    }
    t0 = f32x4.add(t0, s0);
    if (vectors == 4) {
      t1 = f32x4.add(t1, s1);
      t2 = f32x4.add(t2, s2);
      t3 = f32x4.add(t3, s3);
    }
  }
  accumulate(lanes, t0, beta, out);
  if (vectors == 4) {
    accumulate(4, t1, beta, out + 16);
    accumulate(4, t2, beta, out + 32);
    accumulate(4, t3, beta, out + 48);
  }
}

// @ts-ignore: decorator
@inline
function accumulate(lanes: usize, sums: v128, beta: f32, out: usize): void {
  if (beta != 0) sums = f32x4.add(sums, f32x4.mul(f32x4.splat(beta), loadLanes(out, lanes)));
  storeLanes(out, sums, lanes);
}

/**
 * out[j] = the sum over i of a[i][j], + beta * out[j]. a is [rows, cols] with leading dimension lda >= cols.
 * With beta 0, out is not read. Rows are added in order within blocks of ROW_BLOCK, and the blocks in order,
 * in float32. The relative error to the sum of |a| is at most (32 + rows / 32) * 2^-24.
 */
export function columnSums(
  rows: usize,
  cols: usize,
  a: usize,
  lda: usize,
  beta: f32,
  out: usize,
): void {
  const rowBytes = lda << 2;
  const end = out + (cols << 2);
  const endOfTiles = out + ((cols >> 4) << 6);
  const endOfVectors = out + ((cols >> 2) << 4);
  const tail = cols & 3;
  for (; out < endOfTiles; out += 64, a += 64) columnTile(4, 4, rows, a, rowBytes, beta, out);
  for (; out < endOfVectors; out += 16, a += 16) columnTile(1, 4, rows, a, rowBytes, beta, out);
  if (tail) columnTile(1, tail, rows, a, rowBytes, beta, out);
}

/**
 * y[i][j] = x[i][j] * mul[j] + add[j]. x and y are contiguous, [rows, cols]. y may be x. The product is
 * rounded before the sum in both builds, so scaled data have the same bits everywhere.
 */
export function affineColumns(
  rows: usize,
  cols: usize,
  x: usize,
  mul: usize,
  add: usize,
  y: usize,
): void {
  const tail = cols & 3;
  const vectorBytes = (cols >> 2) << 4;
  for (; rows; rows--) {
    let j: usize = 0;
    for (; j < vectorBytes; j += 16) affineVector(4, x + j, mul + j, add + j, y + j);
    if (tail) affineVector(tail, x + j, mul + j, add + j, y + j);
    x += cols << 2;
    y += cols << 2;
  }
}

// @ts-ignore: decorator
@inline
function affineVector(lanes: usize, x: usize, mul: usize, add: usize, y: usize): void {
  const product = f32x4.mul(loadLanes(x, lanes), loadLanes(mul, lanes));
  storeLanes(y, f32x4.add(product, loadLanes(add, lanes)), lanes);
}

/** Row i of out = row index[i] (u32) of source. Rows are contiguous and have cols floats. */
export function gatherRows(
  rows: usize,
  cols: usize,
  source: usize,
  index: usize,
  out: usize,
): void {
  const rowBytes = cols << 2;
  for (const end = index + (rows << 2); index < end; index += 4) {
    memory.copy(out, source + (<usize>load<u32>(index)) * rowBytes, rowBytes);
    out += rowBytes;
  }
}
