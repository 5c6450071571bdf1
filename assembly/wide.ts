// Sums of float32 vectors in float64. Lanes 0 and 1 are added to one pair of sums, lanes 2 and 3 to another.

/** sum + lanes 0 and 1 of v, in float64. */
// @ts-ignore: decorator
@inline
export function addLow(sum: v128, v: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v));
}

/** sum + lanes 2 and 3 of v, in float64. */
// @ts-ignore: decorator
@inline
export function addHigh(sum: v128, v: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3)));
}

/** The total of all four sums. */
// @ts-ignore: decorator
@inline
export function total(low: v128, high: v128): f64 {
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
