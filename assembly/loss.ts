// Losses: the value and the gradient of each element in one pass, and the errors of a reconstruction. A
// loss is a class with its value and its gradient, and a case in `lossGradient`. Its op code is in ops.ts.
//
// Element losses are rounded to float32 and summed in float64, block by block and in a fixed order within
// a block. So a total does not depend on how the range was divided at block boundaries. An output that is
// not finite makes the sum of its block not finite.

import { loadLanes, storeLanes } from "./lanes";
import { exp4 } from "./math/exp";
import { log1pUnit4 } from "./math/log";
import { LOSS_BLOCK, Loss } from "./ops";
import { firstLanes } from "./tail";
import { addHigh, addLow, total } from "./wide";

/** Never instantiated. The loop below takes it as a type parameter, so its methods are inlined there. */
abstract class ElementLoss {
  /** The subexpression that the value and the gradient share. */
  abstract common(y: v128, t: v128): v128;
  abstract value(common: v128, y: v128, t: v128, parameter: v128): v128;
  /** The derivative of the value with respect to y. */
  abstract gradient(common: v128, y: v128, t: v128, parameter: v128): v128;
}

/** A loss that is a function of d = y - t. */
abstract class DifferenceLoss extends ElementLoss {
  @inline
  common(y: v128, t: v128): v128 {
    return f32x4.sub(y, t);
  }
}

/** d^2. */
class Mse extends DifferenceLoss {
  @inline
  value(d: v128, y: v128, t: v128, parameter: v128): v128 {
    return f32x4.mul(d, d);
  }

  @inline
  gradient(d: v128, y: v128, t: v128, parameter: v128): v128 {
    return f32x4.add(d, d);
  }
}

/** 1 with the sign of d. 0 and NaN stay as they are. */
// @ts-ignore: decorator
@inline
function sign(d: v128): v128 {
  const signed = v128.or(v128.and(d, f32x4.splat(-0.0)), f32x4.splat(1));
  return v128.bitselect(signed, d, f32x4.gt(f32x4.abs(d), f32x4.splat(0)));
}

/** |d|. The gradient at 0 is 0. */
class Mae extends DifferenceLoss {
  @inline
  value(d: v128, y: v128, t: v128, parameter: v128): v128 {
    return f32x4.abs(d);
  }

  @inline
  gradient(d: v128, y: v128, t: v128, parameter: v128): v128 {
    return sign(d);
  }
}

/**
 * The cross entropy of t and sigmoid(z) from the logit z: |z| (1 - t) + log(1 + exp(-|z|)), with |z| t as the
 * first term where z < 0. The gradient is sigmoid(z) - t, computed as (1 - t) - sigmoid(-z) where z >= 0. So a
 * confident and correct prediction loses no digits to cancellation.
 */
class Bce extends ElementLoss {
  @inline
  common(z: v128, t: v128): v128 {
    return exp4(v128.or(z, f32x4.splat(-0.0)));
  }

  @inline
  value(e: v128, z: v128, t: v128, parameter: v128): v128 {
    const missed = f32x4.sub(f32x4.splat(1), t);
    const rate = v128.bitselect(t, missed, f32x4.lt(z, f32x4.splat(0)));
    return f32x4.add(f32x4.mul(f32x4.abs(z), rate), log1pUnit4(e));
  }

  @inline
  gradient(e: v128, z: v128, t: v128, parameter: v128): v128 {
    const one = f32x4.splat(1);
    const p = f32x4.div(e, f32x4.add(e, one));
    return v128.bitselect(
      f32x4.sub(p, t),
      f32x4.sub(f32x4.sub(one, t), p),
      f32x4.lt(z, f32x4.splat(0)),
    );
  }
}

/** d^2 / 2 where |d| <= delta, delta (|d| - delta/2) elsewhere. */
class Huber extends DifferenceLoss {
  @inline
  value(d: v128, y: v128, t: v128, delta: v128): v128 {
    const slope = this.gradient(d, y, t, delta);
    return f32x4.mul(slope, f32x4.sub(d, f32x4.mul(slope, f32x4.splat(0.5))));
  }

  @inline
  gradient(d: v128, y: v128, t: v128, delta: v128): v128 {
    return f32x4.pmax(f32x4.pmin(d, delta), f32x4.neg(delta));
  }
}

/** d^2 / (2 beta) where |d| < beta, |d| - beta/2 elsewhere. With beta = 0 it is mae. */
class SmoothL1 extends DifferenceLoss {
  @inline
  value(d: v128, y: v128, t: v128, beta: v128): v128 {
    const slope = this.gradient(d, y, t, beta);
    const half = f32x4.mul(beta, f32x4.splat(0.5));
    return f32x4.mul(slope, f32x4.sub(d, f32x4.mul(slope, half)));
  }

  @inline
  gradient(d: v128, y: v128, t: v128, beta: v128): v128 {
    return v128.bitselect(f32x4.div(d, beta), sign(d), f32x4.lt(f32x4.abs(d), beta));
  }
}

