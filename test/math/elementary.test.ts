import { describe, expect, it } from "vitest";
import { exp, log, log1p, power } from "../../src/math/elementary.ts";

/** Numbers from 1e-300 to 1e300, and close to 1. */
const spread = Array.from({ length: 601 }, (_, i) => 10 ** (i - 300) * (1 + (i % 7) / 7));
const nearOne = Array.from({ length: 200 }, (_, i) => 1 + (i - 100) * 1e-3);

function relative(got: number, expected: number): number {
  return got === expected ? 0 : Math.abs(got - expected) / Math.abs(expected);
}

describe("portable log and exp", () => {
  it("log is within 1e-15 of Math.log", () => {
    for (const x of [...spread, ...nearOne, 5e-324, 1.7e308])
      expect(relative(log(x), Math.log(x)), `log(${x})`).toBeLessThan(1e-15);
  });

  it("exp is within 1e-15 of Math.exp, in the whole range of float64", () => {
    for (let x = -700; x < 709; x += 0.37)
      expect(relative(exp(x), Math.exp(x)), `exp(${x})`).toBeLessThan(1e-15);
    expect(exp(710)).toBe(Infinity);
    expect(exp(-746)).toBe(0);
    expect(exp(-740)).toBeGreaterThan(0);
  });

  it("log1p is precise for small numbers", () => {
    for (const x of [1e-18, 1e-12, -1e-9, 3e-5, -0.4, 0.9, 12])
      expect(relative(log1p(x), Math.log1p(x)), `log1p(${x})`).toBeLessThan(1e-15);
  });

  it("power supports fractional exponents", () => {
    expect(power(2, 0.5)).toBeCloseTo(Math.SQRT2, 14);
    expect(power(10, -3)).toBeCloseTo(1e-3, 16);
  });

  it("special values are those of Math", () => {
    expect([log(0), log(-1), log(Infinity), log(Number.NaN), log(1)]).toEqual([
      -Infinity,
      Number.NaN,
      Infinity,
      Number.NaN,
      0,
    ]);
    expect([exp(0), exp(Number.NaN), exp(Infinity), exp(-Infinity)]).toEqual([
      1,
      Number.NaN,
      Infinity,
      0,
    ]);
  });
});
