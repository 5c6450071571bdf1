import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/detect/calibration.ts";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import type { DetectorOptions } from "../../src/detect/fit.ts";
import { DisposedError, InvalidTypeError, InvalidValueError } from "../../src/errors.ts";
import { at } from "../../src/math/order.ts";
import { faultyRows, plant, quick, sensors } from "./support/plant.ts";

const normal = plant(400, 1);
const others = plant(300, 2);
const faulty = faultyRows(100, 3);
const detector = await AnomalyDetector.fit(normal, quick);

const share = (flagged: Uint8Array) =>
  flagged.reduce((sum, flag) => sum + flag, 0) / flagged.length;

describe("a detector", () => {
  it("scores odd rows above normal ones", () => {
    const labels = [...others.map(() => 0), ...faulty.rows.map(() => 1)];
    const result = detector.evaluate([...others, ...faulty.rows], labels, { alpha: 0.05 });
    expect(result.auroc).toBeGreaterThan(0.99);
    expect(result.averagePrecision).toBeGreaterThan(0.97);
    expect(result.recall).toBeGreaterThan(0.97);
    expect(result.f1).toBeGreaterThan(0.9);
  });

  it("has p-values of at most p in a share p of normal rows", () => {
    const ps = detector.pValues(others);
    for (const p of ps) expect(p > 0 && p <= 1).toBe(true);
    for (const alpha of [0.05, 0.2]) {
      const rate = ps.filter((p) => p <= alpha).length / ps.length;
      const deviation = Math.sqrt(alpha * (1 - alpha) * (1 / 300 + 1 / 400));
      expect(Math.abs(rate - alpha)).toBeLessThan(3 * deviation);
    }
  });

  it("has the scores of the training rows by models that have not seen them", () => {
    const { score, pValue } = detector.training;
    expect(score).toHaveLength(400);
    expect(new Set(pValue).size).toBe(400); // ranks 1/400 … 400/400
    expect(Math.min(...pValue)).toBe(1 / 400);
    expect(Math.max(...pValue)).toBe(1);
  });

  it("has the same bits with two threads", async () => {
    const own = { ...quick, model: { models: 2, hidden: [64, 32], steps: 40, batchSize: 128 } };
    using one = await AnomalyDetector.fit(plant(200, 5), own);
    using two = await AnomalyDetector.fit(plant(200, 5), { ...own, threads: 2 });
    expect(two.score(plant(500, 6))).toEqual(one.score(plant(500, 6)));
    expect(two.save()).toEqual(one.save());
  });

  it("is the same for the same seed, and different for another seed", async () => {
    const again = await AnomalyDetector.fit(normal, quick);
    const other = await AnomalyDetector.fit(normal, { ...quick, seed: 43 });
    expect(again.score(others)).toEqual(detector.score(others));
    expect(again.training.score).toEqual(detector.training.score);
    expect(other.score(others)).not.toEqual(detector.score(others));
    again.dispose();
    other.dispose();
  });

  it("accepts the inputs of a model, with the same result", () => {
    const flat = Float32Array.from(others.flat());
    const expected = detector.score(flat);
    const shape = [others.length, sensors] as const;
    expect(detector.score({ data: flat, shape })).toEqual(expected);
    expect(detector.score({ data: Float64Array.from(flat), shape })).toEqual(expected);
    expect(detector.score(others.map((row) => Float32Array.from(row)))).toEqual(expected);
  });

  it("scores any number of rows, none or thousands, each independently", () => {
    expect(detector.score(new Float32Array(0))).toHaveLength(0);
    const many = Array.from({ length: 5000 }, (_, i) => others[i % others.length] ?? []);
    const scores = detector.score(many);
    for (const count of [1, 2, 3, 5, 9]) {
      expect(detector.score(many.slice(4000, 4000 + count))).toEqual(
        scores.slice(4000, 4000 + count),
      );
    }
  });
});

