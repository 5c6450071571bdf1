import { describe, expect, test } from "vitest";
import { formatNumber, scale, ticks } from "../../src/view/axes.ts";

const rounded = (values: number[]) => values.map((value) => Number(value.toPrecision(6)));

describe("axes", () => {
  test("ticks are round numbers inside the range", () => {
    expect(rounded(ticks(0, 1, 5))).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(rounded(ticks(-3, 47, 4))).toEqual([0, 20, 40]);
    expect(ticks(2, 2, 5)).toEqual([2]);
  });

  test("logarithmic ticks are decades, or also 3, or 2 and 5 times these, if there is space", () => {
    expect(rounded(ticks(0.01, 10, 4, true))).toEqual([0.01, 0.1, 1, 10]);
    expect(rounded(ticks(0.05, 0.4, 4, true))).toEqual([0.05, 0.1, 0.2]);
    expect(rounded(ticks(0.02, 0.9, 2, true))).toEqual([0.03, 0.1, 0.3]);
    expect(ticks(1e-12, 1e12, 4, true).length).toBeLessThanOrEqual(5);
  });

  test("a scale of one value does not divide by zero", () => {
    expect(scale(3, 3, false, [0, 100]).at(3)).toBe(0);
  });

  test("numbers have a readable format", () => {
    expect([0, 12, 0.05, -1.25, 1234.5, 0.00012, 3.2e7, 1e-320].map(formatNumber)).toEqual([
      "0",
      "12",
      "0.05",
      "\u22121.25",
      "1235",
      "1.2e\u22124",
      "3.2e7",
      "1e\u2212320",
    ]);
  });
});
