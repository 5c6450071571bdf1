import { describe, expect, it } from "vitest";
import {
  conformalPValue,
  crossConformalPValues,
  eValue,
  leaveOneOutPValue,
  middlePValue,
  rowsToReach,
  smallestAlpha,
} from "../../../src/detect/statistics/conformal.ts";
import { ascending } from "../../../src/math/order.ts";
import { generator } from "../support/random.ts";

describe("conformal p-values", () => {
  const calibration = Float64Array.of(1, 2, 2, 3);

  it("count the calibration scores of at least the row's score, including ties", () => {
    expect(conformalPValue(0, calibration)).toBe(1);
    expect(conformalPValue(2, calibration)).toBe(4 / 5);
    expect(conformalPValue(2.5, calibration)).toBe(2 / 5);
    expect(conformalPValue(9, calibration)).toBe(1 / 5);
    expect(conformalPValue(Infinity, calibration)).toBe(1 / 5);
    expect(conformalPValue(Number.NaN, calibration)).toBe(1);
  });

  it("of the calibration rows are those of leaving one out", () => {
    const scores = [2, 1, 3, 2];
    const expected = scores.map((score, i) => {
      const others = ascending(scores.filter((_, j) => j !== i));
      return conformalPValue(score, others);
    });
    expect(scores.map((score) => leaveOneOutPValue(score, ascending(scores)))).toEqual(expected);
  });

  it("in the middle of ties have mean 1/2 over all ranks of a row", () => {
    // The row is exchangeable with the others, so each of the five in turn is the new one.
    const all = [1, 2, 2, 3, 7];
    const mean = (ps: number[]) => ps.reduce((sum, p) => sum + p, 0) / ps.length;
    const ps = all.map((score, i) => middlePValue(score, ascending(all.filter((_, j) => j !== i))));
    expect(mean(ps)).toBeCloseTo(0.5, 15);
  });

  it("flag exchangeable rows at the rate alpha: 400 random splits", () => {
    const random = generator(11);
    const [rows, tests, splits] = [199, 50, 400];
    for (const alpha of [0.01, 0.05, 0.1]) {
      let alarms = 0;
      for (let split = 0; split < splits; split++) {
        const sorted = ascending(Array.from({ length: rows }, () => random.normal() ** 2));
        for (let i = 0; i < tests; i++)
          if (conformalPValue(random.normal() ** 2, sorted) <= alpha) alarms += 1;
      }
      // Between splits the rate varies as a beta distribution does: alpha (1 - alpha) / (rows + 2).
      const variance = alpha * (1 - alpha);
      const deviation = Math.sqrt(variance / (rows + 2) / splits + variance / (splits * tests));
      expect(Math.abs(alarms / (splits * tests) - alpha), `at ${alpha}`).toBeLessThan(
        4 * deviation,
      );
    }
  });

  it("of several folds compare the score of each model with its fold", () => {
    const folds = [Float64Array.of(1, 5), Float64Array.of(10, 50)];
    expect([...crossConformalPValues([[3], [60]], folds)]).toEqual([(1 + 1 + 0) / 5]);
    expect([...crossConformalPValues([[0], [0]], folds)]).toEqual([1]);
  });

  it("determine how many rows an alpha needs", () => {
    expect(rowsToReach(0.01)).toBe(99);
    expect(rowsToReach(0.05)).toBe(19);
    expect(rowsToReach(0.001)).toBe(999);
    // Larger than every whole number that a step of 1 changes.
    expect(rowsToReach(4e-262)).toBeCloseTo(2.5e261, -259);
    for (const alpha of [0.3, 0.07, 0.013, 1e-4, 0.03]) {
      const rows = rowsToReach(alpha);
      expect(1 / (rows + 1)).toBeLessThanOrEqual(alpha);
      expect(1 / rows).toBeGreaterThan(alpha);
    }
  });

  it("reach a smallest alpha, which is rounded up to two digits", () => {
    expect([5, 24, 99, 100, 400, 999, 122_456].map(smallestAlpha)).toEqual([
      0.17, 0.04, 0.01, 0.01, 0.0025, 0.001, 8.2e-6,
    ]);
    for (let rows = 1; rows < 3000; rows++) {
      expect(rowsToReach(smallestAlpha(rows))).toBeLessThanOrEqual(rows);
      expect(smallestAlpha(rows)).toBeLessThan(1.1 / (rows + 1));
    }
  });

  it("are converted to e-values with a mean of at most 1", () => {
    const n = 999;
    let sum = 0;
    for (let k = 1; k <= n + 1; k++) sum += eValue(k / (n + 1)) / (n + 1);
    expect(sum).toBeLessThanOrEqual(1);
    expect(sum).toBeGreaterThan(0.95);
  });
});
