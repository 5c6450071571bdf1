// Arrays of numbers in files. The numbers are little-endian, and the host is assumed to be little-endian too.

import type { OwnBytes } from "../arrays.ts";

/** Every type of number array that a supported format can hold. */
export type NumericData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** An n-dimensional array. `data` is row-major, and its length is the product of `shape`. */
export interface NumericArray {
  /** The length of each dimension. */
  readonly shape: readonly number[];
  /** The elements, row-major. */
  readonly data: NumericData;
}

export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

export function concatBytes(pieces: readonly Uint8Array[]): OwnBytes {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
