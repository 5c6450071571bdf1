import { Int64, Table, TimestampMillisecond, tableFromArrays, vectorFromArray } from "apache-arrow";
import { describe, expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { rowsFrom } from "../../src/table.ts";

const values = (rows: { data: Float64Array }) => Array.from(rows.data);

describe("rowsFrom tables", () => {
  test("objects: one per row, columns in the order of their first occurrence", () => {
    const rows = rowsFrom([
      { a: 1, b: true },
      { b: false, c: 5, a: null },
    ]);
    expect(rows.columns).toEqual(["a", "b", "c"]);
    expect(rows.shape).toEqual([2, 3]);
    expect(values(rows)).toEqual([1, 1, Number.NaN, Number.NaN, 0, 5]);
  });

  test("columns: typed arrays and lists, chosen and ordered by name", () => {
    const table = { t: Float64Array.of(1.7e9, 1.7e9 + 1), name: ["x", "y"], n: [1, 2] };
    const rows = rowsFrom(table, { columns: ["n", "t"] });
    expect(rows.columns).toEqual(["n", "t"]);
    expect(values(rows)).toEqual([1, 1.7e9, 2, 1.7e9 + 1]);
  });

  test("dates are milliseconds, and large counters stay exact", () => {
    const at = new Date("2026-11-24T00:00:00Z");
    expect(values(rowsFrom({ at: [at], n: [9007199254740991n] }))).toEqual([
      Date.UTC(2026, 10, 24),
      Number.MAX_SAFE_INTEGER,
    ]);
    expect(() => rowsFrom({ n: [9007199254740993n] })).toThrow('Row 0 of column "n"');
  });

  test("an Arrow table, with its nulls, integers and times", () => {
    const table = new Table({
      x: vectorFromArray([1.5, null, 3]),
      id: vectorFromArray([1n, 2n, 3n], new Int64()),
      at: vectorFromArray([new Date(5), new Date(6), new Date(7)], new TimestampMillisecond()),
      flag: vectorFromArray([true, false, null]),
      word: vectorFromArray(["a", "b", "c"]),
    });
    const rows = rowsFrom(table, { columns: ["x", "id", "at", "flag"] });
    expect(rows.columns).toEqual(["x", "id", "at", "flag"]);
    expect(values(rows)).toEqual([1.5, 1, 5, 1, Number.NaN, 2, 6, 0, 3, 3, 7, Number.NaN]);
    expect(() => rowsFrom(table)).toThrow(
      'Row 0 of column "word" must be a number; got "a". The columns of numbers are columns: ["x", "id", "at", "flag"].',
    );
  });

  test("an Arrow table of several batches", () => {
    const part = tableFromArrays({ x: Float32Array.of(1, 2) });
    const rows = rowsFrom(part.concat(part));
    expect([rows.shape, values(rows)]).toEqual([
      [4, 1],
      [1, 2, 1, 2],
    ]);
  });

  test("a result of DuckDB that has been read", () => {
    const result = {
      columnNames: () => ["a", "b"],
      getColumns: () => [[{ opaque: true }], [2]],
      getColumnsJS: () => [[1.25], [null]],
    };
    expect(values(rowsFrom(result))).toEqual([1.25, Number.NaN]);
  });

  test("a model accepts the result", async () => {
    using model = await TiedAutoencoder.create({ layers: [2, 1] });
    const rows = rowsFrom({ a: [1, 2, 3], b: [2, 4, 6] });
    expect(model.encode(rows)).toHaveLength(3);
    await model.fit(rows);
  });

  test("errors name values that cannot be rows", () => {
    expect(() => rowsFrom("a,b" as never)).toThrow("rowsFrom takes an array of objects");
    expect(() => rowsFrom([7] as never)).toThrow("Row 0 must be an object");
    expect(() => rowsFrom({ a: [1], b: [1, 2] })).toThrow(
      'Column "b" holds 2 values; column "a" holds 1.',
    );
    expect(() => rowsFrom({ a: 1 } as never)).toThrow('Column "a" must be an array; got 1.');
    expect(() => rowsFrom({ a: [1] }, { columns: ["z"] })).toThrow(
      'There is no column "z"; there are "a".',
    );
    expect(() => rowsFrom([])).toThrow("at least one column");
    expect(() => rowsFrom({ a: [1] }, { channels: 3 } as never)).toThrow("no option");
  });
});

test("rows that are arrays need no rowsFrom, and are told so", () => {
  const rows = (input: unknown) => () => rowsFrom(input as Record<string, number>[]);
  for (const input of [[[1, 2]], [Float32Array.of(1, 2)], Float32Array.of(1, 2)]) {
    expect(rows(input)).toThrow("rowsFrom is for tables and images; got ");
    expect(rows(input)).toThrow("go to the model as they are.");
  }
});

test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
  "a row without a column named %s has a missing value there",
  (name) => {
    const rows: Record<string, unknown>[] = JSON.parse(`[{"a":1,"${name}":2},{"a":3}]`);
    const { data, columns } = rowsFrom(rows);
    expect(columns).toEqual(["a", name]);
    expect([...data]).toEqual([1, 2, 3, Number.NaN]);
  },
);

