import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeNpy, encodeNpy } from "../../src/formats/npy.ts";
import { decodeNpz, encodeNpz, openNpz } from "../../src/formats/npz.ts";
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

  test("writes arrays that read back unchanged, compressed or not, with the same bytes every time", () => {
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
      /"X.npy" in the archive claims 10\d+ bytes out of \d+/,
    ],
    [
      "an unknown compression",
      withByte(good, directory + 10, 12),
      /is compressed by method 12; stored and deflated entries can be read/,
    ],
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

describe("openNpz", () => {
  const array = { shape: [3], data: new Float32Array([1, 2, 3]) };
  const good = encodeNpy(array);

  test("decodes the requested arrays and ignores other entries", () => {
    const file = zipSync({
      "X.npy": good,
      "names.npy": fixture("text.npy"),
      "when.npy": fixture("object.npy"),
      "readme.txt": new Uint8Array(5),
    });
    const archive = openNpz(file);
    expect(archive.names).toEqual(["X", "names", "when"]);
    expect(archive.array("X").data).toEqual(array.data);
    expect([...decodeNpz(file, ["X"]).keys()]).toEqual(["X"]);
    expect(() => archive.array("names")).toThrow(/"names.npy" in the archive: expected a dtype/);
    expect(() => archive.array("y")).toThrow(/no array "y", but "X, names, when"/);
    expect(() => decodeNpz(file)).toThrow(FormatError);
  });

  test("ignores damage to arrays that are not requested", () => {
    const file = zipSync({ "X.npy": good, "y.npy": good }, { level: 0 });
    const damaged = withByte(file, file.lastIndexOf(0x93) + 130, 99);
    expect(openNpz(damaged).array("X").data).toEqual(array.data);
    expect(() => openNpz(damaged).array("y")).toThrow(/"y.npy" in the archive is damaged/);
  });

  test("reads archives in memory of another realm", () => {
    const file = runInNewContext("new Uint8Array(bytes)", {
      bytes: [...encodeNpz([["X", array]])],
    });
    expect(openNpz(file).array("X").data).toEqual(array.data);
  });

  test("refuses entries that overlap: a hundred names for the same bytes", () => {
    const bomb = overlapping(
      encodeNpz([["X", { shape: [1 << 20], data: new Float32Array(1 << 20) }]]),
      100,
    );
    expect(() => openNpz(bomb)).toThrow(FormatError);
    expect(() => openNpz(bomb)).toThrow(/"A.npy" in the archive overlaps with "B.npy"/);
  });

  test.each<[string, (view: DataView, directory: number) => void, RegExp]>([
    [
      "an entry beyond the file",
      (v, d) => v.setUint32(d + 42, 0x7fffffff, true),
      /not at byte 2147483647/,
    ],
    ["an entry in the middle of another", (v, d) => v.setUint32(d + 42, 3, true), /not at byte 3/],
    [
      "data that reach into the directory",
      (v, d) => v.setUint32(d + 20, 5000, true),
      /overlaps with the directory/,
    ],
    [
      "a directory beyond the file",
      (v) => v.setUint32(v.byteLength - 6, 0xfffffff0, true),
      /would begin at byte/,
    ],
    [
      "more entries than there are",
      (v) => v.setUint16(v.byteLength - 12, 65535, true),
      /ends after 1 of 65535/,
    ],
    ["encryption", (v, d) => v.setUint16(d + 8, 1, true), /is encrypted/],
    [
      "64-bit sizes that are not there",
      (v, d) => v.setUint32(d + 24, 0xffffffff, true),
      /lacks its 64-bit sizes/,
    ],
    ["less than it has", (v, d) => v.setUint32(d + 24, 100, true), /checksum does not match/],
  ])("refuses %s", (_, damage, message) => {
    const file = encodeNpz([["X", array]]).slice();
    const directory = file.length - 22 - 46 - 5;
    damage(new DataView(file.buffer), directory);
    expect(() => openNpz(file).array("X")).toThrow(FormatError);
    expect(() => openNpz(file).array("X")).toThrow(message);
  });

  test("reads zip64, which numpy writes for large arrays", () => {
    const plain = encodeNpz([["X", array]], { compress: false });
    const file = asZip64(plain);
    expect(openNpz(file).array("X").data).toEqual(array.data);
  });

  test("an empty shape that claims an absurd size is refused immediately", () => {
    for (const shape of ["(0, 1000000000)", "(999999999999999, 0)", "(1000001, 3, 0)"]) {
      expect(() => decodeNpy(npyOf(shape))).toThrow(FormatError);
      expect(() => decodeNpy(npyOf(shape))).toThrow(/has no elements, and yet a size of \d+/);
    }
    expect(decodeNpy(npyOf("(0, 784)")).shape).toEqual([0, 784]);
    expect(decodeNpy(npyOf("(1000000, 0)")).shape).toEqual([1_000_000, 0]);
  });
});

test("encodeNpz refuses a repeated name, and accepts unusual names", () => {
  const array = { shape: [1], data: new Uint8Array([7]) };
  expect(() =>
    encodeNpz([
      ["a", array],
      ["a", array],
    ]),
  ).toThrow(/the array "a" comes twice/);
  const names = ["__proto__", "größe", "a/b", "constructor"];
  const file = openNpz(encodeNpz(names.map((name) => [name, array] as const)));
  expect([...file.names].sort()).toEqual([...names].sort());
  for (const name of names) expect([...file.array(name).data]).toEqual([7]);
});

/** An NPY file without elements. */
function npyOf(shape: string): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const start = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0];
  return Uint8Array.from([...start, ...Buffer.from(`${header}\n`)]);
}

/** An archive whose directory names its one entry so many times. */
function overlapping(file: Uint8Array, times: number): Uint8Array {
  const end = file.length - 22;
  const start = new DataView(file.buffer, file.byteOffset).getUint32(end + 16, true);
  const entry = file.subarray(start, end);
  const bomb = Buffer.concat([
    file.subarray(0, start),
    ...Array.from({ length: times }, (_, i) => {
      const copy = Buffer.from(entry);
      copy.write(String.fromCharCode(65 + (i % 26)), 46); // names differ, the bytes do not
      return copy;
    }),
    file.subarray(end),
  ]);
  bomb.writeUInt16LE(times, bomb.length - 12);
  bomb.writeUInt16LE(times, bomb.length - 14);
  bomb.writeUInt32LE(entry.length * times, bomb.length - 10);
  return new Uint8Array(bomb);
}

/** The same archive of one stored entry, its sizes and places given as 64-bit numbers only. */
function asZip64(file: Uint8Array): Uint8Array {
  const end = file.length - 22;
  const view = new DataView(file.buffer, file.byteOffset);
  const start = view.getUint32(end + 16, true);
  const entry = Buffer.from(file.subarray(start, end));
  const wide = Buffer.alloc(4 + 24);
  wide.writeUInt16LE(1, 0);
  wide.writeUInt16LE(24, 2);
  for (const [i, field] of [24, 20, 42].entries()) {
    wide.writeBigUInt64LE(BigInt(entry.readUInt32LE(field)), 4 + 8 * i);
    entry.writeUInt32LE(0xffffffff, field);
  }
  entry.writeUInt16LE(wide.length, 30);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + entry.length + wide.length), 8);
  const last = Buffer.from(file.subarray(end));
  last.writeUInt16LE(0xffff, 10);
  last.writeUInt32LE(0xffffffff, 16);
  return new Uint8Array(
    Buffer.concat([file.subarray(0, start), entry, wide, end64, locator, last]),
  );
}
