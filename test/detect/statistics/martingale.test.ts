import { describe, expect, it } from "vitest";
import { SimpleJumper } from "../../../src/detect/statistics/martingale.ts";
import { median } from "../../../src/math/order.ts";
import { generator } from "../support/random.ts";

describe("the exchangeability martingale", () => {
  it("starts at 1 and is worth what its bets won", () => {
    const jumper = new SimpleJumper();
    expect(jumper.capital).toBeCloseTo(1, 15);
    // Thirds of 1 on epsilon -1, 0, 1 at p = 0: factors 1.5, 1, 0.5.
    expect(jumper.push(0)).toBeCloseTo(1, 15);
    expect(jumper.state.capital[0]).toBeCloseTo(0.5, 15);
    // Then a hundredth of the capital is spread evenly: (.99 * .5 + .01 / 3) * 1.5 + ...
    expect(jumper.push(0)).toBeCloseTo(
      (0.99 * 0.5 + 0.01 / 3) * 1.5 + (0.99 / 3 + 0.01 / 3) + (0.99 / 6 + 0.01 / 3) * 0.5,
      14,
    );
  });

  it("cries wolf no more often than its level says: 600 uniform streams", () => {
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

  it("notices small p-values, and about when they began", () => {
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

  it("notices p-values that are too large as well: rows that are more ordinary than what was learned", () => {
    const random = generator(4);
    const jumper = new SimpleJumper(0.01);
    for (let i = 0; i < 300; i++) jumper.push(1 - random.uniform() ** 3);
    expect(jumper.state.alarmAt).toBeGreaterThan(0);
  });

  it("stays finite however long the data stays away", () => {
    const jumper = new SimpleJumper();
    for (let i = 0; i < 5000; i++) jumper.push(0);
    expect(Number.isFinite(jumper.capital)).toBe(true);
  });
});