test.each([
  ["too few", [1], /Column "a" holds 1 values; the table has 2 rows/],
  ["too many", [1, 2, 3], /Column "a" holds more values; the table has 2 rows/],
])("an Arrow table whose column holds %s values is refused", (_, values, message) => {
  const table = { numRows: 2, schema: { fields: [{ name: "a" }] }, getChildAt: () => values };
  expect(() => rowsFrom(table)).toThrow(message);
});

test("objects that resemble an Arrow table or a DuckDB result are refused with a reason", () => {
  const almost = { numRows: 2, schema: {}, getChildAt: () => [1, 2] };
  expect(() => rowsFrom(almost as never)).toThrow(/Column "numRows" must be an array/);
  const named = { columnNames: 1, getColumns: 2 };
  expect(() => rowsFrom(named as never)).toThrow(/Column "columnNames" must be an array/);
});

test.each<[string, unknown[], () => unknown, RegExp]>([
  ["fields", [undefined], () => [1], /The name of column 0 must be a string; got undefined/],
  ["names", [{ name: 3 }], () => [1], /The name of column 0 must be a string; got 3/],
  ["columns", [{ name: "a" }], () => 5, /Column "a" must be iterable; got 5/],
])("an Arrow table with wrong %s is refused", (_, fields, getChildAt, message) => {
  const table = { numRows: 1, schema: { fields }, getChildAt };
  expect(() => rowsFrom(table as never)).toThrow(message);
});

test.each([
  [-1, /numRows must be a whole number of at least 0; got -1/],
  [2 ** 50, /There is no memory for a table of 1125899906842624 rows and 1 columns/],
])("an Arrow table of %s rows is refused", (numRows, message) => {
  const table = { numRows, schema: { fields: [{ name: "a" }] }, getChildAt: () => [1] };
  expect(() => rowsFrom(table)).toThrow(message);
});

test.each<[string, () => unknown, () => unknown, RegExp]>([
  ["names", () => "ab", () => [[1], [2]], /columnNames and getColumns .* must return arrays/],
  ["a name", () => [3], () => [[1]], /The name of column 0 must be a string; got 3/],
  ["columns", () => ["a"], () => ({}), /columnNames and getColumns .* must return arrays/],
  ["a column", () => ["a"], () => [7], /Column "a" must be an array; got 7/],
])("a DuckDB result with wrong %s is refused", (_, columnNames, getColumns, message) => {
  expect(() => rowsFrom({ columnNames, getColumns } as never)).toThrow(message);
});

test("columns that are no array of names are refused", () => {
  for (const columns of [{}, "a", 3]) {
    expect(() => rowsFrom({ a: [1] }, { columns: columns as never })).toThrow(
      /columns must be an array of names; got (an object|"a"|3)/,
    );
  }
});
