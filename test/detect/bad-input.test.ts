// The exact error messages of a detector for unusable rows and options. The detector does not change.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import type { DetectorOptions } from "../../src/detect/fit.ts";
import { quick } from "./support/plant.ts";

const matrix = Array.from({ length: 120 }, (_, i) => [Math.sin(i), Math.cos(i), Math.sin(i) / 2]);
const minute = (i: number) => new Date(1_600_000_000_000 + i * 60_000).toISOString();
const table = matrix.map(([a = 0, b = 0], i) => ({
  time: minute(i),
  a,
  b,
  kind: i % 2 ? "x" : "y",
}));

/** The message of what `call` throws, or of what its promise rejects with. */
async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "was taken";
}

const refusalOfFit = (rows: unknown, options: object = quick) =>
  refusal(() => AnomalyDetector.fit(rows as never, options as DetectorOptions));

async function notesOf(rows: unknown, options: object = quick): Promise<readonly string[]> {
  const detector = await AnomalyDetector.fit(rows as never, options as DetectorOptions);
  const { notes } = detector;
  detector.dispose();
  return notes;
}

describe("inputs that are not rows", () => {
  const forms = "rows must be an array of objects, { columns: { name: values } } or a matrix";
  it.each<[unknown, string]>([
    [undefined, `${forms}; got undefined.`],
    [null, `${forms}; got null.`],
    [5, `${forms}; got 5.`],
    [
      "data.csv",
      `${forms}; got "data.csv". readTable of tied-autoencoder/formats reads a table from the bytes of a file.`,
    ],
    [Promise.resolve(matrix), "rows is a promise. Await it first."],
    [[null, null], "Row 0 of rows must be an object or an array of numbers; got null."],
    [["a", "b"], 'Row 0 of rows must be an object or an array of numbers; got "a".'],
    [{}, `${forms}; got an object without columns.`],
    [[], "rows is empty. It must have at least one row."],
  ])("%s", async (rows, message) => {
    expect(await refusalOfFit(rows)).toBe(message);
  });
});

describe("rows from which nothing can be learned", () => {
  it("one row", async () => {
    expect(await refusalOfFit([[1, 2, 3]])).toBe(
      "A detector needs at least 5 rows to learn what is normal; got 1.",
    );
  });

  it("equal rows", async () => {
    expect(await refusalOfFit(matrix.map(() => [1, 2]))).toBe(
      "No column varies: all 120 rows are equal. A detector learns from how rows differ.",
    );
  });

  it("columns without a value", async () => {
    expect(await refusalOfFit(matrix.map(() => [Number.NaN, Number.NaN]))).toBe(
      "There is nothing to learn from: none of the 2 columns is a number or a category that varies.",
    );
    const columns = { b: "number" };
    expect(
      await refusalOfFit(
        matrix.map(([a]) => ({ a, b: null })),
        { ...quick, columns },
      ),
    ).toBe('Column "b" is to be a number but has no value.');
  });

  it("one column without a value is left out, and the schema says so", async () => {
    const rows = matrix.map(([a, b]) => ({ a, b, c: null }));
    const detector = await AnomalyDetector.fit(rows, quick);
    expect(detector.schema[2]).toMatchObject({ name: "c", kind: "ignore", reason: "no value" });
    detector.dispose();
  });

  it("text in a column that is stated to be a number", async () => {
    const rows = table.map((row, i) => (i === 7 ? { ...row, a: "broken" } : row));
    expect(await refusalOfFit(rows, { ...quick, columns: { a: "number" } })).toBe(
      'Row 7, column "a" must be a number; got "broken".',
    );
  });
});

