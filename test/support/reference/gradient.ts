// The gradient of a one-layer tied autoencoder (relu code, linear output, squared error) in float64, in
// plain loops: the reference for the Gram and the direct step.

import type { NamedWeights } from "../../../src/index.ts";

/** d loss / d encoder.0.weight, [units, width]. */
export function referenceWeightGradient(
  weights: NamedWeights,
  x: Float32Array,
  width: number,
  units: number,
): Float64Array {
  const w = Float64Array.from(weights["encoder.0.weight"]!.data);
  const b = weights["encoder.0.bias"]!.data;
  const c = weights["decoder.0.bias"]!.data;
  const gradient = new Float64Array(units * width);
  const d = new Float64Array(width);
  const h = new Float64Array(units);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    for (let u = 0; u < units; u++) {
      let z = b[u]!;
      for (let j = 0; j < width; j++) z += w[u * width + j]! * row[j]!;
      h[u] = Math.max(z, 0);
    }
    for (let j = 0; j < width; j++) d[j] = c[j]! - row[j]!;
    for (let u = 0; u < units; u++) {
      if (h[u]! > 0) for (let j = 0; j < width; j++) d[j]! += h[u]! * w[u * width + j]!;
    }
    for (let j = 0; j < width; j++) d[j]! *= 2 / x.length;
    for (let u = 0; u < units; u++) {
      if (h[u] === 0) continue;
      let dh = 0;
      for (let j = 0; j < width; j++) dh += d[j]! * w[u * width + j]!;
      for (let j = 0; j < width; j++) gradient[u * width + j]! += h[u]! * d[j]! + dh * row[j]!;
    }
  }
  return gradient;
}
