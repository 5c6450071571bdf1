// The same numbers have the same checksum in every format.

import { expect, test } from "vitest";
import { Checksum, isSame } from "../../src/cli/checksum.ts";

const numbers = Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);
const of = (data: Uint8Array | Float32Array | Float64Array, columns = 4) => {
  const checksum = new Checksum(columns);
  checksum.add(data);
  return checksum.end();
};

test("the same numbers as bytes, float32 and float64 have the same checksum", () => {
  const bytes = of(Uint8Array.from(numbers));
  expect(isSame(bytes, of(Float32Array.from(numbers)))).toBe(true);
  expect(isSame(bytes, of(Float64Array.from(numbers)))).toBe(true);
});

test("one other number, another shape or another order changes the checksum", () => {
  const base = Float64Array.from(numbers);
  const plus = (at: number, by: number) => {
    const other = base.slice();
    other[at]! += by;
    return other;
  };
  for (const other of [plus(0, 1), plus(199_999, 1), plus(70_000, 1e-9), base.slice().reverse()]) {
    expect(isSame(of(base), of(other))).toBe(false);
  }
  expect(isSame(of(base, 4), of(base, 5))).toBe(false);
});

test("missing values are part of the checksum", () => {
  const gap = Float64Array.of(1, Number.NaN, 3, 4);
  expect(isSame(of(gap), of(Float32Array.from(gap)))).toBe(true);
});

test("missing values with other bits are the same missing values", () => {
  const bits = Uint32Array.of(0x3f800000, 0xffc00000, 0x7fc12345, 0x40000000);
  const others = new Float32Array(bits.buffer);
  expect([...others]).toEqual([1, Number.NaN, Number.NaN, 2]);
  expect(isSame(of(others), of(Float64Array.of(1, Number.NaN, Number.NaN, 2)))).toBe(true);
});

test("the pieces in which rows arrive make no difference", () => {
  const all = Float64Array.from(numbers, (number, i) => (i < 100_000 ? number : number / 3));
  for (const rows of [1, 777, 50_000]) {
    const checksum = new Checksum(4);
    for (let at = 0; at < all.length; at += rows * 4) {
      checksum.add(all.subarray(at, at + rows * 4));
    }
    expect(checksum.end()).toEqual(of(all));
  }
});
