// Tables of numbers and categories, with levels that match the other columns and levels that do not.

import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import type { DetectorOptions } from "../../src/detect/fit.ts";
import { STANDARD, withChoices } from "../../src/detect/policy.ts";
import { Encoder } from "../../src/detect/table/encoder.ts";
import { readSource } from "../../src/detect/table/source.ts";
import { at } from "../../src/math/order.ts";
import { finish } from "../../src/platform/turns.ts";
import { generator } from "./support/random.ts";

const plans = ["free", "basic", "pro"];

/** Customers with random countries. The plan of most depends on their age. */
function customers(count: number, seed: number) {
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const group = random.below(3);
    return {
      age: 25 + 15 * group + 2 * random.normal(),
      spend: 10 * (group + 1) + 2 * random.normal(),
      plan: plans[random.uniform() < 0.85 ? group : random.below(3)] ?? "",
      country: random.uniform() < 0.8 ? "NO" : random.uniform() < 0.5 ? "SE" : "DK",
      active: group > 0,
    };
  });
}

const options: DetectorOptions = { model: { models: 3, hidden: [24, 12], steps: 500 } };
const detector = await AnomalyDetector.fit(customers(500, 1), options);
const usual = { age: 26, spend: 10, plan: "free", country: "NO", active: false };

describe("a detector of numbers and categories", () => {
  it("estimates the probability of a level, given the other columns", () => {
    const reasonsOf = (row: object) => detector.explain([row])[0] ?? [];
    const chance = (row: object, column: string) =>
      reasonsOf(row).find((reason) => reason.column === column)?.probability ?? Number.NaN;
    // The plan is that of the group in 0.85 + 0.15 / 3 of the rows, and each other plan in 0.05.
    expect(chance(usual, "plan")).toBeGreaterThan(0.8);
    expect(chance({ ...usual, plan: "pro" }, "plan")).toBeLessThan(0.2);
    expect(
      chance({ ...usual, age: 55, spend: 30, active: true, plan: "pro" }, "plan"),
    ).toBeGreaterThan(0.6);
    expect(Math.abs(chance(usual, "country") - 0.8)).toBeLessThan(0.12);
    const [first] = reasonsOf({ ...usual, plan: "pro" });
    expect(first).toMatchObject({ column: "plan", value: "pro", expected: "free", sign: 0 });
  });

  it("scores a level that does not match the other columns above one that does", () => {
    const scores = detector.score(
      ["free", "basic", "pro", "gold", null].map((plan) => ({ ...usual, plan })),
    );
    const [free = 0, basic = 0, pro = 0, gold = 0, missing = 0] = scores;
    expect(Math.min(basic, pro)).toBeGreaterThan(1.5 * free);
    expect(gold).toBeGreaterThan(10 * Math.max(basic, pro));
    expect(missing).toBeLessThan(Math.min(basic, pro));
  });

  it("flags normal rows at a rate of about alpha", () => {
    const { flagged } = detector.detect(customers(1000, 2), { alpha: 0.1 });
    const rate = flagged.reduce((sum, flag) => sum + flag, 0) / 1000;
    expect(Math.abs(rate - 0.1)).toBeLessThan(3 * Math.sqrt(0.09 * (1 / 500 + 1 / 1000)));
  });

  it("can be saved, and continues learning", async () => {
    const loaded = await AnomalyDetector.load(detector.save());
    const rows = customers(30, 3);
    expect(loaded.score(rows)).toEqual(detector.score(rows));
    expect(loaded.explain(rows.slice(0, 2))).toEqual(detector.explain(rows.slice(0, 2)));
    await loaded.update([...customers(100, 4), { ...usual, plan: "gold" }]);
    expect([...loaded.score(rows)].every((score) => Number.isFinite(score) && score > 0)).toBe(
      true,
    );
    loaded.dispose();
  });

  it("learns from categories alone, with missing values", async () => {
    const random = generator(6);
    const rows = Array.from({ length: 200 }, (_, i) => {
      const a = "xyz"[random.below(3)] ?? "";
      return { a: i % 9 ? a : null, b: a === "x" ? "left" : "right" };
    });
    const pair = await AnomalyDetector.fit(rows, options);
    const [right = 0, wrong = 0] = pair.score([
      { a: "x", b: "left" },
      { a: "x", b: "right" },
    ]);
    expect(wrong).toBeGreaterThan(3 * right);
    expect(pair.schema.map(({ kind }) => kind)).toEqual(["category", "category"]);
    pair.dispose();
  });

  it("learns categories by squared error if the caller chooses a loss, and in windows", async () => {
    const squared = await AnomalyDetector.fit(customers(200, 5), {
      model: { models: 2, hidden: [12, 6], steps: 100, loss: "mae" },
    });
    const windows = await AnomalyDetector.fit(customers(200, 5), { window: 4 });
    const rows = customers(20, 6);
    expect([...squared.score(rows), ...windows.score(rows)].every((score) => score > 0)).toBe(true);
    squared.dispose();
    windows.dispose();
  });
});

describe("categories as choices", () => {
  const source = readSource("rows", { columns: { n: [1, 2, 3, 4], c: ["a", "b", "a", null] } });
  const encoder = finish(Encoder.fitting(source, { n: "number", c: "category" }, {}, true));

  it("are ones and zeros; an unknown value is the share of each level", () => {
    const rows = readSource("rows", { columns: { n: [1, 2, 3], c: ["b", null, "z"] } });
    const { features, missing, novelties } = encoder.encode(encoder.read(rows), 0, 3);
    const levels = [0, 1, 2].map((row) => [...features.subarray(row * 3 + 1, row * 3 + 3)]);
    const shares = [Math.fround(2 / 3), Math.fround(1 / 3)];
    expect(levels).toEqual([[0, 1], shares, shares]);
    expect([...(missing ?? [])]).toEqual([0, 0, 0, 1, 0, 1]);
    expect([...(novelties ?? [])]).toEqual([0, 0, 1]);
  });

  it("have the weight of a number: one divided by their entropy", () => {
    const { config } = withChoices(STANDARD, encoder.state.fields);
    const { loss } = config;
    if (typeof loss !== "object" || loss.type !== "mixed") throw new Error("another loss");
    expect(loss.categories).toEqual([[1, 2]]);
    const entropy = -(2 / 3) * Math.log(2 / 3) - (1 / 3) * Math.log(1 / 3);
    expect(loss.weights?.[0]).toBe(1);
    expect(at(loss.weights ?? [], 1)).toBeCloseTo(1 / entropy, 12);
  });
});