describe("decisions", () => {
  const rows = [...others, ...faulty.rows];
  const score = detector.score(rows);

  it.each<[Decision, number, number]>([
    [{ alpha: 0.05 }, 0.27, 0.31],
    [{ fdr: 0.1 }, 0.24, 0.29],
    [{ quantile: 0.9 }, 0.3, 0.36],
    [{ contamination: 0.1 }, 0.3, 0.36],
    [{ pot: 0.01 }, 0.22, 0.29],
  ])("%o flags what is above its threshold", (decision, least, most) => {
    const result = detector.detect(rows, decision);
    expect(result.score).toEqual(score);
    expect([...result.flagged]).toEqual([...score].map((s) => (s > result.threshold ? 1 : 0)));
    expect(share(result.flagged)).toBeGreaterThan(least);
    expect(share(result.flagged)).toBeLessThan(most);
  });

  it("alpha flags exactly the rows with p-values up to it", () => {
    for (const alpha of [0.01, 0.05, 1 / 401, 0.33]) {
      const { flagged, pValue } = detector.detect(rows, { alpha });
      expect([...flagged]).toEqual([...pValue].map((p) => (p <= alpha ? 1 : 0)));
    }
    expect(detector.detect(rows).flagged).toEqual(detector.detect(rows, { alpha: 0.01 }).flagged);
  });

  it("of the training rows finds odd ones that detect takes for usual", async () => {
    const mixed = plant(297, 5);
    const places = [40, 140, 240];
    for (const place of places) mixed.splice(place, 0, [3, -3, 3, -3, 3, -3]);
    const own = await AnomalyDetector.fit(mixed, quick);
    const found = own.detectTraining();
    expect([...found.flagged.keys()].filter((row) => found.flagged[row])).toEqual(places);
    expect(found.score).toEqual(own.training.score);
    expect(found.pValue).toEqual(own.training.pValue);
    // The threshold separates them from the rest.
    expect([...found.score.keys()].filter((row) => at(found.score, row) > found.threshold)).toEqual(
      places,
    );
    const most = [...own.detectTraining({ contamination: 0.05 }).flagged].filter(Boolean);
    expect(most).toHaveLength(15);
    expect(() => own.detectTraining({ fdr: 0.1 })).toThrow(InvalidValueError);
    expect(() => own.detectTraining({ alpha: 0.001 })).toThrow("alpha 0.001 takes at least 999");
    const taken = own.detect(mixed);
    expect([...taken.flagged].filter(Boolean).length).toBeLessThan(3);
    expect(taken.notes).toEqual([
      "The detector has learned from these rows, so odd ones among them look too usual. detectTraining judges each training row by models that have not seen it.",
    ]);
    expect(own.detect([...mixed]).notes).toEqual([]);
    const loaded = await AnomalyDetector.load(own.save());
    expect(loaded.detectTraining()).toEqual(found);
    own.dispose();
    loaded.dispose();
    expect(() => own.detectTraining()).toThrow(DisposedError);
  });

  it("fdr flags exactly what Benjamini and Hochberg reject, and nothing if no row is odd", () => {
    const { flagged, pValue } = detector.detect(rows, { fdr: 0.1 });
    const largest = Math.max(...pValue.filter((_, i) => flagged[i]));
    expect([...flagged]).toEqual([...pValue].map((p) => (p <= largest ? 1 : 0)));
    expect(share(detector.detect(others.slice(0, 50), { fdr: 0.05 }).flagged)).toBe(0);
  });

  it("contamination and quantile are percentiles of the training scores as in numpy", () => {
    const sorted = [...detector.training.score].sort((a, b) => a - b);
    // 400 scores: place 0.9 * 399 = 359.1
    const [low = 0, high = 0] = sorted.slice(359, 361);
    const expected = low + (high - low) * 0.1;
    expect(detector.detect(rows, { quantile: 0.9 }).threshold).toBeCloseTo(expected, 12);
    expect(detector.detect(rows, { contamination: 0.1 }).threshold).toBeCloseTo(expected, 12);
  });

  it("an alpha that is too small is refused with the number of rows that it needs", () => {
    expect(() => detector.detect(rows, { alpha: 0.001 })).toThrow(
      "alpha 0.001 takes at least 999 calibration rows; this detector has 400. Give { alpha: 0.0025 } or a larger one or { pot: 0.001 }, or fit more rows.",
    );
  });

  it.each<[unknown, string]>([
    [{ alpha: 0 }, "alpha must be greater than 0 and less than 1; got 0."],
    [{ alpha: 1 }, "alpha must be greater than 0 and less than 1; got 1."],
    [{ fdr: -1 }, "fdr must be greater than 0 and less than 1; got -1."],
    [{ contamination: 0.9 }, "contamination is the share of odd rows, at most 0.5; got 0.9."],
    [{ alpha: 0.1, fdr: 0.1 }, "detect takes one decision; got alpha and fdr."],
    [{ alpa: 0.1 }, 'detect has no option "alpa"'],
    [{ alpha: "1%" }, 'alpha must be a number; got "1%".'],
  ])("%o is refused", (decision, message) => {
    expect(() => detector.detect(rows, decision as Decision)).toThrow(message);
  });
});

