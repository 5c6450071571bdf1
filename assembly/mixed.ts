// The loss of rows that mix numbers and categories. A category is a block of columns, one column per value; all
// other columns are numbers. The loss of a number is its squared error. The loss of a block is the cross entropy
// of the target with the softmax of the block's logits.
//
// `blocks` holds `count` pairs of u32: the first column of a block and its width. Blocks are ascending and do not
// overlap. `weights` has one weight per column; a block uses the weight of its first column. With `masked`, a
// number whose target is NaN and a block with a NaN in its target have no loss and no gradient. A row is computed
// on its own, in the order of its columns, so threads may divide the rows.

import { loadLanes, storeLanes } from "./lanes";
import { exp4 } from "./math/exp";
import { log4 } from "./math/log";
import { firstLanes } from "./tail";
import { addHigh, addLow, total } from "./wide";

// @ts-ignore: decorator
@inline
function largestLane(v: v128): v128 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

/** The largest of n >= 1 floats, in every lane. */
// @ts-ignore: decorator
@inline
function largest(n: usize, z: usize): v128 {
  let found = v128.load32_splat(z);
  for (; n >= 4; n -= 4) {
    found = f32x4.pmax(found, v128.load(z));
    z += 16;
  }
  for (; n; n--) {
    found = f32x4.pmax(found, v128.load32_splat(z));
    z += 4;
  }
  return largestLane(found);
}

/** exp(z - top) of n <= 4 logits, and 0 in the other lanes. */
// @ts-ignore: decorator
@inline
function exponentials(n: usize, z: usize, top: v128): v128 {
  const e = exp4(f32x4.sub(loadLanes(z, n), top));
  return n < 4 ? v128.and(e, firstLanes(n)) : e;
}

