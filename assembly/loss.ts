// Losses: the value and the gradient of the elements in one pass, and the errors of a
// reconstruction. A loss is a class with its value and its gradient, and a case in `dispatch`; its
// code is in ops.ts.
//
// Element losses are rounded to float32 and summed in double, block by block and in a fixed order
// within a block, so a total does not depend on how the range was cut at block boundaries. An output
// that is not finite makes its block's sum not finite.

import { exp4 } from "./math/exp";
import { log1pUnit4 } from "./math/log";
import { LOSS_BLOCK, Loss } from "./ops";
import { firstLanes, loadTail, storeTail } from "./tail";

/** Never instantiated: a type that carries its code into the loop below, where it is inlined. */
abstract class ElementLoss {
  /** What the value and the gradient have in common. */
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

/** 1 with the sign of d; 0 and NaN for themselves. */
// @ts-ignore: decorator
@inline
function sign(d: v128): v128 {
  const signed = v128.or(v128.and(d, f32x4.splat(-0.0)), f32x4.splat(1));
  return v128.bitselect(signed, d, f32x4.gt(f32x4.abs(d), f32x4.splat(0)));
}

/** |d|. The gradient is 0 at 0. */
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
 * The cross entropy of t and sigmoid(z) from the logit z: max(z, 0) - z t + log(1 + exp(-|z|)),
 * with the gradient sigmoid(z) - t. No logarithm of a rounded probability.
 */
class Bce extends ElementLoss {
  @inline
  common(z: v128, t: v128): v128 {
    return exp4(v128.or(z, f32x4.splat(-0.0)));
  }

  @inline
  value(e: v128, z: v128, t: v128, parameter: v128): v128 {
    const linear = f32x4.sub(f32x4.pmax(z, f32x4.splat(0)), f32x4.mul(z, t));
    return f32x4.add(linear, log1pUnit4(e));
  }

  @inline
  gradient(e: v128, z: v128, t: v128, parameter: v128): v128 {
    const one = f32x4.splat(1);
    const numerator = v128.bitselect(e, one, f32x4.lt(z, f32x4.splat(0)));
    return f32x4.sub(f32x4.div(numerator, f32x4.add(e, one)), t);
  }
}

/** d^2 / 2 within delta of 0, further out delta (|d| - delta/2). */
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

/** d^2 / (2 beta) where |d| < beta, further out |d| - beta/2. With beta = 0 it is mae. */
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

/** sum + lanes 0 and 1 of v, in double. */
// @ts-ignore: decorator
@inline
function addLow(sum: v128, v: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v));
}

/** sum + lanes 2 and 3 of v, in double. */
// @ts-ignore: decorator
@inline
function addHigh(sum: v128, v: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3)));
}

/** The losses of n <= 4 elements; their gradients go to dy. */
// @ts-ignore: decorator
@inline
function lossesOf<L extends ElementLoss>(
  n: usize, gradient: bool, masked: bool, biased: bool, parameter: v128, scale: v128,
  y: usize, target: usize, dy: usize, bias: usize,
): v128 {
  const loss = changetype<L>(0);
  const full = n == 4;
  let a = full ? v128.load(y) : loadTail(y, n);
  const t = full ? v128.load(target) : loadTail(target, n);
  if (biased) a = f32x4.add(a, full ? v128.load(bias) : loadTail(bias, n));
  const common = loss.common(a, t);
  let value = loss.value(common, a, t, parameter);
  if (masked) value = v128.and(value, f32x4.eq(t, t));
  if (!full) value = v128.and(value, firstLanes(n));
  if (gradient) {
    let d = f32x4.mul(scale, loss.gradient(common, a, t, parameter));
    if (masked) d = v128.and(d, f32x4.eq(t, t));
    if (full) v128.store(dy, d);
    else storeTail(dy, d, n);
  }
  return value;
}

