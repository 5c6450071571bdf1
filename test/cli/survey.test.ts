// The facts about a table are the same however its rows arrive.

import { describe, expect, test } from "vitest";
import { Surveyor, survey } from "../../src/cli/survey.ts";

const NaNs = Number.NaN;

function inPieces(data: readonly number[], columns: number, rows: number, names?: string[]) {
  const surveyor = new Surveyor(columns, names);
  const all = Float64Array.from(data);
  for (let at = 0; at < all.length; at += rows * columns) {
    surveyor.add(all.subarray(at, at + rows * columns));
  }
  return surveyor;
}

test("range, missing values and places are those of the whole table", () => {
  const data = [0.5, 1, NaNs, 2, -3, Infinity, 1, 1, NaNs, 7, 8, 9];
  const facts = {
    rows: 6,
    columns: 2,
    low: -3,
    high: 9,
    whole: false,
    missing: 2,
    firstMissing: 2,
    firstInfinite: 5,
    firstOutside: 3,
  };
  expect(survey(Float64Array.from(data), 2)).toEqual(facts);
  for (const rows of [1, 2, 4, 6]) expect(inPieces(data, 2, rows).facts).toEqual(facts);
});

test("a column without values is found also if all pieces have missing values", () => {
  const data = [NaNs, NaNs, 1, 2, NaNs, NaNs, NaNs, NaNs, 5];
  for (const rows of [1, 2, 3]) expect(inPieces(data, 3, rows).emptyColumns).toEqual([1]);
});

test("a number that is infinite as float32 is found, and others near it are not", () => {
  const most = 3.4028235677973362e38; // rounds to the largest float32
  expect(Math.fround(most)).toBeLessThan(Infinity);
  const data = [most, -most, 1, 3.4028235677973366e38, -1e300, 1];
  expect(inPieces(data, 2, 1).facts).toMatchObject({
    firstInfinite: 3,
    high: data[3],
    low: -1e300,
  });
});

describe("columns that number the rows", () => {
  const rows = (make: (i: number) => number[], count = 10) =>
    Array.from({ length: count }, (_, i) => make(i)).flat();
  const found = (data: number[], columns: number, names?: string[]) =>
    [1, 3, 10].map((size) => inPieces(data, columns, size, names).idColumns);

  test("have a constant step", () => {
    expect(
      found(
        rows((i) => [i * 3 - 7, i * i, 4]),
        3,
      ),
    ).toEqual([[0], [0], [0]]);
  });

  test("or the name of an identifier and another whole number in each row", () => {
    const data = rows((i) => [(i * 7) % 11, (i * 7) % 11, i % 2]);
    expect(found(data, 3, ["user_id", "value", "id"])).toEqual([[0], [0], [0]]);
  });

  test("are not looked for in a few rows", () => {
    expect(
      found(
        rows((i) => [i], 7),
        1,
      ),
    ).toEqual([[], [], []]);
    expect(
      found(
        rows((i) => [i], 8),
        1,
      ),
    ).toEqual([[0], [0], [0]]);
  });

  test("are not those with missing values", () => {
    expect(
      found(
        rows((i) => [i === 4 ? NaNs : i]),
        1,
      ),
    ).toEqual([[], [], []]);
  });
});
