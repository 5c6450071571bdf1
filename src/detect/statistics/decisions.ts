// From scores and p-values to decisions: false discovery rate, and thresholds by a share of the scores.

import { ascending, at, sortedQuantile } from "../../math/order.ts";

/**
 * The largest p-value that Benjamini and Hochberg (1995) reject at false discovery rate `q`, or 0 for none:
 * p(k) for the largest k with p(k) <= k q / m. Rows with p at most this are flagged. Conformal p-values of
 * one calibration set depend on each other, but the procedure still controls the rate (Bates et al. 2023).
 */
export function discoveryThreshold(pValues: ArrayLike<number>, q: number): number {
  const sorted = ascending(pValues);
  for (let k = sorted.length; k > 0; k--) {
    const p = at(sorted, k - 1);
    if (p <= (k * q) / sorted.length) return p;
  }
  return 0;
}

/** The score at or below which the share `quantile` of the ascending scores lies. Rows above it are flagged. */
export function quantileThreshold(sortedScores: Float64Array, quantile: number): number {
  return sortedQuantile(sortedScores, quantile);
}

/**
 * The threshold of PyOD for a share `contamination` of odd rows, bit-identical:
 * numpy.percentile(scores, 100 * (1 - contamination)). Rows above it are flagged.
 */
export function contaminationThreshold(sortedScores: Float64Array, contamination: number): number {
  return sortedQuantile(sortedScores, (100 * (1 - contamination)) / 100);
}
