// Four floats, or the last one to three of a range, behind one function. A kernel writes its step once
// for `lanes` floats. With the literal 4 it compiles to plain vector loads and stores.

import { loadTail, storeTail } from "./tail";

/** The `lanes` floats at p, 1 to 4 of them, in the low lanes. */
// @ts-ignore: decorator
@inline
export function loadLanes(p: usize, lanes: usize): v128 {
  return lanes == 4 ? v128.load(p) : loadTail(p, lanes);
}

/** The sum of four lanes, (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const t = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 1);
}

/** Stores the low `lanes` lanes of v, 1 to 4 of them, at p. */
// @ts-ignore: decorator
@inline
export function storeLanes(p: usize, v: v128, lanes: usize): void {
  if (lanes == 4) v128.store(p, v);
  else storeTail(p, v, lanes);
}
