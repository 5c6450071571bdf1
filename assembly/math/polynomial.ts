// Polynomials by halves (Estrin's scheme) and not by Horner's rule: the chain of dependent steps is
// half as long, and these loops wait for results rather than for units.

import { madd } from "../simd";

/** c0 + c1 x. */
// @ts-ignore: decorator
@inline
export function line(x: v128, c0: f32, c1: f32): v128 {
  return madd(x, f32x4.splat(c1), f32x4.splat(c0));
}

/** c0 + c1 x + c2 x^2 + c3 x^3, given x^2. */
// @ts-ignore: decorator
@inline
export function cubic(x: v128, square: v128, c0: f32, c1: f32, c2: f32, c3: f32): v128 {
  return madd(line(x, c2, c3), square, line(x, c0, c1));
}
