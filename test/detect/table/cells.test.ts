import { describe, expect, it } from "vitest";
import {
  formatHint,
  isMissing,
  parseNumber,
  resolveNumberFormat,
  toBoolean,
  toTime,
} from "../../../src/detect/table/cells.ts";

const plain = resolveNumberFormat(undefined);

describe("cells of a table", () => {
  it("that stand for nothing", () => {
    for (const value of ["", " ", "NA", "null", "n/a", "None", "?", "-", "NaN", null, undefined])
      expect(isMissing(value), String(value)).toBe(true);
    for (const value of [0, "0", false, "no", "-1"]) expect(isMissing(value)).toBe(false);
  });

  it("numbers as programs write them", () => {
    expect(["1.5", " -2e3 ", "+.5", "7.", "1E-3"].map((text) => parseNumber(text, plain))).toEqual([
      1.5, -2000, 0.5, 7, 0.001,
    ]);
    expect(parseNumber("-inf", plain)).toBe(-Infinity);
    for (const text of ["1,5", "12 %", "abc", "1.2.3", "0x1F", "1_000", "e5", "9".repeat(100)])
      expect(parseNumber(text, plain), text).toBeUndefined();
  });

  it("numbers as people write them, where the caller says how", () => {
    const german = resolveNumberFormat({ decimal: ",", thousands: "." });
    expect(parseNumber("1.234,5", german)).toBe(1234.5);
    const money = resolveNumberFormat({ thousands: ",", units: true });
    expect(["$1,234.50", "-$7", "12 %", "€ 3"].map((text) => parseNumber(text, money))).toEqual([
      1234.5, -7, 12, 3,
    ]);
  });

  it("hints at the format that would read a text", () => {
    expect(formatHint("1,5")).toBe('numbers: { decimal: "," }');
    expect(formatHint("1.234,5")).toBe('numbers: { decimal: ",", thousands: "." }');
    expect(formatHint("12,345,678.9")).toBe('numbers: { thousands: "," }');
    expect(formatHint("12.5 %")).toBe("numbers: { units: true }");
    expect(formatHint("red")).toBeUndefined();
  });

  it("refuses formats that cannot be told apart", () => {
    expect(() => resolveNumberFormat({ decimal: ",", thousands: "," })).toThrow("must differ");
    expect(() => resolveNumberFormat({ decimal: ";" })).toThrow(
      'numbers.decimal must be "." or ","',
    );
    expect(() => resolveNumberFormat({ comma: true })).toThrow("no option");
  });

  it("truth values and times", () => {
    expect(["yes", "FALSE", "t", true, "1"].map(toBoolean)).toEqual([
      true,
      false,
      true,
      true,
      undefined,
    ]);
    expect(toTime("2020-03-09 10:14:33.5")).toBe(Date.UTC(2020, 2, 9, 10, 14, 33, 500));
    expect(toTime("2020-03-09T10:14+02:00")).toBe(Date.UTC(2020, 2, 9, 8, 14));
    expect(toTime("2020-3-9")).toBe(Date.UTC(2020, 2, 9));
    expect(toTime(new Date(5))).toBe(5);
    expect(toTime("2020-13-01")).toBeUndefined();
    expect(toTime("10:14")).toBeUndefined();
    expect(toTime("")).toBeNaN();
  });
});