/** The sum of four lanes, (0 + 2) + (1 + 3), in every lane. */
// @ts-ignore: decorator
@inline
function splatSum(v: v128): v128 {
  const pairs = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.add(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

/** The softmax of n >= 1 logits. y may be z. */
function softmax(n: usize, z: usize, y: usize): void {
  const top = largest(n, z);
  let sums = f32x4.splat(0);
  for (let left = n; left; ) {
    const lanes = min<usize>(left, 4);
    const e = exponentials(lanes, z, top);
    sums = f32x4.add(sums, e);
    storeLanes(y, e, lanes);
    z += lanes << 2;
    y += lanes << 2;
    left -= lanes;
  }
  const sum = splatSum(sums);
  y -= n << 2;
  for (let left = n; left; ) {
    const lanes = min<usize>(left, 4);
    storeLanes(y, f32x4.div(loadLanes(y, lanes), sum), lanes);
    y += lanes << 2;
    left -= lanes;
  }
}

/**
 * The cross entropy of n >= 1 targets with the softmax of the logits z: the sum of t (ln S + top - z), where
 * S is the sum of exp(z - top) and top is the largest logit. Where dz is not 0, it receives
 * scale * (softmax(z) * sum(t) - t), the gradient times `scale`. dz may be z.
 */
function crossEntropy(n: usize, z: usize, target: usize, scale: f32, dz: usize): f64 {
  const top = largest(n, z);
  let sums = f32x4.splat(0);
  let targets = sums;
  let low = f64x2.splat(0);
  let high = low;
  for (let at: usize = 0; at < n << 2; at += 16) {
    const lanes = min<usize>(n - (at >> 2), 4);
    const t = loadLanes(target + at, lanes);
    // A target of 0 gives a product of 0, also where the logit is -Infinity.
    const distance = f32x4.sub(top, loadLanes(z + at, lanes));
    const product = v128.and(f32x4.mul(t, distance), f32x4.ne(t, f32x4.splat(0)));
    low = addLow(low, product);
    high = addHigh(high, product);
    targets = f32x4.add(targets, t);
    const e = exponentials(lanes, z + at, top);
    sums = f32x4.add(sums, e);
    if (dz) storeLanes(dz + at, e, lanes);
  }
  const sum = splatSum(sums);
  const weight = splatSum(targets);
  if (dz) {
    const factor = f32x4.splat(scale);
    for (let at: usize = 0; at < n << 2; at += 16) {
      const lanes = min<usize>(n - (at >> 2), 4);
      const p = f32x4.mul(weight, f32x4.div(loadLanes(dz + at, lanes), sum));
      storeLanes(dz + at, f32x4.mul(factor, f32x4.sub(p, loadLanes(target + at, lanes))), lanes);
    }
  }
  const log = f32x4.extract_lane(log4(sum), 0);
  return total(low, high) + <f64>f32x4.extract_lane(weight, 0) * <f64>log;
}

/** Whether one of n floats is NaN. */
function hasNaN(n: usize, p: usize): bool {
  for (const end = p + (n << 2); p < end; p += 4) {
    const x = load<f32>(p);
    if (x != x) return true;
  }
  return false;
}

/** The sum of w (y - t)^2 over n numbers. Where dy is not 0, it receives scale * 2 w (y - t). */
function squares(
  n: usize,
  weights: usize,
  masked: u32,
  y: usize,
  target: usize,
  scale: f32,
  dy: usize,
): f64 {
  const twice = f32x4.splat(2 * scale);
  const unmasked = i32x4.splat(masked ? 0 : -1);
  let low = f64x2.splat(0);
  let high = low;
  for (let at: usize = 0; at < n << 2; at += 16) {
    const lanes = min<usize>(n - (at >> 2), 4);
    const t = loadLanes(target + at, lanes);
    const present = v128.or(f32x4.eq(t, t), unmasked);
    const d = v128.and(f32x4.sub(loadLanes(y + at, lanes), t), present);
    const wd = f32x4.mul(loadLanes(weights + at, lanes), d);
    const value = f32x4.mul(wd, d);
    low = addLow(low, value);
    high = addHigh(high, value);
    if (dy) storeLanes(dy + at, f32x4.mul(twice, wd), lanes);
  }
  return total(low, high);
}

/** y = z, with the softmax of each block in place of its logits. z and y are [rows, cols]. y may be z. */
export function softmaxBlocks(
  rows: usize,
  cols: usize,
  count: usize,
  blocks: usize,
  z: usize,
  y: usize,
): void {
  const rowBytes = cols << 2;
  const end = blocks + (count << 3);
  for (; rows; rows--) {
    if (y != z) memory.copy(y, z, rowBytes);
    for (let b = blocks; b < end; b += 8) {
      const at = y + (<usize>load<u32>(b) << 2);
      softmax(load<u32>(b, 4), at, at);
    }
    z += rowBytes;
    y += rowBytes;
  }
}

/**
 * The weighted losses of outputs y [rows, cols], which hold logits in the blocks. Writes to partials, one
 * float64 per row, the sum of the losses of the row. Where dy is not 0, it receives the gradients times
 * scale. dy may be y. To form a mean, divide by the sum of mixedKnown.
 */
export function mixedGradient(
  rows: usize,
  cols: usize,
  count: usize,
  blocks: usize,
  weights: usize,
  masked: u32,
  y: usize,
  target: usize,
  scale: f32,
  dy: usize,
  partials: usize,
): void {
  const end = blocks + (count << 3);
  for (; rows; rows--) {
    let sum: f64 = 0;
    let column: usize = 0;
    for (let b = blocks; b <= end; b += 8) {
      const first = b < end ? <usize>load<u32>(b) : cols;
      let at = column << 2;
      let gradient = dy ? dy + at : 0;
      sum += squares(first - column, weights + at, masked, y + at, target + at, scale, gradient);
      if (b == end) break;
      const width = <usize>load<u32>(b, 4);
      at = first << 2;
      gradient = dy ? dy + at : 0;
      if (masked && hasNaN(width, target + at)) {
        if (dy) memory.fill(gradient, 0, width << 2);
      } else {
        const weight = load<f32>(weights + at);
        const value = crossEntropy(width, y + at, target + at, scale * weight, gradient);
        sum += <f64>weight * value;
      }
      column = first + width;
    }
    store<f64>(partials, sum);
    partials += 8;
    y += cols << 2;
    target += cols << 2;
    if (dy) dy += cols << 2;
  }
}

/** Writes to partials, one float64 per row, the sum of the weights of the numbers and blocks that have a target. */
export function mixedKnown(
  rows: usize,
  cols: usize,
  count: usize,
  blocks: usize,
  weights: usize,
  target: usize,
  partials: usize,
): void {
  const end = blocks + (count << 3);
  for (; rows; rows--) {
    let sum: f64 = 0;
    let column: usize = 0;
    for (let b = blocks; b <= end; b += 8) {
      const first = b < end ? <usize>load<u32>(b) : cols;
      for (; column < first; column++) {
        if (!hasNaN(1, target + (column << 2))) sum += <f64>load<f32>(weights + (column << 2));
      }
      if (b == end) break;
      const width = <usize>load<u32>(b, 4);
      if (!hasNaN(width, target + (first << 2))) sum += <f64>load<f32>(weights + (first << 2));
      column = first + width;
    }
    store<f64>(partials, sum);
    partials += 8;
    target += cols << 2;
  }
}

/**
 * out[r] = the losses of the numbers and blocks of row r, without weights, in the order of columns. A block has
 * one loss, so a row of out has cols - (sum of the widths) + count elements. Where a target is NaN, the loss is
 * NaN.
 */
export function mixedErrors(
  rows: usize,
  cols: usize,
  count: usize,
  blocks: usize,
  y: usize,
  target: usize,
  out: usize,
): void {
  const end = blocks + (count << 3);
  for (; rows; rows--) {
    let column: usize = 0;
    for (let b = blocks; b <= end; b += 8) {
      const first = b < end ? <usize>load<u32>(b) : cols;
      for (; column < first; column++) {
        const d = load<f32>(y + (column << 2)) - load<f32>(target + (column << 2));
        store<f32>(out, d * d);
        out += 4;
      }
      if (b == end) break;
      const width = <usize>load<u32>(b, 4);
      const at = first << 2;
      store<f32>(out, <f32>crossEntropy(width, y + at, target + at, 0, 0));
      out += 4;
      column = first + width;
    }
    y += cols << 2;
    target += cols << 2;
  }
}
