// The natural logarithm in float64, for the few values that a penalty computes from column means.

const LN2: f64 = 0.6931471805599453;
const SQRT_HALF: f64 = 0.7071067811865476;

/**
 * log(x) for a normal x > 0, and NaN at NaN. x = 2^e m with m within [sqrt(1/2), sqrt(2)), and
 * log(m) = 2 atanh(s) = 2 s (1 + s^2/3 + s^4/5 + ...) with s = (m - 1) / (m + 1), |s| <= 0.172. The
 * series ends where a term is below 2^-56. Within 3 units in the last place.
 */
export function log64(x: f64): f64 {
  if (x != x) return x;
  const bits = reinterpret<i64>(x);
  let exponent = <i32>(bits >> 52) - 1022;
  let mantissa = reinterpret<f64>((bits & 0x000f_ffff_ffff_ffff) | 0x3fe0_0000_0000_0000);
  if (mantissa < SQRT_HALF) {
    mantissa += mantissa;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum: f64 = 0;
  for (let n = 21; n >= 3; n -= 2) sum = square * (sum + 1 / <f64>n);
  return <f64>exponent * LN2 + (2 * s + 2 * s * sum);
}
