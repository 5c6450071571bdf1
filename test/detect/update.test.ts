import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import type { UpdateOptions } from "../../src/detect/update.ts";
import { DisposedError, InvalidStateError } from "../../src/errors.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";

/** The plant after a change: all values are higher, and two sensors have half the amplitude. */
const changed = (count: number, seed: number) =>
  plant(count, seed).map(([a = 0, b = 0, ...rest]) => [a / 2, b / 2, ...rest].map((v) => v + 1.2));

const alarms = (detector: AnomalyDetector, rows: number[][], alpha = 0.05) =>
  detector.detect(rows, { alpha }).flagged.reduce((sum, flag) => sum + flag, 0) / rows.length;

describe("an update", () => {
  it("adapts to a change step by step, and still detects odd rows", async () => {
    const detector = await AnomalyDetector.fit(plant(300, 1), quick);
    const test = changed(300, 2);
    const before = alarms(detector, test);
    expect(before).toBeGreaterThan(0.2);
    const rates = [before];
    for (let day = 0; day < 5; day++) {
      await detector.update(changed(200, 10 + day));
      rates.push(alarms(detector, test));
    }
    expect(rates[1]).toBeLessThan(before);
    expect(rates.at(-1)).toBeLessThan(0.09);
    const odd = faultyRows(60, 3).rows.map((row) => row.map((value) => value + 1.2));
    expect(alarms(detector, odd)).toBeGreaterThan(0.85);
    expect(detector.drift().alarm).toBe(true);
    detector.dispose();
  });

  it("changes little if the rows have not changed", async () => {
    const detector = await AnomalyDetector.fit(plant(400, 1), quick);
    for (let day = 0; day < 3; day++) await detector.update(plant(100, 20 + day));
    const rate = alarms(detector, plant(500, 5));
    expect(rate).toBeLessThan(0.09);
    expect(rate).toBeGreaterThan(0.02);
    expect(detector.drift()).toMatchObject({ alarm: false, rows: 300 });
    expect(alarms(detector, faultyRows(60, 3).rows)).toBeGreaterThan(0.95);
    detector.dispose();
  });

  it.each([1, 10, 60])(
    "with %i rows like the others keeps the rate of false alarms",
    async (rows) => {
      const model = { models: 3, hidden: [32, 16], steps: 1500 };
      const detector = await AnomalyDetector.fit(plant(500, 1), { model });
      const test = plant(1000, 3);
      const before = alarms(detector, test);
      await detector.update(plant(rows, 2));
      expect(alarms(detector, test)).toBeLessThan(before + 0.03);
      detector.dispose();
    },
  );

  it("keeps the newest calibration scores, so that alarms return after many updates with changed rows", async () => {
    const file = (await AnomalyDetector.fit(plant(400, 1), quick)).save();
    const flagged = async (options?: UpdateOptions) => {
      const own = await AnomalyDetector.load(file);
      for (let i = 0; i < 20; i++) await own.update(changed(30, 100 + i), options);
      const rate = own.pValues(changed(500, 7)).filter((p) => p <= 0.1).length / 500;
      const { calibrationRows } = own.config;
      own.dispose();
      return { rate, calibrationRows };
    };
    const few = await flagged({ newest: 120 });
    expect(few.calibrationRows).toBe(120);
    // The rate varies by the 120 calibration rows and the 500 rows, and the models still learn a little.
    expect(Math.abs(few.rate - 0.1)).toBeLessThan(0.08);
    expect((await flagged()).rate).toBeLessThan(few.rate);
    const own = await AnomalyDetector.load(file);
    await expect(own.update(changed(5, 1), { newest: 0 })).rejects.toThrow(
      "newest must be a whole number of at least 1; got 0.",
    );
    own.dispose();
  });

  it("many times with rows like the others is no drift", async () => {
    const detector = await AnomalyDetector.fit(plant(300, 1), quick);
    for (let day = 0; day < 15; day++) await detector.update(plant(50, 30 + day));
    const stream = detector.stream({ alpha: 0.05 });
    for (const row of plant(1000, 50)) stream.push(row);
    expect(detector.drift()).toMatchObject({ alarm: false, rows: 1750 });
    expect(detector.drift(plant(1000, 51)).alarm).toBe(false);
    for (const row of changed(50, 52)) stream.push(row);
    expect(detector.drift().alarm).toBe(true);
    detector.dispose();
  });

  it("takes a series with fewer windows than models", async () => {
    const wave = (count: number) =>
      Array.from({ length: count }, (_, i) => [Math.sin(i / 3), i % 2]);
    const series = await AnomalyDetector.fit(wave(300), { window: 8 });
    for (const rows of [8, 9, 11]) await series.update(wave(rows));
    expect(series.drift().rows).toBe(24);
    series.dispose();
  });

  it("is the same for the same rows, also after saving and loading", async () => {
    const one = await AnomalyDetector.fit(plant(200, 1), quick);
    const other = await AnomalyDetector.load(one.save());
    await one.update(changed(100, 2));
    await other.update(changed(100, 2));
    const rows = changed(50, 3);
    expect(other.detect(rows, { alpha: 0.1 })).toEqual(one.detect(rows, { alpha: 0.1 }));
    expect(other.save()).toEqual(one.save());
    one.dispose();
    other.dispose();
  });

  it("accepts a single row, missing values, and rows of a series", async () => {
    const detector = await AnomalyDetector.fit(plant(200, 1), quick);
    await detector.update(plant(1, 2));
    await detector.update(
      plant(50, 3).map((row, i) => (i % 5 ? row : [Number.NaN, ...row.slice(1)])),
    );
    expect(detector.score(plant(5, 4)).every((score) => score > 0)).toBe(true);
    detector.dispose();
    const wave = (count: number, shift: number) =>
      Array.from({ length: count }, (_, i) => [Math.sin(i / 3), Math.cos(i / 3) + shift, i % 2]);
    const series = await AnomalyDetector.fit(wave(300, 0), { window: 6 });
    const before = series.score(wave(100, 0.6));
    for (let i = 0; i < 4; i++) await series.update(wave(300, 0.6));
    const after = series.score(wave(100, 0.6));
    expect(after[50]).toBeLessThan((before[50] ?? 0) / 2);
    series.dispose();
  });

  it("that fails or is aborted does not change the detector", async () => {
    const detector = await AnomalyDetector.fit(plant(200, 1), quick);
    const bytes = detector.save();
    const controller = new AbortController();
    const aborted = detector.update(changed(200, 2), {
      signal: controller.signal,
      onProgress: ({ done }) => done > 0.4 && controller.abort(new Error("enough")),
    });
    expect(alarms(detector, plant(100, 3))).toBeLessThan(0.2); // works during the update
    await expect(detector.update(plant(5, 1))).rejects.toThrow(InvalidStateError);
    await expect(aborted).rejects.toThrow("enough");
    await expect(detector.update([[1, 2]])).rejects.toThrow("must hold 6 values");
    await expect(detector.update([[1, 2, 3, 4, 5, Infinity]])).rejects.toThrow("must be finite");
    await expect(detector.update(new Float32Array(0))).rejects.toThrow("at least one row");
    expect(detector.save()).toEqual(bytes);
    const under = detector.update(changed(100, 2));
    detector.dispose();
    await expect(under).rejects.toThrow(DisposedError);
  });
});
