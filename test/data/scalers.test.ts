// The scalers against their formulas in float64.

import { describe, expect, test } from "vitest";
import { InvalidStateError, MinMaxScaler, StandardScaler } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const WIDTH = 4;
const flat = randomRows(300, WIDTH, 7).map(
  (value, i) => [1, 100, 1e-3, 5][i % 4]! * value + (i % 4),
);
const shaped = (data: Float32Array) => ({ data, shape: [data.length / WIDTH, WIDTH] as const });
const x = shaped(flat);

const column = (j: number) => Array.from(flat).filter((_, i) => i % WIDTH === j);
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const variance = (values: number[]) => mean(values.map((v) => (v - mean(values)) ** 2));
const columns = [0, 1, 2, 3].map(column);

const expectClose = (values: ArrayLike<number>, expected: number[], bound = 1e-12) => {
  expect(values).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(bound * Math.abs(value));
  });
};

describe("StandardScaler", () => {
  test("mean_, var_, scale_ and transform", () => {
    const scaler = new StandardScaler();
    const scaled = scaler.fitTransform(x);
    expectClose(scaler.mean_, columns.map(mean));
    expectClose(scaler.var_, columns.map(variance));
    expectClose(
      scaler.scale_,
      columns.map((values) => Math.sqrt(variance(values))),
    );
    expect(scaler.nSamplesSeen_).toBe(300);
    expect(scaler.nFeaturesIn_).toBe(4);
    const expected = Array.from(flat, (value, i) => {
      const values = columns[i % 4]!;
      return (value - mean(values)) / Math.sqrt(variance(values));
    });
    scaled.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
    });
    scaler.inverseTransform(shaped(scaled)).forEach((value, i) => {
      expect(Math.abs(value - flat[i]!)).toBeLessThan(2e-5); // because of float32
    });
  });

  test("partialFit in pieces equals fit", () => {
    const whole = new StandardScaler().fit(x);
    const pieces = new StandardScaler();
    for (const [from, to] of [
      [0, 1],
      [1, 117],
      [117, 300],
    ] as const) {
      pieces.partialFit(shaped(flat.subarray(from * WIDTH, to * WIDTH)));
    }
    expect(pieces.nSamplesSeen_).toBe(300);
    expectClose(pieces.mean_, [...whole.mean_]);
    expectClose(pieces.var_, [...whole.var_]);
    pieces.fit(x); // discards earlier statistics
    expect(pieces.mean_).toEqual(whole.mean_);
  });

  test("the variance of columns far from 0 is precise", () => {
    const far = new StandardScaler().fit([[1e9 + 4], [1e9 + 7], [1e9 + 13], [1e9 + 16]]);
    expect(far.mean_[0]).toBe(1e9 + 10);
    expect(far.var_[0]).toBe(22.5);
  });

  test("a constant column is divided by 1", () => {
    const scaler = new StandardScaler().fit([
      [0.1, 5],
      [0.1, 6],
      [0.1, 7],
    ]);
    expect(scaler.scale_[0]).toBe(1);
    expect(Math.abs(scaler.transform([[3.1, 6]])[0]! - 3)).toBeLessThan(1e-6);
  });

  test("NaN is excluded from the statistics and stays NaN", () => {
    const scaler = new StandardScaler().fit([
      [1, Number.NaN],
      [Number.NaN, Number.NaN],
      [3, Number.NaN],
    ]);
    expect([...scaler.mean_]).toEqual([2, Number.NaN]);
    expect([...scaler.var_]).toEqual([1, Number.NaN]);
    expect([...scaler.transform([[Number.NaN, 1]])]).toEqual([Number.NaN, Number.NaN]);
  });

  test("withMean and withStd", () => {
    const rows = [[1], [3]];
    expect([...new StandardScaler({ withMean: false }).fitTransform(rows)]).toEqual([1, 3]);
    expect([...new StandardScaler({ withStd: false }).fitTransform([[0], [4]])]).toEqual([-2, 2]);
  });

  test("a flat array needs the option features, or an earlier fit", () => {
    expect(() => new StandardScaler().fit(flat)).toThrow(/cannot tell the columns/);
    const scaler = new StandardScaler({ features: 4 }).fit(flat);
    expect(scaler.mean_).toEqual(new StandardScaler().fit(x).mean_);
    expect(scaler.transform(flat)).toEqual(scaler.transform(x));
  });

  test("refuses invalid input, and keeps its statistics", () => {
    expect(() => new StandardScaler().transform(x)).toThrow(InvalidStateError);
    const scaler = new StandardScaler().fit(x);
    const before = scaler.mean_;
    const spoilt = flat.slice();
    spoilt[9] = Infinity;
    expect(() => scaler.partialFit(shaped(spoilt))).toThrow(/Row 2, column 1 of x is Infinity/);
    expect(scaler.nSamplesSeen_).toBe(300);
    expect(scaler.mean_).toBe(before);
    expect(() => scaler.transform([[1, 2]])).toThrow(/Row 0 of x must hold 4 values; it holds 2/);
    expect(() => scaler.fit([])).toThrow();
    expect(() => new StandardScaler({ withmean: true } as object)).toThrow(/no option "withmean"/);
  });
});

describe("MinMaxScaler", () => {
  const low = columns.map((values) => Math.min(...values));
  const high = columns.map((values) => Math.max(...values));

  test("statistics, and the ends of the range", () => {
    const scaler = new MinMaxScaler({ featureRange: [-1, 3] });
    const scaled = scaler.fitTransform(x);
    expect([...scaler.dataMin_]).toEqual(low);
    expect([...scaler.dataMax_]).toEqual(high);
    expectClose(
      scaler.dataRange_,
      high.map((value, j) => value - low[j]!),
    );
    expectClose(
      scaler.scale_,
      high.map((value, j) => 4 / (value - low[j]!)),
    );
    expectClose(
      scaler.min_,
      low.map((value, j) => -1 - (value * 4) / (high[j]! - value)),
    );
    expect(Math.min(...scaled)).toBeCloseTo(-1, 6);
    expect(Math.max(...scaled)).toBeCloseTo(3, 6);
    scaler.inverseTransform(shaped(scaled)).forEach((value, i) => {
      expect(Math.abs(value - flat[i]!)).toBeLessThan(1e-4);
    });
  });

  test("partialFit widens the range", () => {
    const scaler = new MinMaxScaler().fit([[1], [2]]).partialFit([[5], [Number.NaN]]);
    expect([scaler.dataMin_[0], scaler.dataMax_[0], scaler.nSamplesSeen_]).toEqual([1, 5, 4]);
  });

  test("clip, and constant columns", () => {
    const rows = [
      [1, 7],
      [3, 7],
    ];
    expect([...new MinMaxScaler({ clip: true }).fit(rows).transform([[9, 6]])]).toEqual([1, 0]);
    const scaler = new MinMaxScaler().fit(rows);
    expect([...scaler.transform([[9, 6]])]).toEqual([4, -1]);
    expect(() => new MinMaxScaler({ featureRange: [1, 1] })).toThrow(/must rise/);
  });
});
