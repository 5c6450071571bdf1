// Detectors of time series: a plant of four correlated sensors, with one row for each second.

import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../../src/detect/detector.ts";
import { generator } from "../support/random.ts";

interface Reading {
  time: string;
  machine: string;
  speed: number;
  torque: number;
  heat: number;
  flow: number;
}

const start = Date.UTC(2026, 0, 1);

function readings(count: number, seed: number, machine = "A", period = 25): Reading[] {
  const random = generator(seed);
  return Array.from({ length: count }, (_, i) => {
    const wave = Math.sin((2 * Math.PI * i) / period);
    const noise = () => 0.1 * random.normal();
    return {
      time: new Date(start + i * 1000).toISOString(),
      machine,
      speed: wave + noise(),
      torque: 0.5 * wave + noise(),
      heat: Math.sin((2 * Math.PI * (i - 3)) / period) + noise(),
      flow: noise(),
    };
  });
}

const normal = readings(600, 1);
const detector = await AnomalyDetector.fit(normal, { window: { length: 10, groupBy: "machine" } });

/** 300 readings in which torque is stuck at its mean from row 100 to row 119. */
const stuck = readings(300, 2).map((row, i) =>
  i >= 100 && i < 120 ? { ...row, torque: 1.2 } : row,
);

describe("a detector of a time series", () => {
  it("has a score for every row, which is high if a sensor differs from the others", () => {
    const labels = stuck.map((_, i) => (i >= 98 && i < 122 ? 1 : 0));
    const { auroc, recall, precision } = detector.evaluate(stuck, labels, { alpha: 0.01 });
    expect(auroc).toBeGreaterThan(0.97);
    expect(recall).toBeGreaterThan(0.8);
    expect(precision).toBeGreaterThan(0.6);
  });

  it("uses its schema: the time determines the order, and the group is left out", () => {
    const kinds = Object.fromEntries(detector.schema.map(({ name, kind }) => [name, kind]));
    expect(kinds).toMatchObject({ time: "time", machine: "ignore", speed: "number" });
  });

  it("flags normal rows at a rate of about alpha", () => {
    const { flagged } = detector.detect(readings(2000, 3), { alpha: 0.05 });
    const rate = flagged.reduce((sum, flag) => sum + flag, 0) / flagged.length;
    // 600 rows give 60 windows that share no row. The rate of one series has a standard deviation of 0.03.
    expect(rate).toBeLessThan(0.05 + 3 * 0.03);
    expect(rate).toBeGreaterThan(0.005);
  });

  it("explains which column is odd, and when", () => {
    const at = [104, 110, 115];
    const reasons = detector.explain(stuck);
    for (const row of at) {
      const [first] = reasons[row] ?? [];
      expect(first?.column).toBe("torque");
      expect(first?.when).toBeGreaterThanOrEqual(100);
      expect(first?.when).toBeLessThan(120);
      expect(first?.value).toBe(1.2);
      expect(first?.expected).toBeLessThan(0.9);
      expect(first?.sign).toBe(1);
    }
  });

  it("separates machines that are mixed in one table", () => {
    const [a, b] = [readings(120, 4), readings(120, 5, "B", 40)];
    const mixed = a.flatMap((row, i) => [row, b[i] ?? row]);
    const together = detector.score(mixed);
    const [alone, other] = [detector.score(a), detector.score(b)];
    a.forEach((_, i) => {
      expect(together[2 * i]).toBe(alone[i]);
      expect(together[2 * i + 1]).toBe(other[i]);
    });
  });

  it("takes the period as the length of its window", async () => {
    const auto = await AnomalyDetector.fit(normal, { window: "auto" });
    expect(auto.notes).toContain("Windows have 25 rows, by the period of the series.");
    auto.dispose();
  });

  it("learns from a matrix with rows in order", async () => {
    const matrix = normal.map(({ speed, torque, heat }) => [speed, torque, heat]);
    const plain = await AnomalyDetector.fit(matrix, { window: 8 });
    const rows = stuck.map(({ speed, torque, heat }) => [speed, torque, heat]);
    expect(plain.score(rows)[110]).toBeGreaterThan(3 * (plain.score(rows)[50] ?? Infinity));
    plain.dispose();
  });

  it("uses trained models instead of linear ones on request", async () => {
    const deep = await AnomalyDetector.fit(normal, {
      window: 5,
      columns: { machine: "ignore" },
      model: { models: 2, hidden: [16, 8], steps: 200 },
    });
    const scores = deep.score(stuck);
    expect(scores[110]).toBeGreaterThan(3 * (scores[50] ?? Infinity));
    deep.dispose();
  });

  it("is the same for the same seed", async () => {
    const again = await AnomalyDetector.fit(normal, { window: { length: 10, groupBy: "machine" } });
    expect(again.score(stuck)).toEqual(detector.score(stuck));
    again.dispose();
  });
});

