// The rates of decisions: over random splits, the share of flagged rows among normal rows and the share of normal rows
// among flagged ones are the requested ones. The calibration of a detector is not a separate sample but the pooled
// scores of its cross-fitted models, so this tests the whole method.

import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { faultyRows, plantRows, quick } from "./support/plant.ts";
import { generator } from "./support/random.ts";

const splits = 60;
const [training, tests, odd] = [200, 100, 10];
const alphas = [0.01, 0.05, 0.1];

/** For each split: p-values of normal rows, and of normal and odd rows together. */
const outcomes: { pValues: Float64Array; flagged: Uint8Array }[] = [];
for (let split = 0; split < splits; split++) {
  const rows = plantRows(training + tests, generator(1000 + split));
  const model = { models: 3, hidden: [8, 4], steps: 40 };
  const detector = await AnomalyDetector.fit(rows.slice(0, training), {
    ...quick,
    model,
    seed: split,
  });
  const mixed = [...rows.slice(training), ...faultyRows(odd, split).rows];
  outcomes.push({
    pValues: detector.pValues(rows.slice(training)),
    flagged: detector.detect(mixed, { fdr: 0.2 }).flagged,
  });
  detector.dispose();
}

describe(`over ${splits} random splits`, () => {
  it.each(alphas)("normal rows are flagged at alpha %f at about this rate", (alpha) => {
    const rate =
      outcomes.reduce((sum, { pValues }) => sum + pValues.filter((p) => p <= alpha).length, 0) /
      (splits * tests);
    // The rate of one split depends on its calibration rows and on its test rows.
    const variance = alpha * (1 - alpha) * (1 / training + 1 / tests);
    const deviation = Math.sqrt(variance / splits);
    expect(rate).toBeLessThan(alpha + 3 * deviation);
    expect(rate).toBeGreaterThan(alpha / 2);
  });

  it("at most a fifth of the flagged rows are normal at fdr 0.2", () => {
    const shares = outcomes.map(({ flagged }) => {
      const all = flagged.filter(Boolean).length;
      const normal = flagged.subarray(0, tests).filter(Boolean).length;
      return all > 0 ? normal / all : 0;
    });
    const mean = shares.reduce((sum, share) => sum + share, 0) / splits;
    const spread = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / splits;
    expect(mean).toBeLessThan(0.2 + 3 * Math.sqrt(spread / splits));
    const found = outcomes.map(({ flagged }) => flagged.subarray(tests).filter(Boolean).length);
    expect(found.reduce((sum, hits) => sum + hits, 0) / (splits * odd)).toBeGreaterThan(0.8);
  });
});
