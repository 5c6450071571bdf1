// The instruction that differs between the two builds. No other file uses a relaxed instruction.

/**
 * a * b + c on four lanes. Baseline build: the product is rounded, then the sum, with the same bits on
 * every engine. Relaxed build: the fused multiply-add of the engine where it has one, so the last bit may
 * differ between engines.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}
