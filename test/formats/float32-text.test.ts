import { expect, test } from "vitest";
import { MAX_NUMBER_BYTES, shortestFloat32 } from "../../src/formats/float32-text.ts";

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);
const fromBits = (pattern: number): number => {
  bits[0] = pattern;
  return float[0]!;
};

/** Digits without sign, point, exponent and the zeros at both ends. */
const digitsOf = (text: string): number =>
  text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;

/** Whether fewer digits, rounded to nearest, read back as the value. */
function isShortest(value: number, text: string): boolean {
  const count = digitsOf(text);
  return count <= 1 || Math.fround(Number(value.toPrecision(count - 1))) !== value;
}

test("known numbers", () => {
  const strings = [
    "0",
    "-0",
    "0.1",
    "16777216",
    "0.33333334",
    "1.1754944e-38",
    "1e-45",
    "-1e-45",
    "3.4028235e+38",
    "0.00001",
    "0.000001",
    "1e-7",
    "1.25e-7",
    "123456792", // a whole number as it is: as long as 123456790, and exact
    "2147483600",
    "-300000000000",
    "100000000000000000000",
    "1e+21",
    "1.5e+21",
    "255",
    "-12.5",
    "1000.5",
  ];
  for (const text of strings) expect(shortestFloat32(Number(text))).toBe(text);
  expect(shortestFloat32(8388609.5)).toBe("8388610"); // ties to even in float32
  expect(shortestFloat32(Number.NaN)).toBe("NaN");
  expect(shortestFloat32(Infinity)).toBe("Infinity");
  expect(shortestFloat32(-Infinity)).toBe("-Infinity");
});

test("every number reads back as itself, with the fewest digits", () => {
  const failures: string[] = [];
  const check = (pattern: number) => {
    const value = fromBits(pattern);
    if (!Number.isFinite(value)) return;
    const text = shortestFloat32(value);
    const isWhole = Number.isInteger(value) && Math.abs(value) < 2 ** 31;
    const isBack = Object.is(Math.fround(Number(text)), value);
    if (!isBack || text.length > MAX_NUMBER_BYTES || !(isWhole || isShortest(value, text))) {
      failures.push(`${pattern.toString(16)} ${value} ${text}`);
    }
  };
  // All powers of two and of ten with their neighbours, and patterns distributed over the whole range.
  for (let field = 0; field < 255; field++) {
    for (let near = -2; near <= 2; near++) {
      check(((field << 23) + near) >>> 0);
      check((0x80000000 + (field << 23) + near) >>> 0);
    }
  }
  for (let power = -45; power < 39; power++) {
    float[0] = Number(`1e${power}`);
    const [pattern] = bits;
    for (let near = -2; near <= 2; near++) check(pattern! + near);
  }
  for (let i = 0; i < 200_000; i++) check(Math.imul(i, 0x9e3779b1) >>> 0);
  expect(failures).toEqual([]);
});

test("decimals with few digits give the same digits", () => {
  for (let i = 0; i < 50_000; i++) {
    const text = String((i * 7919) % 1_000_000) + (i % 3 ? `.${(i % 89) + 1}` : "");
    const [, whole = "", part = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
    if (whole.length + part.length > 6 || text.endsWith("0")) continue;
    expect(shortestFloat32(Number(text))).toBe(String(Number(text)));
  }
});
