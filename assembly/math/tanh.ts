// tanh and the logistic sigmoid on four lanes. Each takes one exponential of a negative number, which cannot
// overflow, and one division.

import { exp4, expm1Negative4 } from "./exp";

/**
 * tanh(x) = -u / (2 + u) with u = exp(-2|x|) - 1, with the sign of x. Within 2.6 units in the last place.
 * The rounding of 2 + u near 1 causes most of this error.
 */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const sign = f32x4.splat(-0.0);
  const u = expm1Negative4(v128.or(f32x4.add(x, x), sign));
  const magnitude = f32x4.div(u, f32x4.add(u, f32x4.splat(2)));
  return v128.bitselect(x, magnitude, sign);
}

/**
 * 1 / (1 + exp(-x)), computed as exp(x) / (1 + exp(x)) below 0. Within 2.4 units in the last place in both
 * tails.
 */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp4(v128.or(x, f32x4.splat(-0.0)));
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(e, one));
}
