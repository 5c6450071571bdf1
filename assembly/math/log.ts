// The logarithm on four lanes. x = 2^e (1 + f) with 1 + f within [sqrt(1/2), sqrt(2)). Then
// log(x) = e ln 2 + f - f^2/2 + f^3 p(f). This is the method of logf in Cephes. p is our own minimax fit.

import { madd } from "../simd";
import { cubic } from "./polynomial";

const LN2_HIGH: f32 = 0.693359375; // 9 bits: e * LN2_HIGH is exact
const LN2_LOW: f32 = -2.1219444e-4;
const ONE_BITS: i32 = 0x3f800000;
const SQRT_HALF_BITS: i32 = 0x3f3504f3;

/** log(2^e (1 + f)) for a whole e. */
// @ts-ignore: decorator
@inline
function logReduced(e: v128, f: v128): v128 {
  const square = f32x4.mul(f, f);
  const high = cubic(f, square, 0.1420158, -0.1315961, 0.12762213, -0.07636428);
  const lower = cubic(f, square, 0.3333333, -0.2500082, 0.20001242, -0.16623409);
  const p = madd(high, f32x4.mul(square, square), lower);
  let low = f32x4.mul(p, f32x4.mul(f, square));
  low = madd(e, f32x4.splat(LN2_LOW), low);
  low = madd(square, f32x4.splat(-0.5), low);
  return madd(e, f32x4.splat(LN2_HIGH), f32x4.add(f, low));
}

/** The whole number e with x / 2^e within [sqrt(1/2), sqrt(2)), for normal x > 0. */
// @ts-ignore: decorator
@inline
function exponent(x: v128): v128 {
  return i32x4.shr_s(i32x4.sub(x, i32x4.splat(SQRT_HALF_BITS)), 23);
}

/** `value` with the special cases of the logarithm: Inf at Inf, -Inf at 0, NaN below 0 and at NaN. */
// @ts-ignore: decorator
@inline
function withEdges(value: v128, x: v128): v128 {
  const infinity = f32x4.splat(Infinity);
  const atZero = v128.and(f32x4.eq(x, f32x4.splat(0)), f32x4.splat(-Infinity));
  const atInfinity = v128.and(f32x4.eq(x, infinity), infinity);
  const inDomain = f32x4.ge(x, f32x4.splat(0));
  return v128.or(f32x4.add(value, v128.or(atZero, atInfinity)), v128.not(inDomain));
}

/** log(x), within 0.9 units in the last place. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // A subnormal has no implicit leading one, so it is multiplied by 2^23, which is exact.
  const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
  const power = exponent(normal);
  const f = f32x4.sub(i32x4.sub(normal, i32x4.shl(power, 23)), f32x4.splat(1));
  const lift = v128.and(subnormal, f32x4.splat(23));
  return withEdges(logReduced(f32x4.sub(f32x4.convert_i32x4_s(power), lift), f), x);
}

/** log(1 + x), within 1.5 units in the last place. */
// @ts-ignore: decorator
@inline
export function log1p4(x: v128): v128 {
  const one = f32x4.splat(1);
  const sum = f32x4.add(x, one);
  // The rounding error of the sum: the smaller summand minus the part of it that the sum contains.
  const lost = v128.bitselect(
    f32x4.sub(one, f32x4.sub(sum, x)),
    f32x4.sub(x, f32x4.sub(sum, one)),
    f32x4.gt(x, one),
  );
  const power = exponent(sum);
  const mantissa = i32x4.sub(sum, i32x4.shl(power, 23));
  // 2^-power, or 0 for the largest sums, where the rounding error is far below the last bit.
  const shift = i32x4.min_s(power, i32x4.splat(127));
  const inverse = i32x4.sub(i32x4.splat(ONE_BITS), i32x4.shl(shift, 23));
  const f = madd(lost, inverse, f32x4.sub(mantissa, one));
  const value = withEdges(logReduced(f32x4.convert_i32x4_s(power), f), sum);
  // x and log(1 + x) have the same sign. Copying it keeps -0. At Inf the result is x, because `lost` is NaN.
  const signed = v128.or(value, v128.and(x, f32x4.splat(-0.0)));
  return v128.bitselect(x, signed, f32x4.eq(x, f32x4.splat(Infinity)));
}

/**
 * log(1 + x) for 0 <= x <= 1, and NaN at NaN: 2 atanh(t/2) with t = 2x / (2 + x). It needs half the work of
 * log1p4. Within 2 units in the last place.
 */
// @ts-ignore: decorator
@inline
export function log1pUnit4(x: v128): v128 {
  const t = f32x4.div(f32x4.add(x, x), f32x4.add(x, f32x4.splat(2)));
  const square = f32x4.mul(t, t);
  const fourth = f32x4.mul(square, square);
  const q = cubic(square, fourth, 0.083333015, 0.012506793, 0.0021873903, 0.0005473973);
  return madd(f32x4.mul(t, square), q, t);
}
