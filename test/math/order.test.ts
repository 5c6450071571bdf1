import { describe, expect, it } from "vitest";
import {
  ascending,
  ascendingOrder,
  countBelow,
  countUpTo,
  median,
  smallest,
  sortedQuantile,
} from "../../src/math/order.ts";

describe("order statistics", () => {
  const sorted = ascending([3, 1, 4, 1.5, 9, 2.6, 5.3]);

  it("quantiles are those of numpy", () => {
    // numpy.quantile([3, 1, 4, 1.5, 9, 2.6, 5.3], q)
    expect(sortedQuantile(sorted, 0.25)).toBe(2.05);
    expect(sortedQuantile(sorted, 0.9)).toBe(6.780000000000001);
    expect(sortedQuantile(sorted, 0.98)).toBe(8.556);
    expect(sortedQuantile(sorted, 0.123)).toBe(1.369);
    expect(sortedQuantile(sorted, 0)).toBe(1);
    expect(sortedQuantile(sorted, 1)).toBe(9);
  });

  it("with one value every quantile is that value, and infinite values do not give NaN", () => {
    expect(sortedQuantile(Float64Array.of(2), 0.3)).toBe(2);
    expect(sortedQuantile(Float64Array.of(1, Infinity, Infinity), 0.75)).toBe(Infinity);
    expect(sortedQuantile(new Float64Array(0), 0.5)).toBeNaN();
  });

  it("counts with ties", () => {
    const values = Float64Array.of(1, 2, 2, 2, 5);
    expect([countBelow(values, 2), countUpTo(values, 2)]).toEqual([1, 4]);
    expect([countBelow(values, 0), countUpTo(values, 9)]).toEqual([0, 5]);
  });

  it("orders equal values by their index", () => {
    expect([...ascendingOrder([2, 1, 2, 0])]).toEqual([3, 1, 0, 2]);
  });

  it("finds the smallest values, and takes the first of equal ones", () => {
    expect([...smallest([3, 1, 2, 1, 2, 1], 4)]).toEqual([1, 2, 3, 5]);
    expect([...smallest([Number.NaN, 5, Infinity, 4], 3)]).toEqual([0, 1, 3]);
    expect([...smallest([2, 1], 5)]).toEqual([0, 1]);
    expect([...smallest([], 1)]).toEqual([]);
  });

  it("computes medians", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([5, 1, 3, 4])).toBe(3.5);
  });
});
