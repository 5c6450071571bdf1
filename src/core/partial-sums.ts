// Losses and divergences are summed in blocks of fixed size, so that the bits of the sum do not depend on the number of
// threads. A kernel writes one float64 for each block.

import { LOSS_BLOCK } from "../../assembly/ops.ts";

/** How many partial sums a sum over `elements` elements has. */
export function lossBlocks(elements: number): number {
  return Math.ceil(elements / LOSS_BLOCK);
}