describe("calibration", () => {
  it("with separate rows", async () => {
    const split = await AnomalyDetector.fit(normal, { ...quick, calibration: plant(150, 9) });
    expect(Math.min(...split.pValues(faulty.rows))).toBe(1 / 151);
    expect(split.training.score).toHaveLength(400);
    split.dispose();
  });

  it("with a share of the rows", async () => {
    const split = await AnomalyDetector.fit(normal, { ...quick, calibration: 0.25 });
    expect(Math.min(...split.pValues(faulty.rows))).toBe(1 / 101);
    expect(split.training.score.every((score) => score > 0)).toBe(true);
    split.dispose();
  });

  it("refuses shares that leave no rows", async () => {
    for (const calibration of [0, 1, 1e-9, -0.5])
      await expect(AnomalyDetector.fit(normal, { ...quick, calibration })).rejects.toThrow(
        "calibration must be a share of the rows",
      );
    await expect(
      AnomalyDetector.fit(normal, { ...quick, calibration: [[1, 2, 3]] }),
    ).rejects.toThrow("Row 0 of calibration must hold 6 values; it holds 3.");
  });
});

describe("training rows that are not all normal", () => {
  it("are distinguished if the share of odd rows is given", async () => {
    const mixed = [...plant(450, 5), ...faultyRows(50, 6).rows];
    const labels = mixed.map((_, i) => (i < 450 ? 0 : 1));
    const robust = await AnomalyDetector.fit(mixed, { ...quick, contamination: 0.1 });
    const { flagged } = robust.detect(mixed, { contamination: 0.1 });
    const hits = flagged.filter((flag, i) => flag && labels[i]).length;
    expect(hits).toBeGreaterThan(45);
    const worst = [...robust.training.pValue].filter((_, i) => labels[i]);
    expect(worst.filter((p) => p <= 0.11).length).toBeGreaterThan(45);
    robust.dispose();
  });

  it.each([0.9, 0, -0.1, Number.NaN])("a contamination of %s is refused", async (contamination) => {
    await expect(AnomalyDetector.fit(normal, { contamination })).rejects.toThrow(
      "contamination is the share of odd rows, greater than 0 and at most 0.5",
    );
  });
});

