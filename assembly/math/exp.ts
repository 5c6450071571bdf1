// The exponential on four lanes. x = n ln 2 + r with a whole n and |r| <= ln 2 / 2. Then
// exp(x) = 2^n (1 + r + r^2 q(r)). ln 2 is subtracted in two parts, and the product of n with the first part
// is exact (the reduction of Cody and Waite). q is our own minimax fit.

import { madd } from "../simd";
import { line } from "./polynomial";

const LOG2E: f32 = 1.4426950408889634;
const LN2_HIGH: f32 = 0.693145751953125; // 15 bits: n * LN2_HIGH is exact for |n| < 512
const LN2_LOW: f32 = 1.4286068203094173e-6;

// Adding 3 * 2^22 rounds a small float to a whole number and leaves it in the low bits of the sum.
const ROUND: f32 = 12582912;

/** q(r), given r^2: exp(r) = 1 + r + r^2 q(r) for |r| <= ln 2 / 2. */
// @ts-ignore: decorator
@inline
function quotient(r: v128, square: v128): v128 {
  const high = madd(square, f32x4.splat(0.001394139), line(r, 0.041666396, 0.008367015));
  return madd(high, square, line(r, 0.5, 0.1666654));
}

/** exp(r) - 1 for |r| <= ln 2 / 2. The relative error of the fit is 1.5e-8. */
// @ts-ignore: decorator
@inline
function expm1Reduced(r: v128): v128 {
  const square = f32x4.mul(r, r);
  return madd(square, quotient(r, square), r);
}

/** x - n ln 2. */
// @ts-ignore: decorator
@inline
function reduce(x: v128, n: v128): v128 {
  return madd(n, f32x4.splat(-LN2_LOW), madd(n, f32x4.splat(-LN2_HIGH), x));
}

/**
 * exp(x), within 1.1 units in the last place. Underflows gradually through the subnormals;
 * exp(-Inf) = 0, exp(Inf) = Inf.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // Beyond these limits the result is Inf or 0. pmin and pmax in this order keep NaN.
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104));
  // The low bits of `bits` hold n + 254. Its halves are the exponents of two powers of two with the product
  // 2^n. Both are normal even where 2^n is not, so only the last product rounds.
  const bits = madd(x, f32x4.splat(LOG2E), f32x4.splat(ROUND + 254));
  const n = f32x4.sub(bits, f32x4.splat(ROUND + 254));
  const half = i32x4.shr_u(bits, 1);
  const power = i32x4.shl(half, 23);
  const otherPower = i32x4.shl(i32x4.sub(bits, half), 23);
  const mantissa = f32x4.add(expm1Reduced(reduce(x, n)), f32x4.splat(1));
  return f32x4.mul(f32x4.mul(mantissa, power), otherPower);
}

/** exp(x) - 1 for x <= 0, accurate near 0. The sign of a zero is lost. */
// @ts-ignore: decorator
@inline
export function expm1Negative4(x: v128): v128 {
  x = f32x4.pmax(x, f32x4.splat(-20)); // below -20 the result is -1
  const bits = madd(x, f32x4.splat(LOG2E), f32x4.splat(ROUND + 127));
  const n = f32x4.sub(bits, f32x4.splat(ROUND + 127));
  const power = i32x4.shl(bits, 23);
  return madd(expm1Reduced(reduce(x, n)), power, f32x4.sub(power, f32x4.splat(1)));
}

/** Where the two functions below use `quotient`: within its range. */
// @ts-ignore: decorator
@inline
function isNear(x: v128): v128 {
  return f32x4.le(f32x4.abs(x), f32x4.splat(0.34));
}

/** exp(x) - 1, within 5 units in the last place for every x. */
// @ts-ignore: decorator
@inline
export function expm14(x: v128): v128 {
  return v128.bitselect(expm1Reduced(x), f32x4.sub(exp4(x), f32x4.splat(1)), isNear(x));
}

/** exp(x) - 1 - x, which is 0 at 0 and positive elsewhere, with a relative error of at most 3e-6 for every x. */
// @ts-ignore: decorator
@inline
export function expTail4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  const near = f32x4.mul(square, quotient(x, square));
  const far = f32x4.sub(f32x4.sub(exp4(x), f32x4.splat(1)), x);
  return v128.bitselect(near, far, isNear(x));
}
