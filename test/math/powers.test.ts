import { expect, test } from "vitest";
import { cosPi } from "../../src/math/cosine.ts";
import { wholePower } from "../../src/math/powers.ts";

test("cosPi is within 1e-15 of Math.cos, whose error is smaller", () => {
  for (let i = 0; i <= 4000; i++) {
    const x = i / 1000;
    expect(Math.abs(cosPi(x) - Math.cos(Math.PI * (x > 2 ? x - 2 : x)))).toBeLessThan(1e-15);
    expect(cosPi(-x)).toBe(cosPi(x));
  }
});

test("cosPi is exact at quarter turns, also for large arguments", () => {
  for (const turns of [0, 1, 1000, 2 ** 40]) {
    expect(cosPi(2 * turns)).toBe(1);
    expect(cosPi(2 * turns + 1)).toBe(-1);
    expect(Math.abs(cosPi(2 * turns + 0.5))).toBe(0);
    expect(Math.abs(cosPi(2 * turns + 1.5))).toBe(0);
  }
});

test("wholePower is exact where the power is, and within 1e-13 of Math.pow for large exponents", () => {
  expect(wholePower(3, 0)).toBe(1);
  expect(wholePower(3, 30)).toBe(3 ** 30);
  expect(wholePower(0.5, 1074)).toBe(Number.MIN_VALUE);
  expect(wholePower(0.999, 2 ** 32)).toBe(0);
  for (const exponent of [1, 2, 7, 100, 999]) {
    expect(wholePower(0.999, exponent) / 0.999 ** exponent - 1).toBeCloseTo(0, 12);
  }
});
