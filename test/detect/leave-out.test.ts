// The expected value of a column, compared with a search over many values.

import { expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";

const detector = await AnomalyDetector.fit(plant(400, 1), quick);
const rows = [...faultyRows(25, 8).rows, ...plant(15, 3)];
const reasons = detector.explain(rows);

const replaced = (row: readonly number[], column: number, value: number) =>
  row.map((own, j) => (j === column ? value : own));

/** The lowest score of a row over 121 values of one column. */
function lowest(row: readonly number[], column: number): number {
  const variants = Array.from({ length: 121 }, (_, i) => replaced(row, column, -3 + i / 20));
  return Math.min(...detector.score(variants));
}

it("the expected value removes nearly as much of the score as the best of many values", () => {
  const lost: number[] = [];
  rows.forEach((row, i) => {
    const score = detector.score([row])[0] ?? Number.NaN;
    for (const { column, contribution } of reasons[i] ?? []) {
      const possible = 1 - lowest(row, Number(column)) / score;
      expect(contribution).toBeGreaterThan(possible - 0.15);
      lost.push(possible - contribution);
    }
  });
  expect(lost).toHaveLength(rows.length * 6);
  expect(lost.reduce((sum, each) => sum + each, 0) / lost.length).toBeLessThan(0.01);
});

it("the contribution is what the expected value removes from the score", () => {
  rows.forEach((row, i) => {
    const [first] = reasons[i] ?? [];
    if (typeof first?.expected !== "number") throw new Error("no number is expected");
    const [before = 0, after = 0] = detector.score([
      row,
      replaced(row, Number(first.column), first.expected),
    ]);
    expect(first.contribution).toBeCloseTo(1 - after / before, 4);
  });
});

it("a row has the same reasons alone and among others", () => {
  const many = detector.explain([...rows, ...plant(100, 9)]);
  for (const i of [0, 7, 31, 39]) expect(detector.explain([rows[i] ?? []])[0]).toEqual(many[i]);
});