/** The losses of n <= 4 elements. Where dy is not 0, their gradients times `scale` are stored there. */
// @ts-ignore: decorator
@inline
function lossesOf<L extends ElementLoss>(
  n: usize, parameter: v128, unmasked: v128, scale: v128, y: usize, target: usize, dy: usize,
): v128 {
  const loss = changetype<L>(0);
  const a = loadLanes(y, n);
  const t = loadLanes(target, n);
  const common = loss.common(a, t);
  let present = v128.or(f32x4.eq(t, t), unmasked);
  if (n < 4) present = v128.and(present, firstLanes(n));
  if (dy) {
    const gradient = f32x4.mul(scale, loss.gradient(common, a, t, parameter));
    storeLanes(dy, v128.and(gradient, present), n);
  }
  return v128.and(loss.value(common, a, t, parameter), present);
}

/**
 * The sum of the losses of a range, and their gradients. Lanes of `unmasked` are all ones, or zeros to
 * leave out elements whose target is NaN. Each iteration takes one vector: two vectors with separate sums
 * gain nothing (0.31 against 0.30 ns per element). With `short`, which only mse uses, full vectors have
 * their own loop. Otherwise one loop takes full vectors and the tail.
 */
// @ts-ignore: decorator
@inline
function rangeLoss<L extends ElementLoss>(
  short: bool, parameter: v128, unmasked: v128, scale: v128,
  count: usize, y: usize, target: usize, dy: usize,
): f64 {
  const step: usize = dy ? 16 : 0;
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  if (short) {
    for (; count >= 4; count -= 4) {
      const values = lossesOf<L>(4, parameter, unmasked, scale, y, target, dy);
      low = addLow(low, values);
      high = addHigh(high, values);
      y += 16;
      target += 16;
      dy += step;
    }
  }
  while (count > 0) {
    const n = min<usize>(count, 4);
    const values = lossesOf<L>(n, parameter, unmasked, scale, y, target, dy);
    low = addLow(low, values);
    high = addHigh(high, values);
    y += 16;
    target += 16;
    dy += step;
    count -= n;
  }
  return total(low, high);
}

// @ts-ignore: decorator
@inline
function blocks<L extends ElementLoss>(
  short: bool, parameter: f32, unmasked: v128, scale: f32,
  count: usize, y: usize, target: usize, dy: usize, partials: usize,
): void {
  const p = f32x4.splat(parameter);
  const s = f32x4.splat(scale);
  while (count > 0) {
    const n = min<usize>(count, LOSS_BLOCK);
    store<f64>(partials, rangeLoss<L>(short, p, unmasked, s, n, y, target, dy));
    count -= n;
    y += n << 2;
    target += n << 2;
    if (dy) dy += n << 2;
    partials += 8;
  }
}

/**
 * dy = scale * l'(y, target) for i < count. Writes to partials, one float64 per block of LOSS_BLOCK
 * elements, the sum of l(y, target), without scale. With `masked`, elements whose target is NaN have
 * loss 0 and gradient 0. For bce, y holds logits. dy may equal y. With dy 0 only the sums are computed.
 */
export function lossGradient(
  loss: Loss, parameter: f32, masked: u32, count: usize, y: usize, target: usize,
  scale: f32, dy: usize, partials: usize,
): void {
  const all = i32x4.splat(masked ? 0 : -1);
  switch (loss) {
    case Loss.mse: return blocks<Mse>(true, parameter, all, scale, count, y, target, dy, partials);
    case Loss.mae: return blocks<Mae>(false, parameter, all, scale, count, y, target, dy, partials);
    case Loss.bce: return blocks<Bce>(false, parameter, all, scale, count, y, target, dy, partials);
    case Loss.huber:
      return blocks<Huber>(false, parameter, all, scale, count, y, target, dy, partials);
    case Loss.smoothL1:
      return blocks<SmoothL1>(false, parameter, all, scale, count, y, target, dy, partials);
    default: unreachable();
  }
}

/** The partial sums of lossGradient, without the gradient. */
export function lossValue(
  loss: Loss, parameter: f32, masked: u32, count: usize, y: usize, target: usize, partials: usize,
): void {
  lossGradient(loss, parameter, masked, count, y, target, 0, 0, partials);
}

/** The sum of `count` doubles, first to last. */
export function sumF64(count: usize, p: usize): f64 {
  let sum: f64 = 0;
  const end = p + (count << 3);
  for (; p < end; p += 8) sum += load<f64>(p);
  return sum;
}

/** out[r] = mean of (y - x)^2 over row r of contiguous matrices, summed in float64. cols >= 1. */
export function rowErrors(rows: usize, cols: usize, y: usize, x: usize, out: usize): void {
  const rowBytes = cols << 2;
  const none = f32x4.splat(0);
  for (; rows > 0; --rows) {
    const sum = rangeLoss<Mse>(true, none, i32x4.splat(-1), none, cols, y, x, 0);
    store<f32>(out, <f32>(sum / <f64>cols));
    y += rowBytes;
    x += rowBytes;
    out += 4;
  }
}

/** out = (y - x)^2 for i < count. out may equal y or x. */
export function squaredErrors(count: usize, y: usize, x: usize, out: usize): void {
  while (count > 0) {
    const n = min<usize>(count, 4);
    const d = f32x4.sub(loadLanes(y, n), loadLanes(x, n));
    storeLanes(out, f32x4.mul(d, d), n);
    y += 16;
    x += 16;
    out += 16;
    count -= n;
  }
}
