// The elementwise part of the Gram step (src/model/gram.ts): the gradient at the last hidden layer,
// computed without the reconstruction.

import { loadLanes, storeLanes } from "./lanes";

/**
 * d[i][j] = scale * (d[i][j] + shift[j] - z[i][j]). d and z are contiguous, [rows, cols]. shift has cols
 * elements.
 */
export function gramGradient(
  rows: usize,
  cols: usize,
  z: usize,
  shift: usize,
  scale: f32,
  d: usize,
): void {
  const factor = f32x4.splat(scale);
  const tail = cols & 3;
  const vectorBytes = (cols >> 2) << 4;
  for (; rows; rows--) {
    let j: usize = 0;
    for (; j < vectorBytes; j += 16) gradientVector(4, z + j, shift + j, factor, d + j);
    if (tail) gradientVector(tail, z + j, shift + j, factor, d + j);
    z += cols << 2;
    d += cols << 2;
  }
}

// @ts-ignore: decorator
@inline
function gradientVector(lanes: usize, z: usize, shift: usize, factor: v128, d: usize): void {
  const sum = f32x4.add(loadLanes(d, lanes), loadLanes(shift, lanes));
  storeLanes(d, f32x4.mul(factor, f32x4.sub(sum, loadLanes(z, lanes))), lanes);
}
