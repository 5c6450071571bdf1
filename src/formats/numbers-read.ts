// Arrays of numbers as the readers hand them out: views over a file's bytes where alignment allows,
// and their conversions.

import type { OwnBytes } from "../arrays.ts";
import { isFloat32Array, isTypedArrayOf } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { elementCount, type NumericData } from "./numbers.ts";
import { quote } from "./text.ts";

const MAX_EMPTY_SIZE = 1_000_000;

/**
 * How many elements an array of this shape in a file has. Where it has none, its other sizes are not
 * held by the bytes that are there, and must not be absurd: a reader may go over rows or columns.
 * @throws FormatError for an array without elements that claims a size above a million.
 */
export function claimedCount(shape: readonly number[]): number {
  if (!shape.includes(0)) return elementCount(shape);
  const absurd = shape.find((size) => size > MAX_EMPTY_SIZE);
  if (absurd === undefined) return 0;
  throw new FormatError(`the shape ${quote(shape)} has no elements, and yet a size of ${absurd}`);
}

interface NumericConstructor<T extends NumericData> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/** `count` elements from `offset` on: a view where they are aligned in memory, a copy elsewhere. */
export function viewOrCopy<T extends NumericData>(
  ArrayType: NumericConstructor<T>,
  bytes: Uint8Array,
  offset: number,
  count: number,
): T {
  const start = bytes.byteOffset + offset;
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (start % size === 0) return new ArrayType(bytes.buffer, start, count);
  return new ArrayType(copyBytes(bytes, offset, count * size).buffer, 0, count);
}

/** A plain copy: `slice` of a Node buffer is a view, and text decoders refuse shared memory. */
export const copyBytes = (bytes: Uint8Array, offset: number, length: number): OwnBytes =>
  new Uint8Array(bytes.subarray(offset, offset + length));

/** `data` itself where it is float32 already, else a copy rounded to it. */
export function toFloat32(data: NumericData): Float32Array {
  if (isFloat32Array(data)) return data;
  if (isTypedArrayOf(data, "BigInt64Array") || isTypedArrayOf(data, "BigUint64Array")) {
    return Float32Array.from(data as BigInt64Array, Number);
  }
  return new Float32Array(data);
}

/** The float32 values of IEEE half-precision bits, all of them exact. */
export function halfToFloat32(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = halves[i] ?? 0;
    const sign = (half & 0x8000) << 16;
    const rest = (half & 0x7fff) << 13;
    // The exponent and fraction of a half, read as a float32, are 2^112 too small, subnormals included.
    // Only infinities and NaN need their exponent filled in.
    if ((half & 0x7c00) === 0x7c00) bits[i] = sign | rest | 0x7f800000;
    else {
      bits[i] = sign | rest;
      out[i] = (out[i] ?? 0) * 2 ** 112;
    }
  }
  return out;
}

/** A copy with the bytes of each element of `size` bytes reversed: big-endian to little-endian. */
export function reverseElements(bytes: Uint8Array, size: number): OwnBytes {
  const out = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += size) {
    for (let i = 0; i < size; i++) out[start + i] = bytes[start + size - 1 - i] ?? 0;
  }
  return out;
}