describe("series that are refused", () => {
  it.each<[string, Reading[], string]>([
    [
      "windows longer than the series",
      normal.slice(0, 7),
      "Windows of 10 rows are longer than the series",
    ],
    ["time that runs backwards", [...normal].reverse(), "Time runs backwards: row 1"],
    [
      "a time that is none",
      normal.map((row, i) => (i === 5 ? { ...row, time: "soon" } : row)),
      'Row 5, column "time" must be a time; got "soon".',
    ],
  ])("%s", (_, rows, message) => {
    expect(() => detector.score(rows)).toThrow(message);
  });

  it.each([
    [{ window: 1 }, "window must be a whole number of at least 2; got 1."],
    [{ window: { length: 5, stride: 6 } }, "window.stride must not be above window.length"],
    [{ window: { groupBy: "plant" } }, 'There is no column "plant"'],
    [
      { window: 1000 },
      "Windows of 1000 rows are longer than the series: the longest stretch of rows",
    ],
    [{ window: { size: 4 } as never }, 'window has no option "size"'],
  ])("%o", async (options, message) => {
    await expect(AnomalyDetector.fit(normal, options)).rejects.toThrow(message);
  });

  it("rows in no window have score 0 and p-value 1", () => {
    const [a, b] = [readings(50, 4), readings(4, 5, "B")];
    const { score, pValue, flagged, notes } = detector.detect([...a, ...b]);
    expect(notes).toEqual([
      "4 rows are in no window, the first of them row 50: their stretches between gaps are shorter than 10 rows. They are not judged; their score is 0.",
    ]);
    expect(detector.detect(a).notes).toEqual([]);
    expect([...score.slice(50)]).toEqual([0, 0, 0, 0]);
    expect([...pValue.slice(50)]).toEqual([1, 1, 1, 1]);
    expect([...flagged.slice(50)]).toEqual([0, 0, 0, 0]);
  });
});

describe("few windows", () => {
  it("are too few to learn from", async () => {
    const rows = normal.slice(0, 12).map(({ speed, torque }) => [speed, torque]);
    await expect(AnomalyDetector.fit(rows, { window: 10 })).rejects.toThrow(
      "at least 5 windows to learn what is normal; windows of 10 rows leave 3.",
    );
  });

  it("a single model is calibrated with the last of them", async () => {
    const alone = await AnomalyDetector.fit(normal, {
      window: { length: 10, groupBy: "machine" },
      model: 1,
    });
    expect(alone.notes.join(" ")).toContain("One model alone");
    const { flagged } = alone.detect(readings(2000, 3), { alpha: 0.1 });
    const rate = flagged.reduce((sum, flag) => sum + flag, 0) / flagged.length;
    expect(rate).toBeLessThan(0.2);
    expect(rate).toBeGreaterThan(0.03);
    alone.dispose();
  });
});

describe("events", () => {
  it("are consecutive flagged rows, with the oddest row and its reasons", () => {
    const [event, ...others] = detector.events(stuck, { alpha: 0.01 });
    expect(others).toEqual([]);
    const { flagged, score } = detector.detect(stuck, { alpha: 0.01 });
    expect(event).toMatchObject({ start: flagged.indexOf(1), end: flagged.lastIndexOf(1) });
    expect(event?.start).toBeGreaterThan(90);
    expect(event?.end).toBeLessThan(130);
    expect(event?.peak).toBe(score.indexOf(Math.max(...score)));
    const [first] = event?.reasons ?? [];
    expect(first?.column).toBe("torque");
    expect(first?.when).toBeGreaterThanOrEqual(95);
    expect(first?.when).toBeLessThan(125);
    const [reason] = detector.explain(stuck)[event?.peak ?? 0] ?? [];
    expect(first).toEqual(reason);
  });

  it("accept the result of detect, and explain the requested number", () => {
    const twice = stuck.map((row, i) =>
      i >= 170 && i < 180 ? { ...row, heat: row.heat + 3, torque: 2 } : row,
    );
    const detection = detector.detect(twice, { alpha: 0.01 });
    const all = detector.events(twice, { alpha: 0.01 });
    expect(all).toHaveLength(2);
    expect(detector.events(twice, detection)).toEqual(all);
    for (const given of ["alpha", null, { flagged: null }, { ...detection, score: 1 }]) {
      const call = () => detector.events(twice, given as never);
      expect(call).toThrow(expect.objectContaining({ name: "InvalidTypeError" }));
    }
    const one = detector.events(twice, detection, { explained: 1 });
    const oddest = all.map(({ score }) => score).indexOf(Math.max(...all.map((e) => e.score)));
    expect(one.map(({ reasons }) => reasons.length > 0)).toEqual([oddest === 0, oddest === 1]);
    expect(one[oddest]).toEqual(all[oddest]);
    expect(() => detector.events(twice.slice(1), detection)).toThrow(
      "events needs what detect said of the same rows; got 299 rows and a detection of 300.",
    );
  });

  it("end after more unflagged rows than the patience", () => {
    const twice = stuck.map((row, i) => (i >= 170 && i < 180 ? { ...row, torque: 1.2 } : row));
    expect(detector.events(twice, { alpha: 0.01 }, { patience: 5 })).toHaveLength(2);
    expect(detector.events(twice, { alpha: 0.01 }, { patience: 80 })).toHaveLength(1);
    expect(() => detector.events(stuck, {}, { patience: -1 })).toThrow("patience");
  });
});

