import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeIdx, encodeIdx } from "../../src/formats/idx.ts";
import { gatherBytes } from "../../src/formats/streams.ts";
import { mnistFile, mnistIsThere, mnistSkipped } from "../support/mnist.ts";

/** A file of this type code and shape, its elements written by `put` into a big-endian view. */
function idx(code: number, shape: number[], bytes: number[]): Uint8Array<ArrayBuffer> {
  const sizes = shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return new Uint8Array([0, 0, code, shape.length, ...sizes, ...bytes]);
}

describe("decodeIdx", () => {
  test.each([
    [8, new Uint8Array([255, 1]), [255, 1]],
    [9, new Int8Array([-1, 1]), [255, 1]],
    [11, new Int16Array([-2, 258]), [255, 254, 1, 2]],
    [12, new Int32Array([-2, 16909060]), [255, 255, 255, 254, 1, 2, 3, 4]],
    [13, new Float32Array([1, -2.5]), [0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0]],
    [14, new Float64Array([1, -2]), [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]],
  ])("reads type %i", (code, data, bytes) => {
    expect(decodeIdx(idx(code, [1, 2], bytes))).toEqual({ shape: [1, 2], data });
    const shifted = new Uint8Array([0, ...idx(code, [1, 2], bytes)]).subarray(1);
    expect(decodeIdx(shifted)).toEqual({ shape: [1, 2], data });
  });

  test("reads empty arrays and scalars, and does not copy bytes", () => {
    expect(decodeIdx(idx(13, [0, 28], []))).toEqual({ shape: [0, 28], data: new Float32Array(0) });
    const scalar = idx(8, [], [5]);
    expect(decodeIdx(scalar)).toEqual({ shape: [], data: new Uint8Array([5]) });
    expect(decodeIdx(scalar).data.buffer).toBe(scalar.buffer);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /opens with 4 bytes, this one has 0/],
    ["three bytes", new Uint8Array(3), /has 3/],
    ["gzip", new Uint8Array([0x1f, 0x8b, 8, 0]), /two zero bytes, got 31 and 139/],
    ["an unknown type", idx(10, [1], [0]), /at byte 2 must be one of 8, 9, .* got 10/],
    ["half the sizes", idx(8, [1, 1], []).subarray(0, 9), /2 sizes end at byte 12, the file at 9/],
    [
      "too few elements",
      idx(11, [2], [1, 2, 3]),
      /\[2\] takes 4 bytes, the file has 3 from byte 8/,
    ],
    ["too many elements", idx(8, [2], [1, 2, 3]), /\[2\] takes 2 bytes, the file has 3/],
    ["sizes past all memory", idx(8, [2 ** 32 - 1, 2 ** 32 - 1], []), /the file has 0/],
  ])("refuses %s", (_, file, message) => {
    expect(() => decodeIdx(file)).toThrow(FormatError);
    expect(() => decodeIdx(file)).toThrow(message);
  });

  test.skipIf(!mnistIsThere)(
    mnistIsThere ? "reads MNIST itself" : `reads MNIST itself (${mnistSkipped})`,
    async () => {
      const { shape, data } = decodeIdx(await gatherBytes(mnistFile("t10k")));
      expect(shape).toEqual([10_000, 28, 28]);
      expect(data.length).toBe(7_840_000);
    },
  );
});

test("an empty shape that claims an absurd size is refused immediately", () => {
  expect(() => decodeIdx(idx(8, [0, 4294967295], []))).toThrow(FormatError);
  expect(() => decodeIdx(idx(8, [4294967295, 0], []))).toThrow(/yet a size of 4294967295/);
  expect(decodeIdx(idx(8, [0, 28, 28], [])).shape).toEqual([0, 28, 28]);
});

describe("encodeIdx", () => {
  test.each([
    ["bytes", new Uint8Array([1, 2, 3, 4, 5, 255])],
    ["signed bytes", new Int8Array([1, 2, 3, 4, 5, -1])],
    ["short integers", new Int16Array([1, 2, 3, 4, 5, -256])],
    ["integers", new Int32Array([1, 2, 3, 4, 5, -65536])],
    ["float32", new Float32Array([1, 2.5, 3, 4, 5, -0])],
    ["float64", new Float64Array([1, 2.5, 3, 4, 5, Math.PI])],
  ])("writes %s that are read back", (_, data) => {
    expect(decodeIdx(encodeIdx({ shape: [2, 3], data }))).toEqual({ shape: [2, 3], data });
  });

  test("writes the published layout", () => {
    const file = encodeIdx({ shape: [1, 2], data: new Int16Array([-2, 258]) });
    expect([...file]).toEqual([0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 2, 255, 254, 1, 2]);
  });

  test("refuses types and shapes that the format does not support", () => {
    expect(() => encodeIdx({ shape: [2], data: new Uint16Array(2) })).toThrow(/got Uint16Array/);
    expect(() => encodeIdx({ shape: [3], data: new Uint8Array(2) })).toThrow(
      /2 elements do not have the shape \[3\]/,
    );
    expect(() => encodeIdx({ shape: [0, 2 ** 32], data: new Uint8Array(0) })).toThrow(/shape/);
  });
});
