// Initializers against the formulas of the papers: bounds, moments and orthogonality.

import { describe, expect, test } from "vitest";
import { type InitializerName, TiedAutoencoder } from "../../../src/index.ts";
import { orthogonalize } from "../../../src/model/initial/orthogonal.ts";

const [INPUTS, UNITS] = [300, 200];

function start(initializer: InitializerName, layers = [INPUTS, UNITS]) {
  return TiedAutoencoder.createSync({ layers, initializer, seed: 3 }).weights();
}

/** Mean, deviation and fourth moment over the squared second: 3 for a normal, 1.8 for a uniform. */
function moments(values: Float32Array) {
  const mean = (of: (value: number) => number) =>
    values.reduce((sum, value) => sum + of(value), 0) / values.length;
  const center = mean((value) => value);
  const variance = mean((value) => (value - center) ** 2);
  const fourth = mean((value) => (value - center) ** 4);
  return { center, deviation: Math.sqrt(variance), kurtosis: fourth / variance ** 2 };
}

describe("initializers", () => {
  test.each<[InitializerName, number]>([
    ["torchLinear", 1 / Math.sqrt(INPUTS)],
    ["xavierUniform", Math.sqrt(6 / (INPUTS + UNITS))],
    ["heUniform", Math.sqrt(6 / INPUTS)],
  ])("%s draws weights evenly within its bound", (name, bound) => {
    const { data } = start(name)["encoder.0.weight"]!;
    const { center, deviation, kurtosis } = moments(data);
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(bound * 0.999);
    expect(Math.abs(center)).toBeLessThan(0.01 * bound);
    expect(deviation / (bound / Math.sqrt(3))).toBeCloseTo(1, 1.7);
    expect(kurtosis).toBeCloseTo(1.8, 1);
  });

  test.each<[InitializerName, number]>([
    ["xavierNormal", Math.sqrt(2 / (INPUTS + UNITS))],
    ["heNormal", Math.sqrt(2 / INPUTS)],
  ])("%s draws normal weights of its deviation", (name, expected) => {
    const { center, deviation, kurtosis } = moments(start(name)["encoder.0.weight"]!.data);
    expect(Math.abs(center)).toBeLessThan(0.02 * expected);
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.012); // four standard errors
    expect(kurtosis).toBeCloseTo(3, 0.7);
  });

  test("torchLinear also draws biases by their own fan-in, and the others set them to 0", () => {
    const torch = start("torchLinear");
    const bound = (name: string) => Math.max(...torch[name]!.data.map(Math.abs));
    expect(bound("encoder.0.bias")).toBeLessThanOrEqual(1 / Math.sqrt(INPUTS));
    expect(bound("encoder.0.bias")).toBeGreaterThan(0.9 / Math.sqrt(INPUTS));
    expect(bound("decoder.0.bias")).toBeLessThanOrEqual(1 / Math.sqrt(UNITS));
    expect(bound("decoder.0.bias")).toBeGreaterThan(0.9 / Math.sqrt(UNITS));
    for (const name of ["xavierUniform", "heNormal", "orthogonal"] as const) {
      expect(start(name)["encoder.0.bias"]!.data.every((value) => value === 0)).toBe(true);
      expect(start(name)["decoder.0.bias"]!.data.every((value) => value === 0)).toBe(true);
    }
  });

  test.each([
    [40, 30],
    [30, 40],
    [25, 25],
    [1, 3],
    [7, 1],
  ])(
    "orthogonal weights of %i inputs and %i units are orthogonal to the last bits of float32",
    (inputs, units) => {
      const { data } = start("orthogonal", [inputs, units])["encoder.0.weight"]!;
      expect(furthestFromOrthonormal(data, units, inputs)).toBeLessThan(2e-7);
    },
  );
});

describe("orthogonalize", () => {
  test("keeps the span of the first vectors", () => {
    const matrix = Float32Array.of(3, 4, 0, 1, 1, 1);
    orthogonalize(matrix, 2, 3);
    expect([...matrix.subarray(0, 3)]).toEqual([Math.fround(0.6), Math.fround(0.8), 0]);
    const normal = [-4, 3, 0].map((value) => value / 5); // orthogonal to the first vector, in its plane with e3
    const [a, b, c] = matrix.subarray(3) as unknown as [number, number, number];
    expect(a * normal[0]! + b * normal[1]!).toBeCloseTo(-0.2 / Math.sqrt(1.04), 6);
    expect(c).toBeCloseTo(1 / Math.sqrt(1.04), 6);
  });

  test.each([
    ["equal rows", Float32Array.from({ length: 6 * 9 }, (_, i) => (i % 9) + 1)],
    ["nothing but zeros", new Float32Array(6 * 9)],
    ["axes among the rows", Float32Array.from({ length: 6 * 9 }, (_, i) => Number(i % 9 === 0))],
  ])("completes a matrix of %s", (_, matrix) => {
    orthogonalize(matrix, 6, 9);
    expect(furthestFromOrthonormal(matrix, 6, 9)).toBeLessThan(2e-7);
  });
});

/** The largest difference between A·Aᵀ (or Aᵀ·A, for a tall A) and the unit matrix. */
function furthestFromOrthonormal(matrix: Float32Array, rows: number, columns: number): number {
  const [count, length, step, inner] =
    rows <= columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
  let furthest = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let e = 0; e < length; e++) {
        sum += matrix[i * step + e * inner]! * matrix[j * step + e * inner]!;
      }
      furthest = Math.max(furthest, Math.abs(sum - Number(i === j)));
    }
  }
  return furthest;
}
