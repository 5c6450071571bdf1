// Flat helpers over contiguous float32 blocks.

/** p[i] = value for i < count. */
export function fill(count: usize, p: usize, value: f32): void {
  const v = f32x4.splat(value);
  const end = p + (count << 2);
  const endOfVectors = p + ((count & ~3) << 2);
  for (; p < endOfVectors; p += 16) v128.store(p, v);
  for (; p < end; p += 4) store<f32>(p, value);
}
