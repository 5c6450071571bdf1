import { describe, expect, it } from "vitest";
import { conformalPValues } from "../../../src/detect/statistics/conformal.ts";
import {
  contaminationThreshold,
  discoveryThreshold,
} from "../../../src/detect/statistics/decisions.ts";
import { ascending } from "../../../src/math/order.ts";
import { generator } from "../support/random.ts";

describe("decisions", () => {
  it("Benjamini-Hochberg on the example of their paper", () => {
    // Benjamini & Hochberg (1995), section 3.2: at q = .05 four of fifteen hypotheses are rejected.
    const ps = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
      0.6528, 0.759, 1,
    ];
    expect(discoveryThreshold(ps, 0.05)).toBe(0.0095);
    expect(ps.filter((p) => p <= discoveryThreshold(ps, 0.05))).toHaveLength(4);
    expect(discoveryThreshold([0.5, 0.9], 0.1)).toBe(0);
    expect(discoveryThreshold([], 0.1)).toBe(0);
  });

  it("a later p-value below its limit rejects the earlier ones too", () => {
    expect(discoveryThreshold([0.04, 0.045, 0.05], 0.05)).toBe(0.05);
  });

  it("keeps the false discovery rate on conformal p-values: 400 random splits", () => {
    const random = generator(5);
    for (const q of [0.1, 0.2]) {
      let sum = 0;
      let squares = 0;
      const splits = 400;
      for (let split = 0; split < splits; split++) {
        const calibration = ascending(Array.from({ length: 400 }, () => random.normal()));
        const truth = Array.from({ length: 100 }, (_, i) => i < 10);
        const scores = truth.map((odd) => random.normal() + (odd ? 3.5 : 0));
        const ps = conformalPValues(scores, calibration);
        const threshold = discoveryThreshold(ps, q);
        const flagged = truth.filter((_, i) => (ps[i] ?? 1) <= threshold);
        const share = flagged.length ? flagged.filter((odd) => !odd).length / flagged.length : 0;
        sum += share;
        squares += share * share;
      }
      const mean = sum / splits;
      const error = Math.sqrt((squares / splits - mean * mean) / splits);
      expect(mean, `at ${q}`).toBeLessThan(q + 4 * error);
      expect(mean, `at ${q}, it is not idle`).toBeGreaterThan(q / 3);
    }
  });

  it("contamination gives the threshold of PyOD", () => {
    // numpy.percentile([3, 1, 4, 1.5, 9, 2.6, 5.3], 100 * (1 - contamination))
    const sorted = ascending([3, 1, 4, 1.5, 9, 2.6, 5.3]);
    expect(contaminationThreshold(sorted, 0.1)).toBe(6.780000000000001);
    expect(contaminationThreshold(sorted, 0.05)).toBe(7.889999999999997);
    expect(contaminationThreshold(sorted, 0.33)).toBe(4.026000000000001);
    expect(contaminationThreshold(sorted, 0.5)).toBe(3);
  });
});