describe("rows from which little can be learned, with a note", () => {
  it("fewer rows than columns", async () => {
    const wide = matrix.slice(0, 6).map((row) => [...row, ...row.map((v) => v * v), row[0] ?? 0]);
    expect(await notesOf(wide)).toContain(
      "There are fewer rows (6) than features (7); scores are rough.",
    );
  });

  it("a column with the name of a label", async () => {
    const rows = table.map((row, i) => ({ ...row, is_anomaly: i % 10 === 0 ? 1 : 0 }));
    expect(await notesOf(rows)).toEqual([
      'Column "is_anomaly" is named like a label. If it tells which rows are odd, leave it out: columns: { "is_anomaly": "ignore" }.',
    ]);
    expect(await notesOf(rows, { ...quick, columns: { is_anomaly: "ignore" } })).toEqual([]);
  });

  it("a column of numbers with a few words", async () => {
    const some = (word: (i: number) => string) =>
      table.map((row, i) => ({ ...row, e: i % 25 === 3 ? word(i) : String(i % 7) }));
    const [note, ...others] = await notesOf(some(() => "broken"));
    expect(others).toEqual([]);
    expect(note).toMatch(
      /^Column "e" was taken for text \(category\), but \d+ of its \d+ values are numbers\. If "broken" means that a value is missing, replace it by null\.$/,
    );
    expect(await notesOf(some(() => "n/a"))).toEqual([]);
    const stated = { ...quick, columns: { e: "category" } } as const;
    expect(
      await notesOf(
        some(() => "broken"),
        stated,
      ),
    ).toEqual([]);
  });

  it("calibration rows with labels among them", async () => {
    const calibration = table.map((row, i) => ({ ...row, odd: i % 10 === 0 ? 1 : 0 }));
    expect(await notesOf(table, { ...quick, calibration })).toEqual([
      'calibration has columns that the training rows do not have: "odd". They are left out. If they are labels, calibrate with the normal rows alone.',
    ]);
    const wide = matrix.map((row, i) => [...row, i % 2]);
    expect(await refusalOfFit(matrix, { ...quick, calibration: wide })).toBe(
      "Row 0 of calibration must hold 3 values; it holds 4.",
    );
  });

  it("two rates and equal times in one series", async () => {
    const rates = table.map((row, i) => ({ ...row, time: 1e9 + (i < 60 ? i : 60 + (i - 60) * 3) }));
    expect(await notesOf(rates, { window: 5 })).toContain(
      "The usual step is 1 in the first half of the rows and 3 in the second: two rates in one series. Windows of both span different times. Fit one detector for each rate, or resample the rows to one.",
    );
    const twice = table.map((row, i) => ({ ...row, time: minute(i - (i % 2)) }));
    expect(await notesOf(twice, { window: 5 })).toContain(
      "60 rows have the time of the row before, and keep their order.",
    );
  });
});

describe("options out of range", () => {
  const most = "contamination is the share of odd rows, greater than 0 and at most 0.5; got";
  it.each<[object, string]>([
    [{ contamination: 0.9 }, `${most} 0.9. Where most rows are odd, the others are the odd ones.`],
    [{ contamination: 0 }, `${most} 0.`],
    [{ contamination: "10%" }, 'contamination must be a number or "auto"; got "10%".'],
  ])("fit with %o", async (options, message) => {
    expect(await refusalOfFit(matrix, { ...quick, ...options })).toBe(message);
  });
});

