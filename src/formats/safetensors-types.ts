// The element types and the limits that the reader and the writers of safetensors share.

import type { NumericArray, NumericData } from "./numbers.ts";

/** Each element type with the type of its array. The two 16-bit floats are raw bits. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};
export const MAX_HEADER = 100_000_000;

/** The element types of safetensors files. */
export type SafetensorsType = keyof typeof ARRAYS;
/** The elements of a tensor. */
export type SafetensorsData = NumericData;

/** A tensor of a safetensors file. The array types of F16, BF16 and BOOL are those of U16 and U8; see `dtype`. */
export interface SafeTensor extends NumericArray {
  /** The type of its elements. */
  readonly dtype: SafetensorsType;
  /** The elements, row-major. F16 and BF16 are raw bits. */
  readonly data: SafetensorsData;
}

/** A tensor with its name in the file. */
export interface NamedTensor extends SafeTensor {
  /** Its name. */
  readonly name: string;
}

export const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
