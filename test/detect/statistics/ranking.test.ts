import { describe, expect, it } from "vitest";
import {
  auroc,
  averagePrecision,
  decisionQuality,
} from "../../../src/detect/statistics/ranking.ts";

describe("ranking measures", () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.2, 0.4];
  const labels = [0, 0, 1, 1, 1, 1, 0, 0];

  it("are those of scikit-learn, including ties", () => {
    expect(auroc(scores, labels)).toBe(0.8125);
    expect(averagePrecision(scores, labels)).toBeCloseTo(0.8166666666666667, 15);
  });

  it("of equal scores are those of chance", () => {
    expect(auroc([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5);
    expect(averagePrecision([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5);
  });

  it("of a perfect order are 1, of its reverse 0", () => {
    expect(auroc([1, 2, 3, Infinity], [false, false, true, true])).toBe(1);
    expect(auroc([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
  });

  it("precision, recall and F1", () => {
    expect(decisionQuality([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])).toEqual({
      precision: 2 / 3,
      recall: 2 / 3,
      f1: 2 / 3,
    });
    expect(decisionQuality([0, 0], [1, 0])).toEqual({ precision: 0, recall: 0, f1: 0 });
  });

  it("refuse labels without a defined result", () => {
    expect(() => auroc([1, 2], [1, 1])).toThrow("odd and normal rows; all 2 labels are 1");
    expect(() => averagePrecision([1, 2], [0, 0])).toThrow("all 2 labels are 0");
    expect(() => auroc([1, 2], [1])).toThrow("2 scores and 1 labels");
    expect(() => auroc([1, Number.NaN], [1, 0])).toThrow("row 1: its score is NaN");
  });
});
