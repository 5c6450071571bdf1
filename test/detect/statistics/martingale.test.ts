import { describe, expect, it } from "vitest";
import { SimpleJumper } from "../../../src/detect/statistics/martingale.ts";
import { median } from "../../../src/math/order.ts";
import { generator } from "../support/random.ts";

describe("the exchangeability martingale", () => {
  it("starts at 1 and multiplies by the factors of its bets", () => {
    const jumper = new SimpleJumper();
    expect(jumper.capital).toBeCloseTo(1, 15);
    // The capital 1 is divided equally among epsilon -1, 0 and 1. At p = 0 the factors are 1.5, 1 and 0.5.
    expect(jumper.push(0)).toBeCloseTo(1, 15);
    expect(jumper.state.capital[0]).toBeCloseTo(0.5, 15);
    // Then a hundredth of the capital is spread evenly: (.99 * .5 + .01 / 3) * 1.5 + ...
    expect(jumper.push(0)).toBeCloseTo(
      (0.99 * 0.5 + 0.01 / 3) * 1.5 + (0.99 / 3 + 0.01 / 3) + (0.99 / 6 + 0.01 / 3) * 0.5,
      14,
    );
  });

  it("raises false alarms at a rate of at most its level: 600 uniform streams", () => {
    const random = generator(3);
    const [level, streams] = [0.1, 600];
    let alarms = 0;
    for (let s = 0; s < streams; s++) {
      const jumper = new SimpleJumper(level);
      for (let i = 0; i < 1000; i++) jumper.push(random.uniform());
      if (jumper.state.alarmAt >= 0) alarms += 1;
    }
    expect(alarms / streams).toBeLessThan(level + 4 * Math.sqrt((level * (1 - level)) / streams));
  });

  it("detects small p-values, and approximately when they began", () => {
    const begun = Array.from({ length: 21 }, (_, seed) => {
      const random = generator(seed);
      const jumper = new SimpleJumper(1e-4);
      for (let i = 0; i < 500; i++) jumper.push(random.uniform());
      expect(jumper.movedAt, "before they do").toBe(-1);
      for (let i = 0; i < 200; i++) jumper.push(random.uniform() ** 3);
      expect(jumper.state.alarmAt).toBeGreaterThan(500);
      expect(jumper.state.alarmAt).toBeLessThan(620);
      return jumper.movedAt;
    });
    expect(Math.abs(median(begun) - 500)).toBeLessThan(20);
  });

  it("detects p-values that are too large: rows that are more normal than the training rows", () => {
    const random = generator(4);
    const jumper = new SimpleJumper(0.01);
    for (let i = 0; i < 300; i++) jumper.push(1 - random.uniform() ** 3);
    expect(jumper.state.alarmAt).toBeGreaterThan(0);
  });

  it("stays finite during an endless drift", () => {
    const jumper = new SimpleJumper();
    for (let i = 0; i < 5000; i++) jumper.push(0);
    expect(Number.isFinite(jumper.capital)).toBe(true);
  });
});
