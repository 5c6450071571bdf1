import { describe, expect, it } from "vitest";
import {
  isMissing,
  toBoolean,
  toLevel,
  toNumber,
  toTime,
} from "../../../src/detect/table/cells.ts";
import { CellReader } from "../../../src/formats/cell-values.ts";

const cells = new CellReader();

describe("cells of a table", () => {
  it("with missing values", () => {
    const nothing = ["", " ", "NA", "null", "n/a", "None", "?", "-", "NaN", null, undefined];
    for (const value of [...nothing, Number.NaN, new Date(Number.NaN)])
      expect(isMissing(value, cells), String(value)).toBe(true);
    for (const value of [0, "0", false, "no", "-1"]) expect(isMissing(value, cells)).toBe(false);
  });

  it("numbers of every type", () => {
    const values = [1.5, " -2e3 ", 3n, true, new Date(5), null, "NA"];
    expect(values.map((value) => toNumber(value, cells))).toEqual([
      1.5,
      -2000,
      3,
      1,
      5,
      Number.NaN,
      Number.NaN,
    ]);
    expect(["1,5", "abc", {}, []].map((value) => toNumber(value, cells))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const german = new CellReader({ decimal: ",", thousands: ".", units: ["%"] });
    expect(toNumber("1.234,5 %", german)).toBe(1234.5);
  });

  it("truth values and times", () => {
    expect(["yes", "FALSE", "t", true, "1"].map(toBoolean)).toEqual([
      true,
      false,
      true,
      true,
      undefined,
    ]);
    const time = (value: unknown) => toTime(value, cells);
    expect(time("2020-03-09 10:14:33.5")).toBe(Date.UTC(2020, 2, 9, 10, 14, 33, 500));
    expect(time("2020-03-09T10:14+02:00")).toBe(Date.UTC(2020, 2, 9, 8, 14));
    expect(time("2020-3-9")).toBe(Date.UTC(2020, 2, 9));
    expect(time("9.3.2020")).toBe(Date.UTC(2020, 2, 9));
    expect(time("26.06.2025 14:05:10")).toBe(Date.UTC(2025, 5, 26, 14, 5, 10));
    expect(time("2020-03-09 12:14 AM")).toBe(Date.UTC(2020, 2, 9, 0, 14));
    expect(time("2020-03-09 12:14:05pm")).toBe(Date.UTC(2020, 2, 9, 12, 14, 5));
    expect(time("9.3.2020 1:14 pm")).toBe(Date.UTC(2020, 2, 9, 13, 14));
    expect(time("2020-03-09 13:14 PM")).toBeUndefined();
    expect(time("2020-03-09 PM")).toBeUndefined();
    expect(time(new Date(5))).toBe(5);
    expect(time("2020-13-01")).toBeUndefined();
    for (const text of ["10:14", "26/06/2025", "1.2.20201", "1.2.3", "32.1.2020", "1.13.2020"])
      expect(time(text), text).toBeUndefined();
    expect(time("")).toBeNaN();
  });
});

it("an object without a text is a level by its kind", () => {
  expect(toLevel(Object.create(null))).toBe("an object");
  expect(toLevel([{ toString: 1 }])).toBe("[an object]");
  expect(toLevel({ constructor: { name: Object.create(null) }, toString: 1 })).toBe("an object");
});
