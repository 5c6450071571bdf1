// Mahalanobis distances in float64, in plain loops: the reference for those of the detector.

import { at } from "../../src/math/order.ts";

/** Squared Mahalanobis distances of rows [count, size] under a mean and a whitening matrix. */
export function squaredDistances(
  rows: ArrayLike<number>,
  mean: Float64Array,
  whiten: Float64Array,
): Float64Array {
  const size = mean.length;
  const count = Math.floor(rows.length / size);
  const centered = new Float64Array(size);
  return Float64Array.from({ length: count }, (_, i) => {
    for (let j = 0; j < size; j++) centered[j] = at(rows, i * size + j) - at(mean, j);
    let distance = 0;
    for (let a = 0; a < size; a++) {
      let sum = 0;
      for (let b = 0; b <= a; b++) sum += at(whiten, a * size + b) * at(centered, b);
      distance += sum * sum;
    }
    return distance;
  });
}
