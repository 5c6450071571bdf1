// The error of principal components, compared with a linear model at its optimum, which is PCA, and with rows whose
// components are known.

import { describe, expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { pcaFloor } from "../../src/report/pca-floor.ts";

describe("pcaFloor", () => {
  test("is the variance outside the leading axes", () => {
    // Three uncorrelated columns with the variances 8, 2 and 0.5.
    const rows = Float64Array.of(4, 0, 0, -4, 0, 0, 0, 2, 0, 0, -2, 0, 0, 0, 1, 0, 0, -1);
    const [count, width] = [6, 3];
    const variances = [32 / 6, 8 / 6, 2 / 6];
    const outside = (units: number) => variances.slice(units).reduce((a, b) => a + b, 0) / width;
    for (const units of [1, 2]) {
      expect(pcaFloor(rows, count, width, units)).toBeCloseTo(outside(units), 12);
    }
    expect(pcaFloor(rows, count, width, 3)).toBe(0);
  });

  test("does not depend on the mean of the rows", () => {
    const rows = Float64Array.from({ length: 60 }, (_, i) => Math.sin(i * i));
    const moved = rows.map((value, i) => value + [100, -3, 7][i % 3]!);
    expect(pcaFloor(moved, 20, 3, 1)).toBeCloseTo(pcaFloor(rows, 20, 3, 1), 8);
  });

  test("is 0 for rows on a line, and for constant rows", () => {
    const line = Float64Array.from({ length: 40 }, (_, i) => (i % 2 ? 2 : 1) * Math.floor(i / 2));
    expect(pcaFloor(line, 20, 2, 1)).toBeCloseTo(0, 10);
    expect(pcaFloor(new Float64Array(40).fill(3), 20, 2, 1)).toBe(0);
  });

  test("constant columns among the others add no error", () => {
    const rows = Float64Array.from({ length: 90 }, (_, i) => Math.sin(i * i));
    const padded = Float64Array.from({ length: 150 }, (_, i) =>
      i % 5 < 3 ? (rows[3 * Math.floor(i / 5) + (i % 5)] ?? 0) : i % 5,
    );
    expect(5 * pcaFloor(padded, 30, 5, 1)).toBeCloseTo(3 * pcaFloor(rows, 30, 3, 1), 12);
    expect(pcaFloor(padded, 30, 5, 3)).toBe(0);
  });

  test("is the error of a linear model that starts from principal components", async () => {
    const rows = Float32Array.from(
      { length: 300 * 16 },
      (_, i) => Math.sin((i % 16) * Math.floor(i / 16)) + 0.3 * Math.sin(i * i),
    );
    const model = TiedAutoencoder.createSync({ layers: [16, 4], activation: "linear" });
    await model.initializeFrom(rows, { method: "pca" });
    const floor = pcaFloor(Float64Array.from(rows), 300, 16, 4);
    const error = model.evaluate(rows);
    expect(floor).toBeLessThan(error * (1 + 1e-5));
    expect(error / floor).toBeLessThan(1.01);
    model.dispose();
  });
});