describe("tables with names", () => {
  const objects = normal.map(([a = 0, b = 0, c = 0], i) => ({
    id: `row ${i}`,
    a,
    b,
    c,
    side: a > 0 ? "up" : "down",
    unit: "bar",
  }));

  it("are read by their schema, and ids do not change scores", async () => {
    const table = await AnomalyDetector.fit(objects, quick);
    expect(table.schema.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      "id: id",
      "a: number",
      "b: number",
      "c: number",
      "side: category",
      "unit: constant",
    ]);
    const [usual, wrongSide, otherUnit] = table.score([
      { id: "x", a: 1.5, b: 1.5, c: 0, side: "up", unit: "bar" },
      { id: "y", a: 1.5, b: 1.5, c: 0, side: "down", unit: "bar" },
      { id: "z", a: 1.5, b: 1.5, c: 0, side: "up", unit: "psi" },
    ]);
    expect(wrongSide).toBeGreaterThan(3 * (usual ?? Infinity));
    expect(otherUnit).toBeGreaterThan(3 * (usual ?? Infinity));
    table.dispose();
  });

  it("a key that some training rows lacked may be absent; another absent key is an error", async () => {
    const sparse = objects.map(({ a, b, c }, i) => (i % 4 ? { a, b, c } : { a, b }));
    const table = await AnomalyDetector.fit(sparse, quick);
    const [without, known] = table.score([
      { a: 1, b: 0.5 },
      { a: 1, b: 0.5, c: null },
    ]);
    expect(without).toBe(known);
    expect(without).toBeGreaterThan(0);
    expect(() => table.score([{ a: 1, c: 0.5 }])).toThrow(
      'rows has no column "b", which the detector learned from.',
    );
    table.dispose();
  });

  it("missing values are left out, in training and later", async () => {
    const gaps = normal.map((row, i) => row.map((value, j) => ((i + j) % 9 ? value : Number.NaN)));
    const masked = await AnomalyDetector.fit(gaps, quick);
    const scores = masked.score(
      others.map((row, i) => (i % 2 ? row : [Number.NaN, ...row.slice(1)])),
    );
    expect(scores.every((score) => Number.isFinite(score) && score > 0)).toBe(true);
    masked.dispose();
    // A detector that was trained on complete rows also reads rows with missing values.
    const [score] = detector.score([[Number.NaN, ...(others[0]?.slice(1) ?? [])]]);
    expect(Number.isFinite(score)).toBe(true);
  });

  it("a row without known values has no score and p-value 1, and is not flagged", () => {
    const nothing = [new Array(sensors).fill(Number.NaN), others[0] ?? []];
    const { score, pValue, flagged, notes } = detector.detect(nothing);
    expect(score[0]).toBeNaN();
    expect(notes).toEqual(["Row 0 has no known value. Its score is NaN, and it is not flagged."]);
    expect([pValue[0], flagged[0]]).toEqual([1, 0]);
    expect(Number.isNaN(score[1])).toBe(false);
  });

  it("infinities have the highest scores, not NaN", () => {
    const [score] = detector.score([[Infinity, ...(others[0]?.slice(1) ?? [])]]);
    expect(score).toBeGreaterThan(1e6);
    expect(Number.isFinite(score)).toBe(true);
  });
});

describe("values at the limits of float64", () => {
  it.each([1e-200, 1e200, 1e300])(
    "columns in units of %s are learned like others",
    async (unit) => {
      const scaled = (rows: number[][]) => rows.map((row) => row.map((value) => value * unit));
      const fitted = await AnomalyDetector.fit(scaled(normal), quick);
      expect(fitted.notes).toEqual([]);
      const labels = [...others.map(() => 0), ...faulty.rows.map(() => 1)];
      const { auroc } = fitted.evaluate(scaled([...others, ...faulty.rows]), labels);
      expect(auroc).toBeGreaterThan(0.98);
      fitted.dispose();
    },
  );

  it("a value of only one training row gives finite scores", async () => {
    const rows = Array.from({ length: 100 }, (_, i) => [i === 50 ? 1 : 0]);
    const fitted = await AnomalyDetector.fit(rows, quick);
    const [usual = 0, odd = 0] = fitted.score([[0], [1]]);
    expect(odd).toBeGreaterThan(100 * usual);
    for (const score of [...fitted.training.score, odd]) expect(Number.isFinite(score)).toBe(true);
    const loaded = await AnomalyDetector.load(fitted.save());
    expect(loaded.score([[0], [1]])).toEqual(Float64Array.of(usual, odd));
    fitted.dispose();
    loaded.dispose();
  });
});

