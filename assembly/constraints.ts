// Constraints on weights: norms of rows, and values within limits. Norms and dot products of rows are
// computed in float64 by dot and sumSquares. So nothing overflows, and the order of a sum does not
// depend on how the rows are divided among threads.

import { loadLanes, storeLanes } from "./lanes";
import { madd } from "./simd";
import { dot, sumSquares } from "./vector";

/** The low two lanes of x times the factor, rounded once. */
// @ts-ignore: decorator
@inline
function scaledHalf(x: v128, factor: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), factor));
}

/** x times a float64 factor, lane by lane. */
// @ts-ignore: decorator
@inline
function scaled(x: v128, factor: v128): v128 {
  const low = scaledHalf(x, factor);
  const high = scaledHalf(v128.shuffle<i64>(x, x, 1, 1), factor);
  return v128.shuffle<i64>(low, high, 0, 2);
}

/**
 * Scales rows of w [rows, cols] to the norm `length`: all rows, or with `longerOnly` only longer ones.
 * A row of zeros does not change, because it has no direction. A scaled row with a NaN or an infinity
 * becomes NaN or 0.
 */
export function setRowNorms(
  rows: usize,
  cols: usize,
  w: usize,
  ldw: usize,
  length: f64,
  longerOnly: u32,
): void {
  for (; rows; rows--) {
    const norm = sqrt(sumSquares(cols, w));
    if (longerOnly ? !(norm <= length) : norm != 0) {
      const factor = f64x2.splat(length / norm);
      let left = cols;
      let at = w;
      while (left) {
        const n = min<usize>(left, 4);
        storeLanes(at, scaled(loadLanes(at, n), factor), n);
        at += 16;
        left -= n;
      }
    }
    w += ldw << 2;
  }
}

/**
 * Removes from every row of g its component along the same row of w: g -= (g . w / w . w) w. g and w are
 * [rows, cols]. Where a row of w is zero, the row of g does not change.
 */
export function projectRows(
  rows: usize,
  cols: usize,
  w: usize,
  ldw: usize,
  g: usize,
  ldg: usize,
): void {
  for (; rows; rows--) {
    const squares = sumSquares(cols, w);
    if (squares != 0) {
      const along = f32x4.splat(<f32>(-dot(cols, g, w) / squares));
      let left = cols;
      let from = w;
      let to = g;
      while (left) {
        const n = min<usize>(left, 4);
        storeLanes(to, madd(along, loadLanes(from, n), loadLanes(to, n)), n);
        from += 16;
        to += 16;
        left -= n;
      }
    }
    w += ldw << 2;
    g += ldg << 2;
  }
}

/** out[i] = x[i] clamped to [low, high]. NaN stays NaN. out may be x. */
export function clamp(count: usize, x: usize, low: f32, high: f32, out: usize): void {
  const l = f32x4.splat(low);
  const h = f32x4.splat(high);
  while (count) {
    const n = min<usize>(count, 4);
    storeLanes(out, f32x4.pmax(f32x4.pmin(loadLanes(x, n), h), l), n);
    x += 16;
    out += 16;
    count -= n;
  }
}
