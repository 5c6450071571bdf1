// Polynomials by Estrin's scheme instead of Horner's rule. The chain of dependent operations is half as long,
// and latency, not throughput, limits these loops.

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
