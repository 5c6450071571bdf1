// The yardstick: rows with a swapped value are detected if columns depend on each other, and only by chance otherwise.

import { expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";

/** Uniform numbers that are the same in every run. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const SMALL = { model: { models: 2, hidden: [16, 8], steps: 400 }, yardstick: true };

/** Rows whose columns `of` computes from two draws. */
function rows(count: number, of: (a: number, b: number) => number[]) {
  const next = uniform(7);
  return Array.from({ length: count }, () => of(next(), next()));
}

test.each([
  [2, 300],
  [1, 60], // a single model has not seen a fifth of the rows
])(
  "is high if swapped values contradict the other columns, with %i models",
  async (models, held) => {
    const curve = rows(300, (a) => [a, a * a, Math.sin(6 * a), 1 - a]);
    const detector = await AnomalyDetector.fit(curve, {
      ...SMALL,
      model: { ...SMALL.model, models },
    });
    const { yardstick } = detector;
    expect(yardstick?.rows).toBe(held);
    expect(yardstick?.detector).toBeGreaterThan(0.9);
    expect(yardstick?.pca).toBeGreaterThan(0.8);
    detector.dispose();
  },
);

test("is that of a guess if columns are independent", async () => {
  const detector = await AnomalyDetector.fit(
    rows(300, (a, b) => [a, b]),
    SMALL,
  );
  expect(detector.yardstick?.detector).toBeCloseTo(0.5, 1);
  expect(detector.yardstick?.pca).toBeCloseTo(0.5, 1);
  detector.dispose();
});

test("is measured only on request, and not for principal components themselves", async () => {
  const data = rows(100, (a, b) => [a, b, a + b]);
  for (const options of [{ model: SMALL.model }, { window: 5, yardstick: true }]) {
    const detector = await AnomalyDetector.fit(data, options);
    expect(detector.yardstick).toBeUndefined();
    detector.dispose();
  }
});

test("does not change the detector", async () => {
  const data = rows(100, (a, b) => [a, b, a + b]);
  const [measured, plain] = [
    await AnomalyDetector.fit(data, SMALL),
    await AnomalyDetector.fit(data, { model: SMALL.model }),
  ];
  expect(measured.save()).toEqual(plain.save());
  measured.dispose();
  plain.dispose();
});
