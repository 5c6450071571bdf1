// Four floats, or the last one to three of a range, behind one name. A kernel writes its step once
// for `lanes` floats: called with the literal 4 it compiles to plain vector loads and stores.

import { loadTail, storeTail } from "./tail";

/** The `lanes` floats at p, 1 to 4 of them, in the low lanes. */
// @ts-ignore: decorator
@inline
export function loadLanes(p: usize, lanes: usize): v128 {
  return lanes == 4 ? v128.load(p) : loadTail(p, lanes);
}

/** Stores the low `lanes` lanes of v, 1 to 4 of them, at p. */
// @ts-ignore: decorator
@inline
export function storeLanes(p: usize, v: v128, lanes: usize): void {
  if (lanes == 4) v128.store(p, v);
  else storeTail(p, v, lanes);
}
