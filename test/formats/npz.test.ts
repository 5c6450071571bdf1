import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeNpz, encodeNpz } from "../../src/formats/npz.ts";
import { fixture, withByte } from "./bytes.ts";

describe.each(["stored", "deflated"])("decodeNpz, numpy's archive, %s", (name) => {
  const arrays = decodeNpz(fixture(`${name}.npz`));
  const signed = [-2, -1, 0, 1, 2, 3];
  const unsigned = [0, 50, 100, 150, 200, 250];

  test.each([
    ["f8", Float64Array.from(signed)],
    ["f4", Float32Array.from(signed)],
    ["f2", Float32Array.from(signed)],
    ["i8", BigInt64Array.from(signed, BigInt)],
    ["i4", Int32Array.from(signed)],
    ["i2", Int16Array.from(signed)],
    ["u8", BigUint64Array.from(unsigned, BigInt)],
    ["u4", Uint32Array.from(unsigned)],
    ["u2", Uint16Array.from(unsigned)],
  ])("reads %s in either byte order", (dtype, data) => {
    expect(arrays.get(`<${dtype}`)).toEqual({ dtype, shape: [2, 3], data });
    expect(arrays.get(`>${dtype}`)).toEqual({ dtype, shape: [2, 3], data });
  });

  test("reads bytes and truth values", () => {
    expect(arrays.get("i1")?.data).toEqual(Int8Array.from(signed));
    expect(arrays.get("u1")?.data).toEqual(Uint8Array.from(unsigned));
    expect(arrays.get("b1")?.data).toEqual(new Uint8Array([1, 0, 1, 0, 1, 0]));
  });

  test("gives three dimensions in column order back in row order", () => {
    const data = Int16Array.from({ length: 24 }, (_, i) => i);
    expect(arrays.get("fortran")).toEqual({ dtype: "i2", shape: [2, 3, 4], data });
  });

  test("reads scalars, empty arrays and extremes", () => {
    expect(arrays.get("scalar")).toEqual({ dtype: "f4", shape: [], data: new Float32Array([7]) });
    expect(arrays.get("empty")?.shape).toEqual([0, 3]);
    const extremes = [Number.NaN, 1 / 0, -1 / 0, -0, 5e-324, Number.MAX_VALUE];
    expect(arrays.get("extremes")?.data).toEqual(Float64Array.from(extremes));
  });
});

describe("encodeNpz", () => {
  const arrays = new Map([
    ["X", { shape: [100, 2], data: new Float32Array(200).fill(1.5) }],
    ["naïve", { shape: [0], data: new Int32Array(0) }],
  ]);

  test("brings arrays back, compressed or not, and is the same every time", () => {
    for (const compress of [true, false]) {
      const file = encodeNpz(arrays, { compress });
      expect(file.length < 800).toBe(compress);
      expect(
        [...decodeNpz(file)].map(([name, { shape, data }]) => [name, { shape, data }]),
      ).toEqual([...arrays]);
      expect(encodeNpz(arrays, { compress })).toEqual(file);
    }
  });

  test("writes an empty archive", () => {
    expect(decodeNpz(encodeNpz([])).size).toBe(0);
  });
});

describe("decodeNpz refuses", () => {
  const good = encodeNpz([["X", { shape: [300], data: new Float32Array(300).fill(2) }]]);
  const stored = encodeNpz([["X", { shape: [300], data: new Float32Array(300).fill(2) }]], {
    compress: false,
  });
  const directory = good.length - 22 - 46 - 5;

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /expected a zip archive/],
    ["an NPY file", fixture("text.npy"), /expected a zip archive/],
    ["a cut archive", good.subarray(0, -30), /expected a zip archive/],
    [
      "a flipped bit in a stored array",
      withByte(stored, 600, stored[600]! ^ 1),
      /"X.npy" in the archive is damaged/,
    ],
    [
      "a flipped checksum",
      withByte(good, directory + 16, good[directory + 16]! ^ 1),
      /checksum does not match/,
    ],
    [
      "a size out of all proportion",
      withByte(good, directory + 27, 0x40),
      /"X.npy" claims 10\d+ bytes out of \d+/,
    ],
    ["an unknown compression", withByte(good, directory + 10, 12), /unknown compression type 12/],
  ])("%s", (_, file, message) => {
    expect(() => decodeNpz(file)).toThrow(FormatError);
    expect(() => decodeNpz(file)).toThrow(message);
  });

  test("gives arrays or a FormatError for every byte changed, and never another error", () => {
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 255, good[at]! ^ 1]) {
        try {
          decodeNpz(withByte(good, at, value));
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }
    }
  });
});