describe("missing readings", () => {
  /** Three correlated sensors with little noise, so that a missing step has a large effect. */
  const quietReadings = (count: number, seed: number) => {
    const random = generator(seed);
    return Array.from({ length: count }, (_, i) => {
      const noise = () => 0.01 * random.normal();
      return {
        time: start + i * 1000,
        speed: Math.sin(i / 4) + noise(),
        torque: 0.5 * Math.sin(i / 4) + noise(),
        heat: Math.sin(i / 4 - 0.7) + noise(),
      };
    });
  };
  const learned = quietReadings(800, 1);
  const whole = quietReadings(200, 2);
  const lost = whole.filter((_, i) => ![60, 120, 121, 122].includes(i));
  const nothing = { speed: Number.NaN, torque: null, heat: undefined };

  it("between rows cause no alarm, and the rows around them have scores as with the readings", async () => {
    const quiet = await AnomalyDetector.fit(learned, { window: 10, score: "residual" });
    expect(quiet.config.window).toMatchObject({ step: 1000, fills: true });
    const { flagged, score } = quiet.detect(lost, { pot: 1e-3 });
    expect(score).toHaveLength(196);
    expect([...flagged]).not.toContain(1);
    // Without times, the same rows are odd next to the missing readings.
    const untimed = await AnomalyDetector.fit(learned, {
      window: 10,
      score: "residual",
      columns: ["speed", "torque", "heat"],
    });
    const { flagged: alarms } = untimed.detect(lost, { pot: 1e-3 });
    expect([...alarms.subarray(110, 130)]).toContain(1);
    quiet.dispose();
    untimed.dispose();
  });

  it("of a whole row, or of a column, do not count", async () => {
    const quiet = await AnomalyDetector.fit(learned, { window: 10, score: "residual" });
    const rows = whole.map((row, i) =>
      i === 60 ? { ...row, ...nothing } : i === 120 ? { ...row, torque: null } : row,
    );
    expect([...quiet.detect(rows, { pot: 1e-3 }).flagged]).not.toContain(1);
    const wrong = rows.map((row, i) => (i === 62 ? { ...row, heat: (row.heat ?? 0) + 1 } : row));
    expect(quiet.detect(wrong, { pot: 1e-3 }).flagged[62]).toBe(1);
    const [first] = quiet.explain(wrong)[62] ?? [];
    expect(first).toMatchObject({ column: "heat", when: 62, sign: 1 });
    quiet.dispose();
  });

  it("have the same result one by one, together, and after loading", async () => {
    const quiet = await AnomalyDetector.fit(learned, { window: 10, score: "residual" });
    const rows = lost.map((row, i) => (i === 30 ? { ...row, heat: null } : row));
    const { score } = quiet.detect(rows, { pot: 1e-3 });
    const loaded = await AnomalyDetector.load(quiet.save());
    expect(loaded.score(rows)).toEqual(score);
    const stream = loaded.stream({ pot: 1e-3 });
    const settled = rows.flatMap((row) => stream.push(row)?.settled ?? []);
    const all = [...settled, ...stream.end()];
    expect(all.map(({ row }) => row)).toEqual([...rows.keys()]);
    for (const { row, score: own } of all) expect(own).toBeCloseTo(score[row] ?? 0, 10);
    expect(quiet.events(rows, { pot: 1e-3 })).toEqual([]);
    quiet.dispose();
    loaded.dispose();
  });

  it("may be in the training rows", async () => {
    const some = learned.filter((_, i) => i % 97 !== 50);
    const holed = await AnomalyDetector.fit(some, { window: 10, score: "residual" });
    expect(holed.notes.join(" ")).toMatch(/8 readings are missing between rows/);
    expect(holed.training.score).toHaveLength(some.length);
    expect([...holed.detect(lost, { pot: 1e-3 }).flagged]).not.toContain(1);
    holed.dispose();
  });
});
