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

describe("reasons of what occurred once in training", () => {
  // The plan depends on the age. One row has a plan of its own and a value far from all others.
  const customers = plant(300, 11).map(([a = 0, , b = 0, c = 0]) => ({
    age: a > 0 ? 50 + 3 * b : 20 + 3 * b,
    spent: (a > 0 ? 60 : 10) + c,
    plan: a > 0 ? "pro" : "free",
  }));
  const odd = { age: 90, spent: 300, plan: "gold" };
  const richer = { age: 51, spent: 300, plan: "pro" };
  const rows = customers.map((row, i) => (i === 123 ? odd : i === 200 ? richer : row));
  const options = { model: { models: 3, hidden: [32, 16], steps: 1500 } };

  it("do not explain a level by itself, also if one model alone has learned it", async () => {
    for (const models of [1, 3]) {
      const own = await AnomalyDetector.fit(rows, { model: { ...options.model, models } });
      for (const reasons of own.explain([odd, { ...odd, age: 51, spent: 60 }])) {
        const plan = reasons.find(({ column }) => column === "plan");
        expect(plan).toMatchObject({ value: "gold", expected: "pro" });
        expect(plan?.probability).toBeLessThanOrEqual(1.001 / 301);
      }
      const [usual = []] = own.explain([{ age: 51, spent: 60, plan: "pro" }]);
      expect(usual.find(({ column }) => column === "plan")?.probability).toBeGreaterThan(0.9);
      own.dispose();
    }
  });

  it("are told by the model that was trained without the row", async () => {
    const own = await AnomalyDetector.fit(rows, options);
    const some = { rows: [200, 0], areTraining: true };
    const [reasons = [], usual = []] = own.explain(rows, some);
    const spent = reasons.find(({ column }) => column === "spent");
    expect(Number(spent?.expected)).toBeLessThan(90);
    // The other models remember the row, and find a spending of 300 less odd.
    const [remembered = []] = own.explain([richer]);
    const before = remembered.find(({ column }) => column === "spent");
    expect(Number(before?.contribution)).toBeLessThan(Number(spent?.contribution));
    // A row explained alone, with all others, and after loading has the same reasons.
    const all = own.explain(rows, { areTraining: true });
    expect([all[200], all[0]]).toEqual([reasons, usual]);
    const first = own.explain(rows, { ...some, top: 2 });
    expect(first).toEqual([reasons.slice(0, 2), usual.slice(0, 2)]);
    using loaded = await AnomalyDetector.load(own.save());
    expect(loaded.explain(rows, some)).toEqual([reasons, usual]);
    own.dispose();
  });

  it("of rows that no model or every model has seen are told by all models", async () => {
    const own = await AnomalyDetector.fit(rows, { ...options, calibration: 0.5 });
    const apart = [...rows.keys()].filter((row) => own.training.score[row] !== undefined);
    const together = own.explain(rows, { rows: apart.slice(0, 40), areTraining: true });
    const alone = own.explain(rows, { rows: apart.slice(0, 40) });
    const isSame = together.map(
      (reasons, i) => JSON.stringify(reasons) === JSON.stringify(alone[i]),
    );
    // About half of the rows calibrate.
    expect(isSame.filter(Boolean).length).toBeGreaterThan(10);
    expect(isSame.filter(Boolean).length).toBeLessThan(30);
    own.dispose();
  });

  it("are refused for rows that are not the training rows, or are not there", () => {
    const some = plant(10, 5);
    expect(() => detector.explain(some, { areTraining: true })).toThrow(
      "areTraining is for the 400 training rows together; got 10 rows.",
    );
    expect(() => detector.explain(some, { rows: [3, 10] })).toThrow(
      "rows[1] is 10; there are 10 rows, numbered from 0.",
    );
    expect(() => detector.explain(some, { top: -1 })).toThrow("top must be a whole number");
    expect(() => detector.explain(some, { most: 3 } as object)).toThrow("most");
    expect(detector.explain(some, { rows: [7, 2] })).toEqual(
      [7, 2].map((i) => detector.explain(some)[i]),
    );
  });
});
