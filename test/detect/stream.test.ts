import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import type { JudgedRow } from "../../src/detect/stream.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";
import { generator } from "./support/random.ts";

const detector = await AnomalyDetector.fit(plant(400, 1), quick);
const rows = [...plant(40, 2), ...faultyRows(10, 3).rows];

describe("a stream of rows", () => {
  it("returns for each row the numbers of all rows together", () => {
    const together = detector.detect(rows, { alpha: 0.05 });
    const stream = detector.stream({ alpha: 0.05 });
    rows.forEach((row, i) => {
      const answer = stream.push(row);
      expect(answer).toMatchObject({
        row: i,
        score: together.score[i],
        pValue: together.pValue[i],
        flagged: together.flagged[i] === 1,
        threshold: together.threshold,
      });
      expect(answer?.settled).toEqual([
        { row: i, score: answer?.score, pValue: answer?.pValue, flagged: answer?.flagged },
      ]);
      expect(answer?.eValue).toBe(1 / (2 * Math.sqrt(answer?.pValue ?? 1)));
    });
    expect(stream.end()).toEqual([]);
  });

  it("does not change if a row cannot be read", () => {
    const stream = detector.stream();
    stream.push(rows[0] ?? []);
    expect(() => stream.push([1, 2])).toThrow(
      "Row 0 of the pushed rows must hold 6 values; it holds 2.",
    );
    expect(stream.push(rows[1] ?? [])?.row).toBe(1);
  });

  it("refuses a false discovery rate", () => {
    expect(() => detector.stream({ fdr: 0.1 })).toThrow(
      "fdr, the false discovery rate, is a share of all rows that are judged together",
    );
    expect(() => detector.stream({ alpha: 1e-4 })).toThrow("at least 9999 calibration rows");
  });
});

describe("drift", () => {
  it("is not detected in rows like the training rows, but in others", () => {
    const calm = detector.drift(plant(1000, 5));
    expect(calm.alarm).toBe(false);
    expect(calm.sinceRow).toBeUndefined();
    expect(calm.rows).toBe(1000);
    const moved = plant(300, 6).map((row) => row.map((value) => value + 0.7));
    const drift = detector.drift([...plant(300, 7), ...moved]);
    expect(drift.alarm).toBe(true);
    expect(drift.martingale).toBeGreaterThan(100);
    expect(Math.abs((drift.sinceRow ?? 0) - 300)).toBeLessThan(50);
  });

  it("is watched by streams, not by other calls", async () => {
    const watched = await AnomalyDetector.fit(plant(300, 1), quick);
    watched.score(rows);
    watched.drift(rows);
    expect(watched.drift()).toMatchObject({ rows: 0, martingale: 1, alarm: false });
    const stream = watched.stream();
    for (const row of plant(200, 8)) stream.push(row.map((value) => 2 * value));
    expect(watched.drift().rows).toBe(200);
    expect(watched.drift().alarm).toBe(true);
    watched.dispose();
  });

  it("rarely has false alarms: 40 detectors, 500 rows each", async () => {
    let alarms = 0;
    for (let trial = 0; trial < 40; trial++) {
      const random = generator(trial);
      const normal = () => Array.from({ length: 3 }, () => random.normal());
      const some = await AnomalyDetector.fit(Array.from({ length: 120 }, normal), {
        model: { models: 2, hidden: [4], steps: 20 },
      });
      if (some.drift(Array.from({ length: 500 }, normal)).alarm) alarms += 1;
      some.dispose();
    }
    expect(alarms).toBeLessThanOrEqual(2); // one in 100 at most
  });
});

describe("a stream of a time series", async () => {
  const random = generator(4);
  const series = Array.from({ length: 240 }, (_, i) => {
    const wave = Math.sin(i / 4);
    return {
      time: i + (i >= 150 ? 40 : 0),
      line: i % 3 ? "A" : "B",
      a: wave + 0.1 * random.normal(),
      b: 0.5 * wave + 0.1 * random.normal() + (i > 200 && i < 212 ? 2 : 0),
    };
  });
  const columns = { time: "time", a: "number", b: "number" } as const;

  it.each([
    { length: 8, stride: 1 },
    { length: 8, stride: 3 },
    { length: 6, stride: 6 },
    { length: 8, stride: 1, groupBy: "line" },
    { length: 5, stride: 2, groupBy: "line" },
  ])("settles rows with the numbers of all rows together: %o", async (window) => {
    const fitted = await AnomalyDetector.fit(series.slice(0, 140), { window, columns });
    const stream = fitted.stream({ alpha: 0.05 });
    const settled: JudgedRow[] = [];
    let answers = 0;
    for (const row of series) {
      const answer = stream.push(row);
      settled.push(...(answer?.settled ?? []));
      if (answer) answers += 1;
    }
    settled.push(...stream.end());
    settled.sort((a, b) => a.row - b.row);
    const together = fitted.detect(series, { alpha: 0.05 });
    expect(settled.map(({ row }) => row)).toEqual(series.map((_, i) => i));
    expect(settled.map(({ score }) => score)).toEqual([...together.score]);
    expect(settled.map(({ pValue }) => pValue)).toEqual([...together.pValue]);
    expect(settled.map(({ flagged }) => (flagged ? 1 : 0))).toEqual([...together.flagged]);
    expect(answers).toBeGreaterThan(series.length / window.stride / 2);
    fitted.dispose();
  });

  it("judges the newest row by the window that ends with it", async () => {
    const fitted = await AnomalyDetector.fit(series.slice(0, 140), { window: 8, columns });
    const stream = fitted.stream({ alpha: 0.02 });
    const answers = series.map((row) => stream.push(row));
    expect(answers.slice(0, 7)).toEqual(new Array(7).fill(undefined));
    expect(answers[7]?.row).toBe(7);
    expect(answers[7]?.settled.map(({ row }) => row)).toEqual([0]);
    expect(answers.slice(150, 157)).toEqual(new Array(7).fill(undefined)); // after the gap
    expect(answers[203]?.flagged).toBe(true);
    expect(answers[203]?.pValue).toBeLessThan(0.02);
    expect(() => stream.push({ time: 3, line: "A", a: 0, b: 0 })).toThrow("Time runs backwards");
    fitted.dispose();
  });
});
