// The shim between the two builds: the only file that names a relaxed instruction. Everything else
// in the core is written against these functions and does not know which build it is in.

/**
 * a * b + c on four lanes. Baseline: a product rounded, then a sum rounded, the same bits on every
 * engine. Relaxed: the engine's fused multiply-add where it has one, so the last bit may differ
 * between engines.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}
