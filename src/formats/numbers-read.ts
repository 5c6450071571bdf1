// Arrays of numbers in files: views of the bytes of a file if they are aligned, and conversions.

import type { OwnBytes } from "../arrays.ts";
import { isFloat32Array, isTypedArrayOf } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { elementCount, type NumericData } from "./numbers.ts";
import { quote } from "./text.ts";

const MAX_EMPTY_SIZE = 1_000_000;

/**
 * The number of elements of an array with this shape in a file. If it is 0, the other sizes are limited, because the bytes
 * of the file do not limit them and a reader may loop over rows or columns.
 * @throws FormatError for an array without elements that has a size above a million.
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

/** `count` elements from `offset` on: a view if they are aligned in memory, otherwise a copy. */
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

/** A copy in unshared memory. `slice` of a Node buffer is a view, and text decoders refuse shared memory. */
export const copyBytes = (bytes: Uint8Array, offset: number, length: number): OwnBytes =>
  new Uint8Array(bytes.subarray(offset, offset + length));

/** `data` itself if it is float32, otherwise a copy rounded to float32. */
export function toFloat32(data: NumericData): Float32Array {
  if (isFloat32Array(data)) return data;
  if (isTypedArrayOf(data, "BigInt64Array") || isTypedArrayOf(data, "BigUint64Array")) {
    return Float32Array.from(data as BigInt64Array, Number);
  }
  return new Float32Array(data);
}

/** The float32 values of half-precision bits. The conversion is exact. */
export function halfToFloat32(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = halves[i] ?? 0;
    const sign = (half & 0x8000) << 16;
    const rest = (half & 0x7fff) << 13;
    // The exponent and fraction of a half, read as a float32, are too small by a factor of 2^112, also for subnormals. Only for
    // infinities and NaN the exponent must be set.
    if ((half & 0x7c00) === 0x7c00) bits[i] = sign | rest | 0x7f800000;
    else {
      bits[i] = sign | rest;
      out[i] = (out[i] ?? 0) * 2 ** 112;
    }
  }
  return out;
}

/** A copy with the bytes of each element of `size` bytes reversed, from big-endian to little-endian. */
export function reverseElements(bytes: Uint8Array, size: number): OwnBytes {
  const out = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += size) {
    for (let i = 0; i < size; i++) out[start + i] = bytes[start + size - 1 - i] ?? 0;
  }
  return out;
}
