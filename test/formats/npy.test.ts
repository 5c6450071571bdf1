import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeNpy, encodeNpy } from "../../src/formats/npy.ts";
import type { NumericArray } from "../../src/formats/numbers.ts";
import { fixture, withByte } from "./bytes.ts";

/** A file with this dictionary and data, nothing checked. */
function raw(dictionary: string, data: number[] | Uint8Array = []): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(dictionary);
  return new Uint8Array([
    ...[0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, text.length & 255, text.length >> 8],
    ...text,
    ...data,
  ]);
}
const dictionary = (descr = "'<f4'", order = "False", shape = "(1,)") =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe("decodeNpy", () => {
  test.each([1, 2, 3])("reads version %i.0", (version) => {
    expect(decodeNpy(fixture(`version${version}.npy`))).toEqual({
      dtype: "f4",
      shape: [2, 3],
      data: new Float32Array([0, 1, 2, 3, 4, 5]),
    });
  });

  test("gives a view where it can and a copy where it must", () => {
    const file = fixture("version1.npy");
    expect(decodeNpy(file).data.buffer).toBe(file.buffer);
    const shifted = new Uint8Array([0, ...file]).subarray(1);
    expect(decodeNpy(shifted).data).toEqual(new Float32Array([0, 1, 2, 3, 4, 5]));
  });

  test("takes keys in any order, either quote, Python 2's longs and no last comma", () => {
    const text = `{"shape": (2L, 1), 'fortran_order':False,"descr":"|u1"}\n`;
    expect(decodeNpy(raw(text, [7, 8]))).toEqual({
      dtype: "u1",
      shape: [2, 1],
      data: new Uint8Array([7, 8]),
    });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /first six bytes are not/],
    ["text", new TextEncoder().encode("1,2,3\n4,5,6\n"), /first six bytes are not/],
    ["no version", raw("").subarray(0, 6), /got undefined/],
    ["version 4", withByte(raw(""), 6, 4), /1.0, 2.0 or 3.0, got 4.0/],
    ["version 1.1", withByte(raw(""), 7, 1), /got 1.1/],
    ["half a header length", raw("").subarray(0, 9), /ends at byte 9, within the header's length/],
    ["half a header", raw(dictionary()).subarray(0, 40), /the file at byte 40/],
    ["a header that is not UTF-8", withByte(raw("{'descr'"), 12, 0xff), /not UTF-8/],
    ["a header that is no dictionary", raw("[1]"), /expected a header such as/],
    ["an empty header", raw(""), /expected a header such as .* got ""/],
    ["an unfinished dictionary", raw("{'descr': '<f4'"), /expected a header/],
    ["an unfinished key", raw("{'descr': "), /expected a header/],
    ["a key twice", raw("{'shape': (), 'shape': ()}"), /expected a header/],
    ["code in the header", raw("{'descr': __import__('os')}"), /expected a header/],
    [
      "text after the dictionary",
      raw(`${dictionary()} + 1`, new Uint8Array(4)),
      /expected a header/,
    ],
    ["an empty dictionary", raw("{}"), /expected a dtype .* got nothing/],
    ["no shape", raw("{'descr': '<f4', 'fortran_order': True}"), /shape such as .* got nothing/],
    [
      "65 sizes",
      raw(dictionary(undefined, undefined, `(${"1,".repeat(65)})`), [0, 0, 0, 0]),
      /at most 64/,
    ],
    ["a shape that is text", raw(dictionary(undefined, undefined, "'3'")), /got "3"/],
    ["a negative size", raw(dictionary(undefined, undefined, "(-1,)")), /expected a header/],
    [
      "a huge size",
      raw(dictionary(undefined, undefined, "(9007199254740993,)")),
      /expected a header/,
    ],
    ["an order that is text", raw(dictionary(undefined, "'no'")), /True or False, got "no"/],
    ["an unknown dtype", raw(dictionary("'<f3'")), /got "<f3"/],
    ["a dtype every object has", raw(dictionary("'<toString'")), /got "<toString"/],
    ["a dtype without byte order", raw(dictionary("'f4'")), /got "f4"/],
    [
      "a byte too few",
      raw(dictionary(), new Uint8Array(3)),
      /takes 4 bytes, the file has 3 from byte \d+/,
    ],
    ["a byte too many", raw(dictionary(), new Uint8Array(5)), /takes 4 bytes, the file has 5/],
    ["complex numbers", fixture("complex.npy"), /among f8, .* got "<c16"/],
    ["text elements", fixture("text.npy"), /got "<U4"/],
    ["Python objects", fixture("object.npy"), /got "\|O"/],
    ["records", fixture("record.npy"), /arrays of records are not supported/],
  ])("refuses %s", (_, file, message) => {
    expect(() => decodeNpy(file)).toThrow(FormatError);
    expect(() => decodeNpy(file)).toThrow(message);
  });
});

describe("encodeNpy", () => {
  test.each<[string, NumericArray]>([
    ["f8", { shape: [2], data: new Float64Array([Math.PI, -0]) }],
    ["f4", { shape: [1, 2, 1], data: new Float32Array([Number.NaN, 1e-45]) }],
    ["i8", { shape: [1], data: new BigInt64Array([-(2n ** 63n)]) }],
    ["u8", { shape: [1], data: new BigUint64Array([2n ** 64n - 1n]) }],
    ["i4", { shape: [], data: new Int32Array([-(2 ** 31)]) }],
    ["u4", { shape: [1], data: new Uint32Array([2 ** 32 - 1]) }],
    ["i2", { shape: [1], data: new Int16Array([-32768]) }],
    ["u2", { shape: [1], data: new Uint16Array([65535]) }],
    ["i1", { shape: [1], data: new Int8Array([-128]) }],
    ["u1", { shape: [0, 4], data: new Uint8Array(0) }],
  ])("brings %s back", (dtype, array) => {
    expect(decodeNpy(encodeNpy(array))).toEqual({ dtype, ...array });
  });

  test("writes what numpy writes, byte for byte up to the padding", () => {
    const ours = encodeNpy({ shape: [2, 3], data: new Float32Array([0, 1, 2, 3, 4, 5]) });
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(10, -24)).trim();
    expect(text(ours)).toBe(text(fixture("version1.npy")));
    expect((ours.length - 24) % 64).toBe(0);
    expect(ours[ours.length - 25]).toBe(0x0a);
    expect(ours.subarray(-24)).toEqual(fixture("version1.npy").subarray(-24));
  });

  test("refuses a shape that the data does not have", () => {
    const array = { shape: [2, 2], data: new Float32Array(3) };
    expect(() => encodeNpy(array)).toThrow("3 elements do not have the shape (2,2)");
  });
});
