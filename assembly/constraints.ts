// Constraints on weights: norms of rows, and values within limits. Norms and products of rows are
// formed in double, as dot and sumSquares form them, so nothing overflows and no order depends on a
// share of the rows.

import { loadLanes, storeLanes } from "./lanes";
import { madd } from "./simd";
import { dot, sumSquares } from "./vector";

/** The low two lanes of x times the factor, rounded once. */
// @ts-ignore: decorator
@inline
function scaledHalf(x: v128, factor: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), factor));
}

/** x times a factor in double, lane by lane. */
// @ts-ignore: decorator
@inline
function scaled(x: v128, factor: v128): v128 {
  const low = scaledHalf(x, factor);
  const high = scaledHalf(v128.shuffle<i64>(x, x, 1, 1), factor);
  return v128.shuffle<i64>(low, high, 0, 2);
}

/**
 * Scales rows of w [rows, cols] to the norm `length`: all of them, or with `longerOnly` those that
 * are longer. A row of zeros stays as it is: it has no direction. A row with a NaN or an infinity
 * becomes NaN or 0 where it is scaled.
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
 * Takes from every row of g its part along the same row of w: g - (g . w / w . w) w, both rows x cols. A
 * row of zeros in w takes nothing.
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

/** out[i] = x[i] within [low, high]; a NaN stays. out may be x. */
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
