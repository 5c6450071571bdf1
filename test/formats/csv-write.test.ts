import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/errors.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { shortestFloat32, writeCsv } from "../../src/formats/csv-write.ts";

const text = (...args: Parameters<typeof writeCsv>) =>
  Buffer.concat([...writeCsv(...args)]).toString();

describe("writeCsv", () => {
  test("writes a header, rows and a last newline", () => {
    const data = new Float32Array([1, 0.1, -2.5, 1e-7, 3e38, 0]);
    expect(text({ data, columns: 2, names: ["a", 'b,"c"'] })).toBe(
      'a,"b,""c"""\n1,0.1\n-2.5,1e-7\n3e+38,0\n',
    );
    expect(text({ data, columns: 3 }, ";")).toBe("1;0.1;-2.5\n1e-7;3e+38;0\n");
  });

  test("writes nothing for no rows, or the header alone", () => {
    expect(text({ data: new Float32Array(0), columns: 2 })).toBe("");
    expect(text({ data: new Float32Array(0), columns: 1, names: ["a"] })).toBe("a\n");
  });

  test("is read back bit for bit, specials included", async () => {
    const bits = new Uint32Array(30_000);
    for (let i = 0; i < bits.length; i++) bits[i] = Math.imul(i + 1, 0x9e3779b1);
    bits.set([0x80000000, 1, 0x80000001, 0x7f7fffff, 0x7f800000, 0xff800000, 0x00800000]);
    const data = new Float32Array(bits.buffer).map((x) => x); // one NaN is as good as another
    let at = 0;
    for await (const batch of readCsv(new TextEncoder().encode(text({ data, columns: 3 })))) {
      const expected = data.subarray(at, at + batch.data.length);
      const same = (x: number, i: number) => Object.is(x, expected[i]);
      expect(batch.data.findIndex((x, i) => !same(x, i))).toBe(-1);
      at += batch.data.length;
    }
    expect(at).toBe(data.length);
  });

  test("has room for the longest numbers side by side", async () => {
    const data = new Float32Array(20_000).fill(-123456789012345680000);
    expect(text({ data: data.subarray(0, 1), columns: 1 })).toHaveLength(23);
    for await (const batch of readCsv(new TextEncoder().encode(text({ data, columns: 2 })))) {
      expect(batch.data).toEqual(data);
    }
  });

  test("refuses rows that do not fill up, and names that do not fit", () => {
    const data = new Float32Array(5);
    expect(() => text({ data, columns: 2 })).toThrow(InvalidValueError);
    expect(() => text({ data, columns: 2 })).toThrow("5 numbers do not fill rows of 2 columns");
    expect(() => text({ data, columns: 0 })).toThrow("rows of 0 columns");
    expect(() => text({ data, columns: 5, names: ["a"] })).toThrow("5 columns want as many names");
  });
});

test("shortestFloat32 finds the fewest digits", () => {
  const strings = [
    "0",
    "-0",
    "0.1",
    "16777216",
    "0.33333334",
    "1.1754944e-38",
    "1e-45",
    "3.4028235e+38",
  ];
  for (const s of strings) expect(shortestFloat32(Math.fround(Number(s)))).toBe(s);
  expect(shortestFloat32(Math.fround(8388609.5))).toBe("8388610"); // ties to even in float32
  expect(shortestFloat32(Number.NaN)).toBe("NaN");
  expect(shortestFloat32(-Infinity)).toBe("-Infinity");

  // No decimal with one digit less, near the number, reads back as it.
  for (let i = 0; i < 20_000; i++) {
    const value = new Float32Array(new Uint32Array([0x3f000001 + i * 997]).buffer)[0]!;
    const [digits] = shortestFloat32(value).replace(/^0\./, "").replace(".", "").split("e");
    if (digits!.length > 1) {
      const shorter = Number(value.toPrecision(digits!.length - 1));
      expect(Math.fround(shorter), `${value}`).not.toBe(value);
    }
  }
});
