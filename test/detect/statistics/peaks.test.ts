import { describe, expect, it } from "vitest";
import { fitParetoTail, peakThreshold } from "../../../src/detect/statistics/peaks.ts";
import { generator } from "../support/random.ts";

/**
 * Danish fire insurance claims of 1980 to 1990 above 10 million kroner, in millions: the 109 excesses that
 * McNeil fits in "Estimating the tails of loss severity distributions using extreme value theory", ASTIN
 * Bulletin 27 (1997).
 */
const claims =
  `10.011123 10.072303 10.137172 10.178024 10.184818 10.204082 10.222805 10.270010 10.500000
10.584251 10.700000 10.820452 10.825200 10.998350 11.123471 11.131725 11.374817 11.431591 11.595547 11.623037
11.685013 11.713031 11.801242 11.890606 12.054002 12.059369 12.225000 12.376238 12.465593 12.523191 12.536162
12.631813 12.701101 12.801863 12.895151 13.201320 13.348165 13.500000 13.620791 13.623037 14.013548 14.122076
14.239000 14.293194 14.300000 14.394581 14.394581 14.678899 14.851485 15.284653 15.811518 15.882875 15.926278
16.088061 16.300000 16.415262 16.441659 16.883117 17.068467 17.569546 17.739274 17.743491 18.322083 18.424135
18.552876 18.628281 18.646484 18.848168 19.070278 19.162304 19.265677 19.400000 19.472914 20.049941 20.452529
20.826733 20.863675 20.969856 21.961933 22.137567 22.258226 23.283859 24.555461 24.578527 24.970273 25.288376
25.953860 26.214641 27.262595 27.338066 27.829314 28.630363 29.026037 29.037106 31.055901 32.387807 32.467532
34.141547 38.154392 42.091448 46.500000 47.019521 50.065531 56.225426 57.410636 65.707491 144.657591 152.413209
263.250366`
    .split(/\s+/)
    .map(Number);

/** The log-likelihood of excesses, by the density at the top of peaks.ts. */
function likelihood(excesses: Float64Array, gamma: number, sigma: number): number {
  return excesses.reduce((sum, y) => {
    const inside = 1 + (gamma * y) / sigma;
    if (gamma === 0) return sum - Math.log(sigma) - y / sigma;
    return inside > 0 ? sum - Math.log(sigma) - (1 / gamma + 1) * Math.log(inside) : -Infinity;
  }, 0);
}

/** Excesses of the distribution with the given parameters, by its inverse distribution function. */
function draw(count: number, gamma: number, sigma: number, seed: number): Float64Array {
  const random = generator(seed);
  return Float64Array.from({ length: count }, () => {
    const u = 1 - random.uniform();
    return gamma === 0 ? -sigma * Math.log(u) : (sigma / gamma) * (u ** -gamma - 1);
  });
}

describe("rates in a tail", () => {
  const scores = draw(1000, 0.1, 1, 3);

  it("are at most the share of the scores that it was fitted to", () => {
    expect(peakThreshold(scores, 0.02).excesses).toBe(20);
    expect(peakThreshold(scores, 0.02).threshold).toBeCloseTo(peakThreshold(scores, 0.02).initial);
    expect(() => peakThreshold(scores, 0.021)).toThrow(
      "pot fits a tail to the 20 largest of 1000 scores, which says nothing of a chance above 0.02; got 0.021. Take alpha or quantile for that.",
    );
  });
});

describe("generalised Pareto tails", () => {
  it("the Danish claims have the shape and scale of McNeil: 0.497 and 6.98", () => {
    const tail = fitParetoTail(Float64Array.from(claims, (claim) => claim - 10));
    expect(claims).toHaveLength(109);
    expect(tail.gamma).toBeCloseTo(0.497, 3);
    expect(tail.sigma).toBeCloseTo(6.98, 1);
    // To more digits: R's evir::gpd(danish, 10) prints 0.4969857 and 6.9754659, scipy 0.4969763 and 6.9754506.
    expect(Math.abs(tail.gamma - 0.49698)).toBeLessThan(2e-5);
    expect(Math.abs(tail.sigma - 6.97545)).toBeLessThan(5e-5);
  });

  it.each([
    { gamma: 0.6, sigma: 2 },
    { gamma: 0.15, sigma: 0.01 },
    { gamma: 0, sigma: 300 },
    { gamma: -0.3, sigma: 1 },
  ])("no nearby pair is likelier, for shape $gamma and scale $sigma", ({ gamma, sigma }) => {
    const excesses = draw(400, gamma, sigma, 9);
    const tail = fitParetoTail(excesses);
    expect(tail.logLikelihood).toBeCloseTo(likelihood(excesses, tail.gamma, tail.sigma), 6);
    expect(tail.logLikelihood).toBeGreaterThanOrEqual(likelihood(excesses, gamma, sigma));
    expect(Math.abs(tail.gamma - gamma)).toBeLessThan(0.2);
    for (const dg of [-0.05, 0, 0.05]) {
      for (const share of [0.95, 1, 1.05]) {
        const nearby = likelihood(excesses, tail.gamma + dg, tail.sigma * share);
        expect(nearby).toBeLessThanOrEqual(tail.logLikelihood + 1e-9);
      }
    }
  });

  it("equal excesses and few distinct ones have a fit", () => {
    for (const excesses of [[2, 2, 2, 2], [1e-12, 1, 1, 1e12], [5]]) {
      const tail = fitParetoTail(Float64Array.from(excesses));
      expect(tail.sigma).toBeGreaterThan(0);
      expect(Number.isFinite(tail.gamma)).toBe(true);
    }
  });
});

describe("peaks over threshold", () => {
  it("finds the level that normal scores exceed once in 10,000", () => {
    const random = generator(21);
    let sum = 0;
    for (let trial = 0; trial < 12; trial++) {
      const scores = Array.from({ length: 5000 }, () => random.normal());
      sum += peakThreshold(scores, 1e-4).threshold / 12;
    }
    expect(sum).toBeGreaterThan(3.5); // the quantile is 3.719
    expect(sum).toBeLessThan(3.95);
  });

  it("is continuous between the exponential formula and the general one", () => {
    const scores = [...draw(3000, 0, 1, 2)];
    const { threshold, initial, sigma, gamma, excesses } = peakThreshold(scores, 1e-3);
    const ratio = (3000 * 1e-3) / excesses;
    const exponential = initial - sigma * Math.log(ratio);
    expect(Math.abs(threshold - exponential)).toBeLessThan(Math.abs(gamma) * 40 + 1e-9);
  });

  it("has at least twelve excesses, and names its requirements", () => {
    const random = generator(2);
    const scores = Array.from({ length: 200 }, () => random.normal());
    expect(peakThreshold(scores, 1e-3).excesses).toBe(12);
    expect(() => peakThreshold([1, 2, 3], 1e-3)).toThrow(
      "pot takes at least 100 scores to fit a tail; there are 3.",
    );
    expect(() => peakThreshold(new Array(200).fill(1), 1e-3)).toThrow("pot finds no tail to fit");
  });
});
