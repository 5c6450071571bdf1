// Losses and divergences are summed in blocks of fixed size, so that the sum has the same bits however many threads
// share the work. A kernel leaves one float64 for each block.

import { LOSS_BLOCK } from "../../assembly/ops.ts";

/** How many partial sums a sum over `elements` leaves. */
export function lossBlocks(elements: number): number {
  return Math.ceil(elements / LOSS_BLOCK);
}
