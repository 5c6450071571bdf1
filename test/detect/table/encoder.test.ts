import { describe, expect, it } from "vitest";
import { Encoder } from "../../../src/detect/table/encoder.ts";
import type { ColumnsOption } from "../../../src/detect/table/schema.ts";
import { type DetectorInput, readSource } from "../../../src/detect/table/source.ts";
import { finish } from "../../../src/platform/turns.ts";

function learn(input: DetectorInput, columns?: ColumnsOption) {
  const source = readSource("rows", input);
  const encoder = finish(Encoder.fitting(source, columns));
  const encode = (rows: DetectorInput) => {
    const raw = encoder.read(readSource("rows", rows, encoder.columns));
    return encoder.encode(raw, 0, raw.count);
  };
  return { encoder, encode, trained: encode(input) };
}

/** Mean and variance of some features of all rows. */
function moments(features: Float32Array, width: number, from: number, to: number) {
  const rows = features.length / width;
  let [sum, squares] = [0, 0];
  features.forEach((value, i) => {
    if (i % width < from || i % width >= to) return;
    sum += value / rows;
    squares += (value * value) / rows;
  });
  return { sum, squares };
}

describe("encoding", () => {
  it("gives numbers mean 0 and variance 1, even far from 0", () => {
    const far = Array.from({ length: 100 }, (_, i) => [1.7e9 + i * 1e-3, -i]);
    const { trained } = learn(far);
    for (const j of [0, 1]) {
      const { sum, squares } = moments(trained.features, 2, j, j + 1);
      expect(sum).toBeCloseTo(0, 4);
      expect(squares).toBeCloseTo(1, 5);
    }
    expect(new Set(trained.features.filter((_, i) => i % 2 === 0)).size).toBe(100);
  });

  it("gives a category variance 1 over all its levels", () => {
    const colour = Array.from(
      { length: 60 },
      (_, i) => ["red", "green", "blue"][i % 5 ? i % 3 : 0],
    );
    const { encoder, trained } = learn({ columns: { colour } } as DetectorInput);
    expect(encoder.width).toBe(3);
    const { sum, squares } = moments(trained.features, 3, 0, 3);
    expect(sum).toBeCloseTo(0, 5);
    expect(squares).toBeCloseTo(1, 5);
    const field = encoder.state.fields[0];
    if (field?.kind !== "category") throw new Error("not a category");
    const chances = encoder.decodeCategory(field, trained.features.subarray(0, 3));
    expect(field.levels[chances.indexOf(Math.max(...chances))]).toBe("red");
    expect(Math.max(...chances)).toBeGreaterThan(0.99);
  });

  it("marks missing values and replaces them by the mean", () => {
    const { encode } = learn([
      [1, 5],
      [2, 6],
      [3, Number.NaN],
      [4, 9],
    ]);
    const { features, missing } = encode([
      [Number.NaN, 6],
      [2, 6],
    ]);
    expect(features[0]).toBe(0);
    expect([...(missing ?? [])]).toEqual([1, 0, 0, 0]);
    expect(encode([[1, 2]]).missing).toBeUndefined();
  });

  it("leaves constants out, and counts changed constants and unseen levels", () => {
    const { encoder, encode, trained } = learn([
      { a: 1, b: 7, c: "x" },
      { a: 2, b: 7, c: "y" },
      { a: 3, b: 7, c: "x" },
    ]);
    expect(encoder.state.schema.map(({ kind }) => kind)).toEqual([
      "number",
      "constant",
      "category",
    ]);
    expect(trained.novelties).toBeUndefined();
    const { novelties } = encode([
      { a: 1, b: 8, c: "z" },
      { a: 1, b: 7, c: "x" },
      { a: 1, b: null, c: null },
    ]);
    expect([...(novelties ?? [])]).toEqual([2, 0, 0]);
  });

  it("keeps values in the range of float32, including infinities", () => {
    const { encode } = learn([[1], [2], [3]]);
    const { features } = encode([[1e300], [-Infinity]]);
    expect([...features]).toEqual([1e6, -1e6]);
  });

  it("matches columns by name, in any order, and ignores others", () => {
    const { encode } = learn([
      { a: 1, b: 10 },
      { a: 2, b: 40 },
      { a: 4, b: 20 },
    ]);
    const one = encode([{ a: 2, b: 20 }]).features;
    expect(encode([{ label: "odd", b: "20", a: "2" }]).features).toEqual(one);
    expect(() => encode([{ a: 2 }])).toThrow(
      'rows has no column "b", which the detector learned from. Its only column is "a".',
    );
    expect(() => encode([{ a: 2, b: "much" }])).toThrow(
      'Row 0, column "b" of rows must be a number, as in training; got "much".',
    );
  });

  it("has the reason if there is nothing to learn", () => {
    const equal = Array.from({ length: 9 }, () => [1, 2]);
    expect(() => learn(equal)).toThrow("No column varies: all 9 rows are equal.");
    expect(() => learn({ columns: { id: ["a", "b", "c"] } }, { id: "id" })).toThrow(
      "none of the 1 columns is a number or a category that varies",
    );
    expect(() =>
      learn([
        [1, 2],
        [3, Infinity],
      ]),
    ).toThrow("Row 1, column 1 of rows is Infinity; training rows must be finite");
    expect(() => learn(Float32Array.of(1, 2))).toThrow("whose rows cannot be told");
  });
});
