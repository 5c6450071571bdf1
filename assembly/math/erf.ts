// The error function and the tail of the normal distribution on four lanes. Near 0, erf is an odd
// polynomial; elsewhere it is 1 minus two tails. A tail is exp(-a^2/2) times Mills' ratio. Mills' ratio is so
// smooth in t = 1 / (1 + 0.23 a) that one polynomial approximates it. Both fits are our own.

import { madd } from "../simd";
import { exp4 } from "./exp";
import { cubic, line } from "./polynomial";

/** exp(-x^2/2). */
// @ts-ignore: decorator
@inline
export function expHalfSquare4(x: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, f32x4.splat(-0.5)), x));
}

/** The probability that a standard normal variable is below -a, for a >= 0, given exp(-a^2/2). */
// @ts-ignore: decorator
@inline
export function normalTail4(a: v128, expHalfSquare: v128): v128 {
  const one = f32x4.splat(1);
  const t = f32x4.div(one, madd(a, f32x4.splat(0.23), one));
  const square = f32x4.mul(t, t);
  const high = cubic(t, square, 0.25643897, -0.23921327, 0.2718194, -0.07469325);
  const low = cubic(t, square, 0.091897994, 0.089211345, 0.10605162, -0.0015128294);
  const p = madd(high, f32x4.mul(square, square), low);
  return f32x4.mul(p, f32x4.mul(t, expHalfSquare));
}

/** erf(x), within 1.9 units in the last place. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  const fourth = f32x4.mul(square, square);
  const low = cubic(square, fourth, 0.12837915, -0.376125, 0.11281877, -0.02676858);
  const q = madd(line(square, 0.004995853, -0.00060037954), f32x4.mul(fourth, fourth), low);
  const near = madd(q, x, x);

  const magnitude = f32x4.abs(x);
  const a = f32x4.mul(magnitude, f32x4.splat(1.4142135623730951));
  const tail = normalTail4(a, exp4(f32x4.neg(square)));
  const far = f32x4.sub(f32x4.splat(1), f32x4.add(tail, tail));
  const signed = v128.bitselect(x, far, f32x4.splat(-0.0));
  return v128.bitselect(near, signed, f32x4.lt(magnitude, f32x4.splat(0.92)));
}
