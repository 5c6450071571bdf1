// The detector with its defaults on real rows: lower limits for the figures of docs/decisions/100-detector.md, and guarantees over
// random splits, because the order of rows in a file is not exchangeable.

import { expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { faultyRows, plantRows } from "../detect/support/plant.ts";
import { generator } from "../detect/support/random.ts";
import {
  adbenchIsThere,
  adbenchSkipped,
  readExperiments,
  readSet,
  skabIsThere,
  skabSkipped,
} from "../support/odd-rows.ts";

if (!adbenchIsThere) console.log(adbenchSkipped);
if (!skabIsThere) console.log(skabSkipped);

test.skipIf(!adbenchIsThere).each([
  ["6_cardio", 0.92],
  ["28_pendigits", 0.98],
  ["40_vowels", 0.79],
  ["44_Wilt", 0.72],
])("%s: fitted on half of the normal rows, AUROC above %f", async (name, floor) => {
  const { rows, labels } = readSet(name);
  const normal = rows.filter((_, i) => !labels[i]);
  const half = Math.floor(normal.length / 2);
  const odd = rows.filter((_, i) => labels[i]);
  const detector = await AnomalyDetector.fit(normal.slice(0, half));
  const rest = normal.slice(half);
  const all = [...rest.map(() => 0), ...odd.map(() => 1)];
  expect(detector.evaluate([...rest, ...odd], all, { alpha: 0.05 }).auroc).toBeGreaterThan(floor);
  detector.dispose();
});

test.skipIf(!adbenchIsThere)(
  "the rate of false alarms is alpha over random splits of cardio's normal rows",
  async () => {
    const { rows, labels } = readSet("6_cardio");
    const normal = rows.filter((_, i) => !labels[i]);
    const splits = 30;
    const half = Math.floor(normal.length / 2);
    const rates = { 0.01: 0, 0.05: 0, 0.1: 0 };
    for (let split = 0; split < splits; split++) {
      const order = generator(split).permutation(normal.length);
      const some = (from: number, to: number) => order.slice(from, to).map((i) => normal[i] ?? []);
      const detector = await AnomalyDetector.fit(some(0, half), {
        seed: split,
        model: { hidden: [128, 64], steps: 500 },
      });
      const ps = detector.pValues(some(half, normal.length));
      for (const alpha of [0.01, 0.05, 0.1] as const) {
        rates[alpha] += ps.filter((p) => p <= alpha).length / ps.length / splits;
      }
      detector.dispose();
    }
    for (const alpha of [0.01, 0.05, 0.1] as const) {
      // A split's rate varies by its calibration rows and by its test rows.
      const deviation = Math.sqrt((alpha * (1 - alpha) * 2) / half / splits);
      expect(rates[alpha]).toBeLessThan(alpha + 3 * deviation);
      expect(rates[alpha]).toBeGreaterThan(alpha / 2);
    }
  },
);

test.each([["cross"], [0.6]] as const)(
  "calibration %s: false alarms and the false discovery rate are nominal over 300 random splits",
  async (calibration) => {
    const [splits, training, tests, odd] = [300, 200, 100, 10];
    const rates = { 0.01: 0, 0.05: 0, 0.1: 0 };
    const discoveries: number[] = [];
    for (let split = 0; split < splits; split++) {
      const rows = plantRows(training + tests, generator(5000 + split));
      const model = { models: 3, hidden: [8, 4], steps: 40 };
      const options = { model, calibration, seed: split };
      const detector = await AnomalyDetector.fit(rows.slice(0, training), options);
      const news = rows.slice(training);
      const ps = detector.pValues(news);
      for (const alpha of [0.01, 0.05, 0.1] as const) {
        rates[alpha] += ps.filter((p) => p <= alpha).length / tests / splits;
      }
      const mixed = [...news, ...faultyRows(odd, split).rows];
      const { flagged } = detector.detect(mixed, { fdr: 0.2 });
      const all = flagged.filter(Boolean).length;
      discoveries.push(all > 0 ? flagged.subarray(0, tests).filter(Boolean).length / all : 0);
      detector.dispose();
    }
    const calibrating = calibration === "cross" ? training : training * calibration;
    for (const alpha of [0.01, 0.05, 0.1] as const) {
      // A split's rate varies by its calibration rows and by its test rows.
      const variance = alpha * (1 - alpha) * (1 / calibrating + 1 / tests);
      const deviation = Math.sqrt(variance / splits);
      expect(rates[alpha]).toBeLessThan(alpha + 3 * deviation);
      expect(rates[alpha]).toBeGreaterThan(alpha / 2);
    }
    const mean = discoveries.reduce((sum, share) => sum + share, 0) / splits;
    const spread = discoveries.reduce((sum, share) => sum + (share - mean) ** 2, 0) / splits;
    expect(mean).toBeLessThan(0.2 + 3 * Math.sqrt(spread / splits));
    expect(mean).toBeGreaterThan(0.05);
  },
);

test.skipIf(!adbenchIsThere)("explain names the column of an injected fault", async () => {
  const { rows, labels } = readSet("28_pendigits");
  const normal = rows.filter((_, i) => !labels[i]);
  const training = normal.slice(0, 2000);
  const detector = await AnomalyDetector.fit(training);
  const random = generator(1);
  const width = normal[0]?.length ?? 0;
  const deviations = Array.from({ length: width }, (_, j) => {
    const values = training.map((row) => row[j] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  });
  for (const [size, rate] of [
    [6, 0.95],
    [3, 0.88],
  ] as const) {
    const columns: number[] = [];
    const faulty = normal.slice(2000, 2060).map((row) => {
      const column = random.below(width);
      columns.push(column);
      return row.map((value, j) => (j === column ? value + size * (deviations[j] ?? 0) : value));
    });
    const hits = detector.explain(faulty).filter(([first], i) => first?.column === columns[i]);
    expect(hits.length / faulty.length).toBeGreaterThan(rate);
  }
  detector.dispose();
});

test.skipIf(!skabIsThere)("SKAB: F1 above 0.79 with fewer than 22 % false alarms", async () => {
  const sum = { hits: 0, alarms: 0, odd: 0, normal: 0 };
  for (const { sensors, labels } of await readExperiments()) {
    const columns = sensors.map(({ name, values }) => ({ name, values: values.slice(0, 400) }));
    const detector = await AnomalyDetector.fit({ columns }, { window: 10 });
    const { flagged } = detector.detect({ columns: sensors }, { pot: 1e-4 });
    detector.dispose();
    labels.forEach((label, i) => {
      if (i < 400) return;
      sum[label ? "odd" : "normal"] += 1;
      if (flagged[i]) sum[label ? "hits" : "alarms"] += 1;
    });
  }
  expect((2 * sum.hits) / (sum.hits + sum.alarms + sum.odd)).toBeGreaterThan(0.79);
  expect(sum.alarms / sum.normal).toBeLessThan(0.22);
});