/** The sum of the losses of a range. One vector a turn: taking two was slower (.39 ns for .25). */
// @ts-ignore: decorator
@inline
function rangeLoss<L extends ElementLoss>(
  gradient: bool, masked: bool, biased: bool, p: v128, s: v128, count: usize,
  y: usize, target: usize, dy: usize, bias: usize,
): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = y + ((count & ~3) << 2);
  while (y < end) {
    const v = lossesOf<L>(4, gradient, masked, biased, p, s, y, target, dy, bias);
    low = addLow(low, v);
    high = addHigh(high, v);
    y += 16;
    target += 16;
    if (gradient) dy += 16;
    if (biased) bias += 16;
  }
  const left = count & 3;
  if (left) {
    const v = lossesOf<L>(left, gradient, masked, biased, p, s, y, target, dy, bias);
    low = addLow(low, v);
    high = addHigh(high, v);
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline
function blocks<L extends ElementLoss>(
  gradient: bool, masked: bool, parameter: f32, scale: f32,
  count: usize, y: usize, target: usize, dy: usize, partials: usize,
): void {
  const p = f32x4.splat(parameter);
  const s = f32x4.splat(scale);
  while (count > 0) {
    const n = min<usize>(count, LOSS_BLOCK);
    store<f64>(partials, rangeLoss<L>(gradient, masked, false, p, s, n, y, target, dy, 0));
    count -= n;
    y += n << 2;
    target += n << 2;
    dy += n << 2;
    partials += 8;
  }
}

/** `gradient` is a literal: each loss has a loop with and a loop without it. */
// @ts-ignore: decorator
@inline
function dispatch(
  gradient: bool, loss: Loss, p: f32, masked: bool, scale: f32,
  count: usize, y: usize, target: usize, dy: usize, partials: usize,
): void {
  switch (loss) {
    case Loss.mse: return blocks<Mse>(gradient, masked, p, scale, count, y, target, dy, partials);
    case Loss.mae: return blocks<Mae>(gradient, masked, p, scale, count, y, target, dy, partials);
    case Loss.bce: return blocks<Bce>(gradient, masked, p, scale, count, y, target, dy, partials);
    case Loss.huber:
      return blocks<Huber>(gradient, masked, p, scale, count, y, target, dy, partials);
    case Loss.smoothL1:
      return blocks<SmoothL1>(gradient, masked, p, scale, count, y, target, dy, partials);
    default: unreachable();
  }
}

/**
 * dy = scale * l'(y, target) for i < count, and into partials, one double a block of LOSS_BLOCK
 * elements, the sum of l(y, target), which scale does not touch. With `masked`, elements whose
 * target is NaN have loss 0 and gradient 0. For bce y holds logits. dy may equal y.
 */
export function lossGradient(
  loss: Loss, parameter: f32, masked: u32, count: usize, y: usize, target: usize,
  scale: f32, dy: usize, partials: usize,
): void {
  if (masked) dispatch(true, loss, parameter, true, scale, count, y, target, dy, partials);
  else dispatch(true, loss, parameter, false, scale, count, y, target, dy, partials);
}

/** The partial sums of lossGradient without the gradient. */
export function lossValue(
  loss: Loss, parameter: f32, masked: u32, count: usize, y: usize, target: usize, partials: usize,
): void {
  if (masked) dispatch(false, loss, parameter, true, 0, count, y, target, 0, partials);
  else dispatch(false, loss, parameter, false, 0, count, y, target, 0, partials);
}

/**
 * A linear output and its mse in one pass over contiguous rows x cols matrices, straight from the
 * product z: dy = scale * 2 (z + bias - target), and into partials, one double a row, the sum of
 * (z + bias - target)^2. bias 0 is no bias. dy may equal z. Takes two thirds of the time of
 * biasActivation and lossGradient one after the other (.31 ns an element for .45).
 */
export function outputMse(
  rows: usize, cols: usize, z: usize, bias: usize, target: usize, scale: f32,
  dy: usize, partials: usize,
): void {
  const s = f32x4.splat(scale);
  const rowBytes = cols << 2;
  for (; rows > 0; --rows) {
    let sum: f64;
    if (bias) sum = rangeLoss<Mse>(true, false, true, s, s, cols, z, target, dy, bias);
    else sum = rangeLoss<Mse>(true, false, false, s, s, cols, z, target, dy, 0);
    store<f64>(partials, sum);
    z += rowBytes;
    target += rowBytes;
    dy += rowBytes;
    partials += 8;
  }
}

/** The sum of `count` doubles, first to last. */
export function sumF64(count: usize, p: usize): f64 {
  let sum: f64 = 0;
  const end = p + (count << 3);
  for (; p < end; p += 8) sum += load<f64>(p);
  return sum;
}

/** out[r] = mean of (y - x)^2 over row r of contiguous matrices, summed in double. cols >= 1. */
export function rowErrors(rows: usize, cols: usize, y: usize, x: usize, out: usize): void {
  const rowBytes = cols << 2;
  const zero = f32x4.splat(0);
  for (; rows > 0; --rows) {
    const sum = rangeLoss<Mse>(false, false, false, zero, zero, cols, y, x, 0, 0);
    store<f32>(out, <f32>(sum / <f64>cols));
    y += rowBytes;
    x += rowBytes;
    out += 4;
  }
}

/** out = (y - x)^2 for i < count. out may equal y or x. */
export function squaredErrors(count: usize, y: usize, x: usize, out: usize): void {
  const end = y + ((count & ~3) << 2);
  for (; y < end; y += 16, x += 16, out += 16) {
    const d = f32x4.sub(v128.load(y), v128.load(x));
    v128.store(out, f32x4.mul(d, d));
  }
  const left = count & 3;
  if (left) {
    const d = f32x4.sub(loadTail(y, left), loadTail(x, left));
    storeTail(out, f32x4.mul(d, d), left);
  }
}