describe("a single model", () => {
  it("is calibrated with rows that it has not seen", async () => {
    // The model is so large and trained for so long that the scores of its training rows are useless.
    const model = { models: 1, hidden: [64, 64], noise: 0, steps: 600 };
    const alone = await AnomalyDetector.fit(normal, { model });
    expect(alone.notes[0]).toContain("One model alone holds a fifth of the rows out");
    expect(Math.min(...alone.pValues(faulty.rows))).toBe(1 / 81);
    const ps = alone.pValues(others);
    const rate = ps.filter((p) => p <= 0.1).length / ps.length;
    expect(Math.abs(rate - 0.1)).toBeLessThan(3 * Math.sqrt(0.1 * 0.9 * (1 / 300 + 1 / 80)));
    for (const p of alone.training.pValue) expect(p > 0 && p <= 1).toBe(true);
    await alone.update(plant(100, 5));
    expect(Math.min(...alone.pValues(faulty.rows))).toBe(1 / 101);
    alone.dispose();
  });
});

describe("rows that cannot be learned", () => {
  it.each<[string, number[][], string]>([
    ["one row", [[1, 2, 3]], "at least 5 rows to learn what is normal; got 1."],
    ["no rows", [], "rows is empty. It must have at least one row."],
    ["equal rows", plant(20, 1).map(() => [1, 2]), "No column varies: all 20 rows are equal."],
    ["ragged rows", [[1, 2], [1]], "Row 1 of rows must hold 2 values; it holds 1."],
    [
      "an infinity",
      normal.map((row, i) => (i === 7 ? [1, 2, 3, Infinity, 5, 6] : row)),
      "Row 7, column 3 of rows is Infinity; training rows must be finite",
    ],
  ])("%s", async (_, rows, message) => {
    await expect(AnomalyDetector.fit(rows, quick)).rejects.toThrow(message);
  });

  it.each<[DetectorOptions, string]>([
    [{ model: 0 }, "model must be a whole number of at least 1; got 0."],
    [{ model: { layers: [7, 3] } }, "model.layers must begin with the 6 features of a row"],
    [{ model: { hidden: [] } }, "model.hidden must be units after the input"],
    [{ model: { activation: "sine" } as never }, 'activation must be "linear"'],
    [{ model: { seed: 3 } as never }, "model.seed is not the models' own: give seed to fit."],
    [{ onProgress: 5 as never }, "onProgress must be a function; got 5."],
    [{ score: "best" } as never, 'score must be "auto", "residual", "distance" or "combined"'],
    [{ colums: [] } as never, 'AnomalyDetector.fit has no option "colums"'],
    [{ columns: ["a"] }, "columns names 1 columns; the matrix has 6."],
  ])("%o", async (options, message) => {
    await expect(AnomalyDetector.fit(normal, options)).rejects.toThrow(message);
  });

  it("one column, few rows and fewer rows than columns are learned, with a note", async () => {
    const one = await AnomalyDetector.fit(
      normal.map((row) => row.slice(0, 1)),
      quick,
    );
    const [usual = 0, far = 0] = one.score([[0], [9]]);
    expect(far).toBeGreaterThan(5 * usual);
    const few = await AnomalyDetector.fit(normal.slice(0, 5), quick);
    expect(few.notes.join(" ")).toContain("fewer rows (5) than features (6)");
    expect(few.notes.join(" ")).toContain(
      "An alpha of 0.01, the default of detect, takes 99 rows: give { alpha: 0.17 } or a larger one.",
    );
    // A tail needs a hundred scores, so it is not an alternative here.
    expect(() => few.detect(others)).toThrow(
      "Without a decision alpha is 0.01, which takes at least 99 calibration rows; this detector has 5. Give { alpha: 0.17 } or a larger one, or fit more rows.",
    );
    expect(few.detect(others, { alpha: 0.17 }).flagged).toHaveLength(others.length);
    expect(() => few.score([[1, 2]])).toThrow("Row 0 of rows must hold 6 values; it holds 2.");
    one.dispose();
    few.dispose();
  });

  it("a model that learns nothing is started again, with a note", async () => {
    const dead = await AnomalyDetector.fit(normal, {
      model: { models: 2, hidden: [1], steps: 1, optimizer: { type: "sgd", learningRate: 1e-9 } },
    });
    expect(
      dead.notes.filter((note) => note.includes("started again from another seed")),
    ).toHaveLength(6);
    expect(dead.notes.filter((note) => note.includes("also from 3 other seeds"))).toHaveLength(2);
    dead.dispose();
  });
});

