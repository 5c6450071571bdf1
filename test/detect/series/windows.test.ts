import { describe, expect, it } from "vitest";
import { mergeEvents } from "../../../src/detect/series/events.ts";
import { autocorrelation, period } from "../../../src/detect/series/length.ts";
import {
  rowScores,
  windowBlocks,
  windowSamples,
  windowStarts,
} from "../../../src/detect/series/windows.ts";
import { finish } from "../../../src/platform/turns.ts";
import { generator } from "../support/random.ts";

describe("windows", () => {
  it("the score of a row is the mean of the windows that cover it", () => {
    // Windows of 3 rows, stride 2, over 10 rows: the last row is in none.
    const scores = finish(rowScores(10, [0, 2, 4, 6], 3, [1, 4, 8, 2]));
    expect([...scores]).toEqual([1, 1, 2.5, 4, 6, 8, 5, 2, 2, 0]);
  });

  it("are within segments, and the last ends with its segment", () => {
    const segments = [
      { first: 0, count: 7 },
      { first: 7, count: 2 },
      { first: 9, count: 4 },
    ];
    const { starts, segmentOf } = windowStarts(segments, 3, 2);
    expect([...starts]).toEqual([0, 2, 4, 9, 10]);
    expect([...segmentOf]).toEqual([0, 0, 0, 2, 2]);
    expect([...windowStarts(segments, 3, 1).starts]).toEqual([0, 1, 2, 3, 4, 9, 10]);
    expect(windowStarts(segments, 8, 1).starts).toHaveLength(0);
  });

  it("as samples are their rows in order, with missing and unseen values", () => {
    const encoded = {
      count: 4,
      features: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
      missing: Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 1),
      novelties: Uint8Array.of(0, 1, 2, 0),
    };
    const samples = windowSamples(encoded, Uint32Array.of(0, 1, 3), Uint32Array.of(0, 1, 2), 2);
    expect([samples.count, samples.width, [...samples.blocks]]).toEqual([3, 6, [0, 1, 3, 4, 6]]);
    const some = samples.take(Uint32Array.of(1, 2));
    expect([...some.features]).toEqual([4, 5, 6, 7, 8, 9, 7, 8, 9, 10, 11, 12]);
    expect([...(some.missing ?? [])]).toEqual([1, 0, 0, 0, 0, 0, 0, 1]);
    expect([...(some.novelties ?? [])]).toEqual([3, 2]);
  });

  it("have the blocks of a row for each step", () => {
    expect([...windowBlocks(Uint32Array.of(0, 2, 3), 3)]).toEqual([0, 2, 3, 5, 6, 8, 9]);
  });
});

describe("the period of a series", () => {
  const wave = (points: number, period: number, noise: number) => {
    const random = generator(period);
    return Float64Array.from(
      { length: points },
      (_, i) => Math.sin((2 * Math.PI * i) / period) + noise * random.normal(),
    );
  };

  it.each([12, 50, 144])("of %i points is found in noise", (points) => {
    const found = finish(period(wave(5000, points, 0.2)));
    expect(Math.abs((found?.points ?? 0) - points)).toBeLessThanOrEqual(2);
    expect(found?.strength).toBeGreaterThan(0.7);
  });

  it("that is absent or longer than the limit of the rule is undefined", () => {
    expect(finish(period(wave(5000, 1000, 0)))).toBeUndefined();
    expect(finish(period(Float64Array.from({ length: 500 }, (_, i) => i)))).toBeUndefined();
    expect(finish(period(new Float64Array(500)))).toBeUndefined();
    expect(finish(period(Float64Array.of(1, 2)))).toBeUndefined();
  });

  it("is computed from the autocorrelations of numpy", () => {
    // statsmodels.tsa.stattools.acf([1, 3, 2, 5, 4], nlags=2) = [1, 0, 0.1]
    const [zero, one, two] = finish(autocorrelation(Float64Array.of(1, 3, 2, 5, 4), 2));
    expect(zero).toBe(1);
    expect(one).toBeCloseTo(0, 12);
    expect(two).toBeCloseTo(0.1, 12);
  });
});

describe("events", () => {
  const order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const score = [0, 1, 5, 2, 0, 0, 7, 0, 9, 3];
  const flagged = [0, 1, 1, 0, 0, 0, 1, 0, 1, 1];

  it("are consecutive alarms; short pauses do not end them", () => {
    expect(mergeEvents(flagged, score, order, [{ first: 0, count: 10 }], 0)).toEqual([
      { start: 1, end: 2, rows: 2, peak: 2, score: 5 },
      { start: 6, end: 6, rows: 1, peak: 6, score: 7 },
      { start: 8, end: 9, rows: 2, peak: 8, score: 9 },
    ]);
    expect(mergeEvents(flagged, score, order, [{ first: 0, count: 10 }], 1)).toEqual([
      { start: 1, end: 2, rows: 2, peak: 2, score: 5 },
      { start: 6, end: 9, rows: 3, peak: 8, score: 9 },
    ]);
  });

  it("end with their segment", () => {
    const segments = [
      { first: 0, count: 9 },
      { first: 9, count: 1 },
    ];
    expect(mergeEvents(flagged, score, order, segments, 2).map(({ end }) => end)).toEqual([
      2, 8, 9,
    ]);
  });
});
