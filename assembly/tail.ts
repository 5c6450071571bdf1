// The last one to three floats of a range as a vector. A kernel runs the same vector function on them as on
// all others, so the bits of an element do not depend on where its range ends. Memory outside of the range is
// neither read nor written.

/** The `count` floats at p (1, 2 or 3) in the low lanes. The other lanes are 0. */
// @ts-ignore: decorator
@inline
export function loadTail(p: usize, count: usize): v128 {
  if (count == 1) return v128.load32_zero(p);
  const pair = v128.load64_zero(p);
  return count == 2 ? pair : v128.load32_lane(p, pair, 2, 8);
}

/** Stores the low `count` lanes of v (1, 2 or 3) at p. */
// @ts-ignore: decorator
@inline
export function storeTail(p: usize, v: v128, count: usize): void {
  if (count == 1) {
    v128.store32_lane(p, v, 0);
    return;
  }
  v128.store64_lane(p, v, 0);
  if (count == 3) v128.store32_lane(p, v, 2, 8);
}

/** All ones in the first `count` lanes (1, 2 or 3), zeros in the others. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: usize): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>count));
}
