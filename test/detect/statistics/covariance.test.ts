import { describe, expect, it } from "vitest";
import { ledoitWolf, whitening } from "../../../src/detect/statistics/covariance.ts";
import { squaredDistances } from "../../support/mahalanobis.ts";

/** The radical inverse of `i` in base `b`: a sequence of evenly spread numbers in [0, 1). */
function halton(i: number, b: number): number {
  let [rest, fraction, result] = [i, 1, 0];
  while (rest > 0) {
    fraction /= b;
    result += fraction * (rest % b);
    rest = Math.floor(rest / b);
  }
  return result;
}

const size = 4;
const rows = Array.from({ length: 40 }, (_, i) => [
  halton(i + 1, 2),
  halton(i + 1, 3) + 0.5 * halton(i + 1, 2),
  halton(i + 1, 5) * 3,
  7 + halton(i + 1, 7) * 0.01,
]).flat();

describe("shrunk covariance", () => {
  it("equals that of sklearn.covariance.ledoit_wolf", () => {
    const { mean, covariance, shrinkage } = ledoitWolf(rows, size);
    expect(shrinkage).toBeCloseTo(0.04921569784074914, 14);
    expect(mean[3]).toBeCloseTo(7.00479592, 8);
    expect(covariance[0]).toBeCloseTo(8.842895359455713e-2, 14);
    expect(covariance[1]).toBeCloseTo(3.2396792941823467e-2, 14);
    expect(covariance[4]).toBe(covariance[1]);
    expect(covariance[10]).toBeCloseTo(6.959347513309847e-1, 14);
    expect(covariance[15]).toBeCloseTo(1.0999351474967344e-2, 14);
  });

  it("gives a whitening matrix with the distances of its inverse", () => {
    const { mean, covariance } = ledoitWolf(rows, size);
    const distances = squaredDistances(rows, mean, whitening(covariance, size));
    // numpy: (x - mean) inv(covariance) (x - mean)
    expect(distances[0]).toBeCloseTo(1.26129736, 7);
    expect(distances[1]).toBeCloseTo(0.95588525, 7);
    expect(distances[2]).toBeCloseTo(2.19994612, 7);
  });

  it("can be inverted for singular data: equal rows, one row, equal columns", () => {
    for (const data of [new Array(8).fill(3), [1, 2], [1, 1, 2, 2, 5, 5]]) {
      const { mean, covariance } = ledoitWolf(data, 2);
      const distances = squaredDistances([...data, 9, -9], mean, whitening(covariance, 2));
      for (const distance of distances) expect(Number.isFinite(distance)).toBe(true);
      expect(distances.at(-1)).toBeGreaterThan(Math.max(...distances.slice(0, -1)));
    }
  });
});
