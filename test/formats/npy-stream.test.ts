// An NPY file in pieces has the numbers of the whole file.

import { describe, expect, test } from "vitest";
import { decodeNpy, encodeNpy, itemSize, type NpyType } from "../../src/formats/npy.ts";
import { openNpy } from "../../src/formats/npy-stream.ts";
import type { NumericData } from "../../src/formats/numbers.ts";

/** A file of version 1.0 with 7 rows of 3 × 2 elements whose bytes count up. */
function file(dtype: NpyType, { bigEndian = false, fortran = false } = {}): Uint8Array {
  const size = itemSize(dtype);
  const order = size === 1 ? "|" : bigEndian ? ">" : "<";
  const text = `{'descr': '${order}${dtype}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (7, 3, 2), }\n`;
  const header = new TextEncoder().encode(text);
  const data = Uint8Array.from({ length: 42 * size }, (_, i) => (dtype === "b1" ? i % 2 : i % 60));
  return Uint8Array.of(
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0],
    ...header,
    ...data,
  );
}

async function* inPieces(bytes: Uint8Array, size: number, pause = false) {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
    if (pause) yield new Uint8Array(0);
  }
}

async function read(bytes: Uint8Array, size: number, most: number, pause = false) {
  const { shape, pieces } = await openNpy(inPieces(bytes, size, pause));
  const all: NumericData[] = [];
  for await (const piece of pieces(most)) all.push(piece);
  return { shape, pieces: all, numbers: all.flatMap((piece) => [...piece]) };
}

describe.each<NpyType>(["f8", "f4", "f2", "i8", "u8", "i4", "u4", "i2", "u2", "i1", "u1", "b1"])(
  "elements of type %s",
  (dtype) => {
    test.each([
      ["little-endian", {}],
      ["big-endian", { bigEndian: true }],
      ["in column-major order", { fortran: true }],
    ])("%s", async (_, form) => {
      const bytes = file(dtype, form);
      const { shape, data } = decodeNpy(bytes);
      for (const size of [1, 7, 100, 10_000]) {
        for (const most of [1, 3, 100]) {
          const found = await read(bytes, size, most);
          expect(found.shape).toEqual(shape);
          expect(found.numbers).toEqual([...data]);
          expect(found.pieces[0]?.constructor).toBe(data.constructor);
          const rows = found.pieces.map((piece) => piece.length / 6);
          expect(Math.max(...rows)).toBeLessThanOrEqual(most);
        }
      }
    });
  },
);

test("after a pause the rows so far are given", async () => {
  const bytes = encodeNpy({ shape: [4, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
  const paused = await read(bytes, 12, 100, true); // a row and a half
  expect(paused.pieces.length).toBeGreaterThan(1);
  expect(paused.numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect((await read(bytes, 12, 100)).pieces).toHaveLength(1);
});

test("a file without rows has no pieces", async () => {
  const bytes = encodeNpy({ shape: [0, 5], data: new Float32Array(0) });
  expect(await read(bytes, 1000, 10)).toEqual({ shape: [0, 5], pieces: [], numbers: [] });
});

test("a file of another size is refused, with the message of the whole file", async () => {
  const bytes = file("f4");
  const longer = Uint8Array.of(...bytes, 0);
  for (const wrong of [bytes.subarray(0, -1), longer, bytes.subarray(0, 40)]) {
    let message = "";
    try {
      decodeNpy(wrong);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).not.toBe("");
    for (const size of [9, 10_000]) await expect(read(wrong, size, 2)).rejects.toThrow(message);
  }
});

test("a header that claims long rows takes no memory for them", async () => {
  const text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 900000000000), }\n";
  const header = new TextEncoder().encode(text);
  const head = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0];
  await expect(openNpy(inPieces(Uint8Array.of(...head, ...header, 1, 2), 50))).rejects.toThrow(
    /takes 14400000000000 bytes, the file has 2/,
  );
});