describe("during fit", () => {
  it("reports the progress", async () => {
    const shares: number[] = [];
    const epochs: string[] = [];
    const fitted = await AnomalyDetector.fit(normal, {
      ...quick,
      onProgress: ({ done }) => shares.push(done),
      onEpoch: ({ model, epoch }) => epochs.push(`${model}.${epoch}`),
    });
    expect(shares).toHaveLength(450);
    expect(shares.at(-1)).toBe(1);
    expect(shares.every((value, i) => i === 0 || value > (shares[i - 1] ?? 1))).toBe(true);
    expect(epochs[0]).toBe("0.0");
    expect(epochs.some((epoch) => epoch.startsWith("2."))).toBe(true);
    expect(fitted.score(others)).toEqual(detector.score(others));
    fitted.dispose();
  });

  it("an abort takes effect before training begins", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 0);
    const data = new Float32Array(400_000).map((_, i) => Math.sin(i * i));
    const rows = { data, shape: [50_000, 8] as const };
    const epochs: unknown[] = [];
    const fit = AnomalyDetector.fit(rows, {
      ...quick,
      signal: controller.signal,
      onEpoch: (epoch) => epochs.push(epoch),
    });
    await expect(fit).rejects.toThrow("enough");
    expect(epochs).toEqual([]);
  });

  it("an abort rejects with the reason of the signal", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const fitting = AnomalyDetector.fit(normal, {
      ...quick,
      signal: controller.signal,
      onProgress: ({ done }) => done > 0.4 && controller.abort(reason),
    });
    await expect(fitting).rejects.toBe(reason);
    await expect(AnomalyDetector.fit(normal, { signal: controller.signal })).rejects.toBe(reason);
  });

  it("timers run, even without callbacks", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const fitted = await AnomalyDetector.fit(normal, { model: { models: 2, steps: 150 } });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    fitted.dispose();
  });
});

describe("evaluate", () => {
  it.each<[unknown[], string]>([
    [[0, 1], "one label for each row; got 3 rows and 2 labels."],
    [[0, 1, 2], "label 2 is 2."],
    [[0, "odd", 1], 'label 1 is "odd".'],
    [[0, 0, 0], "needs odd and normal rows; all 3 labels are 0."],
  ])("refuses labels %o", (labels, message) => {
    expect(() => detector.evaluate(others.slice(0, 3), labels as number[])).toThrow(message);
  });

  it("accepts booleans", () => {
    const rows = [...others.slice(0, 3), ...faulty.rows.slice(0, 1)];
    const labels = [false, false, false, true];
    expect(detector.evaluate(rows, labels)).toEqual(detector.evaluate(rows, labels.map(Number)));
  });
});

describe("after dispose", () => {
  it("calls throw a DisposedError", async () => {
    const gone = await AnomalyDetector.fit(normal.slice(0, 20), quick);
    gone.dispose();
    gone.dispose();
    expect(() => gone.score(others)).toThrow(DisposedError);
    expect(() => gone.notes).toThrow(DisposedError);
    expect(() => detector.score("rows" as never)).toThrow(InvalidTypeError);
  });
});