describe("an existing detector", () => {
  let detector: AnomalyDetector;
  let series: AnomalyDetector;
  let bytes: Uint8Array;

  beforeAll(async () => {
    detector = await AnomalyDetector.fit(table, quick);
    series = await AnomalyDetector.fit(table, { window: 5 });
    bytes = detector.save();
  });
  afterAll(() => {
    expect(detector.save()).toEqual(bytes); // none of the calls below changed it
    detector.dispose();
    series.dispose();
  });

  it.each<[string, (detector: AnomalyDetector) => unknown, string]>([
    [
      "alpha 0",
      (d) => d.detect(table, { alpha: 0 }),
      "alpha must be greater than 0 and less than 1; got 0.",
    ],
    [
      "alpha 1",
      (d) => d.detect(table, { alpha: 1 }),
      "alpha must be greater than 0 and less than 1; got 1.",
    ],
    [
      "an alpha that takes more rows",
      (d) => d.detect(table, { alpha: 0.001 }),
      "alpha 0.001 takes at least 999 calibration rows; this detector has 120. Give { alpha: 0.0083 } or a larger one or { pot: 0.001 }, or fit more rows.",
    ],
    [
      "contamination .9",
      (d) => d.detect(table, { contamination: 0.9 }),
      "contamination is the share of odd rows, at most 0.5; got 0.9. Where most rows are odd, the others are the odd ones.",
    ],
    [
      "no decision",
      (d) => d.detect(table, 0.01 as never),
      "The decision must be an object such as { alpha: 0.01 }; got 0.01.",
    ],
    [
      "a column that is missing",
      (d) => d.score(table.map(({ kind, ...row }) => row)),
      'rows has no column "kind", which the detector learned from. Its columns are "time", "a", "b".',
    ],
    [
      "text where a number was",
      (d) => d.score([{ ...table[0], a: "high" }]),
      'Row 0, column "a" of rows must be a number, as in training; got "high".',
    ],
    [
      "a matrix for a table",
      (d) => d.score(matrix.map((row) => [...row, 1])),
      'rows is a matrix, but column "kind" is a category. Give objects or { columns: { name: values } }.',
    ],
    [
      "evaluate without labels",
      (d) => d.evaluate(table, undefined as never, { alpha: 0.1 }),
      "evaluate needs a list of labels, one for each row: 1 (or true) for odd rows and 0 for normal ones; got undefined.",
    ],
    [
      "load of a path",
      () => AnomalyDetector.load("plant.safetensors" as never),
      'The file of a detector must be given as bytes; got "plant.safetensors". loadFrom of tied-autoencoder/store reads "file:" places.',
    ],
  ])("%s", async (_, call, message) => {
    expect(await refusal(() => call(detector))).toBe(message);
  });

  it("flags a class that did not occur in training", () => {
    const { flagged, pValue } = detector.detect([{ ...table[0], kind: "z" }], { alpha: 0.05 });
    expect([...flagged]).toEqual([1]);
    expect(pValue[0]).toBe(1 / 121);
  });

  it.each<[string, (series: AnomalyDetector) => unknown, string]>([
    [
      "rows fewer than a window",
      (s) => s.detect(table.slice(0, 3)),
      "Windows of 5 rows are longer than the series: the longest stretch of rows without a gap has 3. Give at least 5 rows that follow each other, or fit with shorter windows.",
    ],
    [
      "time that runs backwards",
      (s) => s.detect([...table].reverse()),
      "Time runs backwards: row 1 of rows is earlier than row 0. Sort the rows by time, or name the column that tells series apart: window: { groupBy }.",
    ],
    [
      "a time that is none",
      (s) => s.detect(table.map((row, i) => (i === 5 ? { ...row, time: "soon" } : row))),
      'Row 5, column "time" must be a time; got "soon".',
    ],
  ])("of a series: %s", async (_, call, message) => {
    expect(await refusal(() => call(series))).toBe(message);
  });

  it("windows longer than the series, and groups that are not series", async () => {
    expect(await refusalOfFit(table, { window: 200 })).toBe(
      "Windows of 200 rows are longer than the series: the longest stretch of rows without a gap has 120. Give at least 200 rows that follow each other, or fit with shorter windows.",
    );
    expect(await refusalOfFit(table, { window: { length: 5, groupBy: "a" } })).toBe(
      'Windows of 5 rows are longer than the series: the longest stretch of rows without a gap has 1. The column "a" makes 120 stretches of them. Give at least 5 rows that follow each other, or fit with shorter windows.',
    );
  });
});

it("new says which call makes a detector", () => {
  const make = AnomalyDetector as unknown as new (rows?: unknown) => unknown;
  for (const rows of [undefined, null, [], table]) {
    expect(() => new make(rows)).toThrow(
      "A detector is not made with new. Use await AnomalyDetector.fit(rows), or await AnomalyDetector.load(bytes).",
    );
  }
});
