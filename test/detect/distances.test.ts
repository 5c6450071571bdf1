import { describe, expect, it } from "vitest";
import { Distances } from "../../src/detect/distances.ts";
import { ledoitWolf, squaredDistances, whitening } from "../../src/detect/statistics/covariance.ts";
import { generator } from "./support/random.ts";

const distances = await Distances.load({});

describe("distances on the core", () => {
  it.each([1, 3, 5, 64, 131])("are those in float64, for codes of %i units", (units) => {
    const random = generator(units);
    const codes = Float32Array.from({ length: 2500 * units }, (_, i) =>
      Math.tanh(random.normal() + (i % units) / units),
    );
    const { mean, covariance } = ledoitWolf(codes, units);
    const whiten = whitening(covariance, units);
    const expected = squaredDistances(codes, mean, whiten);
    distances.of(codes, mean, whiten).forEach((distance, i) => {
      expect(Math.abs(distance - (expected[i] ?? 0) / units)).toBeLessThan(1e-5 * (1 + distance));
    });
  });

  it("of a row are the same among few and many, from eight on", () => {
    const random = generator(9);
    const codes = Float32Array.from({ length: 5000 * 16 }, () => random.normal());
    const { mean, covariance } = ledoitWolf(codes, 16);
    const whiten = whitening(covariance, 16);
    const all = distances.of(codes, mean, whiten);
    for (const rows of [8, 9, 63, 2049]) {
      expect(distances.of(codes.subarray(0, rows * 16), mean, whiten)).toEqual(all.slice(0, rows));
    }
    expect(distances.of(new Float32Array(0), mean, whiten)).toHaveLength(0);
  });
});
