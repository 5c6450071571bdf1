import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";

const detector = await AnomalyDetector.fit(plant(400, 1), {
  ...quick,
  columns: ["flow", "difference", "level", "product", "valve", "return"],
});
const names = ["flow", "difference", "level", "product", "valve", "return"];

describe("reasons", () => {
  it("name the sensor that differs from the others, and the direction", () => {
    const { rows, sensor } = faultyRows(60, 8);
    const reasons = detector.explain(rows);
    const hits = reasons.filter(([first], i) => first?.column === names[sensor[i] ?? 0]);
    expect(hits.length / rows.length).toBeGreaterThan(0.95);
    reasons.forEach(([first], i) => {
      if (first?.column !== names[sensor[i] ?? 0]) return;
      expect(first?.sign).toBe(i % 2 ? 1 : -1);
      expect(first?.surprise).toBeLessThan(0.1);
      expect(first?.contribution).toBeGreaterThan(0.3);
    });
  });

  it("contain the expected value, given the other columns", () => {
    // flow is about 1 if valve is tanh(1) and difference is 1 - level.
    const row = [-5, 1.5, -0.5, -0.5, Math.tanh(1), 0.5];
    const [first] = detector.explain([row])[0] ?? [];
    expect(first).toMatchObject({ column: "flow", value: -5, sign: -1 });
    expect(first?.expected).toBeGreaterThan(0.3);
    expect(first?.expected).toBeLessThan(1.7);
  });

  it("list every column, and do not change the score", () => {
    const rows = plant(5, 77);
    const before = detector.score(rows);
    for (const reasons of detector.explain(rows)) {
      expect(new Set(reasons.map(({ column }) => column)).size).toBe(6);
      for (const { surprise, contribution } of reasons) {
        expect(surprise > 0 && surprise <= 1).toBe(true);
        expect(contribution >= 0 && contribution <= 1).toBe(true);
      }
    }
    expect(detector.score(rows)).toEqual(before);
  });

  it("columns of a matrix without names have their number; missing values have no surprise", async () => {
    const plain = await AnomalyDetector.fit(plant(200, 1), quick);
    const [reasons = []] = plain.explain([[9, Number.NaN, 0, 0, 0, 0]]);
    expect(reasons[0]?.column).toBe(0);
    expect(reasons.at(-1)).toMatchObject({ column: 1, value: null, sign: 0, surprise: 1 });
    plain.dispose();
  });

  it("of mixed rows: an unlikely level with its probability, a changed constant, an unseen level", async () => {
    const objects = plant(400, 4).map(([a = 0, , c = 0, , e = 0], i) => ({
      a,
      c,
      e,
      side: a > 0 ? "up" : "down",
      unit: "bar",
      open: c > 0,
      id: `r${i}`,
    }));
    const mixed = await AnomalyDetector.fit(objects, quick);
    const usual = { a: 1, c: 1, e: 0.76, side: "up", unit: "bar", open: true, id: "" };
    const [wrong = [], moved = [], unseen = []] = mixed.explain([
      { ...usual, side: "down" },
      { ...usual, unit: "psi" },
      { ...usual, side: "left" },
    ]);
    expect(wrong[0]).toMatchObject({ column: "side", value: "down", expected: "up", sign: 0 });
    expect(wrong[0]?.probability).toBeLessThan(0.5);
    expect(moved[0]).toMatchObject({
      column: "unit",
      value: "psi",
      expected: "bar",
      surprise: 1 / 401,
    });
    expect(unseen[0]).toMatchObject({
      column: "side",
      value: "left",
      expected: "up",
      probability: 0,
      surprise: 1 / 401,
    });
    expect(unseen[0]?.contribution).toBeGreaterThan(0.9);
    // It comes first even if another column contributes more.
    const [both = []] = mixed.explain([{ ...usual, side: "left", a: 1000 }]);
    expect(both.slice(0, 2).map(({ column }) => column)).toEqual(["side", "a"]);
    expect(both[1]?.contribution).toBeGreaterThan(both[0]?.contribution ?? 1);
    mixed.dispose();
  });
});
