// IDX, the format of MNIST: two zero bytes, the element type, the number of dimensions, each size as a big-endian uint32,
// then the numbers, big-endian and row-major. http://yann.lecun.com/exdb/mnist/

import type { OwnBytes } from "../arrays.ts";
import { refuseStrides } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { bytesOf, typedArrayName } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { elementCount, type NumericArray, type NumericData } from "./numbers.ts";
import { claimedCount, reverseElements, viewOrCopy } from "./numbers-read.ts";
import { quote } from "./text.ts";

const ARRAYS = {
  8: Uint8Array,
  9: Int8Array,
  11: Int16Array,
  12: Int32Array,
  13: Float32Array,
  14: Float64Array,
};
const MAX_RANK = 255;

const isCode = (code: number): code is keyof typeof ARRAYS => Object.hasOwn(ARRAYS, code);

interface IdxHeader {
  readonly code: keyof typeof ARRAYS;
  readonly shape: readonly number[];
  readonly dataStart: number;
}

function readHeader(bytes: Uint8Array): IdxHeader {
  const [zero, alsoZero, code, rank] = bytes;
  if (code === undefined || rank === undefined) {
    throw new FormatError(`an IDX file opens with 4 bytes, this one has ${bytes.length}`);
  }
  if (zero !== 0 || alsoZero !== 0) {
    throw new FormatError(`an IDX file opens with two zero bytes, got ${zero} and ${alsoZero}`);
  }
  if (!isCode(code)) {
    const known = Object.keys(ARRAYS).join(", ");
    throw new FormatError(`the element type at byte 2 must be one of ${known}, got ${code}`, {
      byte: 2,
    });
  }
  const dataStart = 4 + 4 * rank;
  if (bytes.length < dataStart) {
    throw new FormatError(`${rank} sizes end at byte ${dataStart}, the file at ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { code, shape, dataStart };
}

/** The length of a file that begins with these bytes, if they contain it. */
export function idxFileBytes(head: Uint8Array): number | undefined {
  try {
    const { code, shape, dataStart } = readHeader(head);
    return dataStart + claimedCount(shape) * ARRAYS[code].BYTES_PER_ELEMENT;
  } catch {
    return undefined;
  }
}

/**
 * Reads an IDX file, which must be decompressed.
 * @param bytes The whole file. For one-byte elements `data` is a view of it. Otherwise it is a copy in the byte order of the
 * host.
 * @returns The shape, at most 255 sizes, and the elements, row-major.
 * @throws FormatError with the expected value, the given value and the place.
 */
export function decodeIdx(bytes: Uint8Array | ArrayBuffer): NumericArray {
  const file = bytesOf("the IDX file", bytes);
  const { code, shape, dataStart } = readHeader(file);
  const ArrayType = ARRAYS[code];
  const count = claimedCount(shape);
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (count * size !== file.length - dataStart) {
    throw new FormatError(
      `the shape ${quote(shape)} takes ${count * size} bytes, ` +
        `the file has ${file.length - dataStart} from byte ${dataStart} on`,
      { byte: dataStart },
    );
  }
  const data =
    size === 1
      ? viewOrCopy<NumericData>(ArrayType, file, dataStart, count)
      : viewOrCopy<NumericData>(
          ArrayType,
          reverseElements(file.subarray(dataStart), size),
          0,
          count,
        );
  return { shape, data };
}

/**
 * The bytes of an IDX file.
 * @param array `data` is row-major and has a type of IDX: Uint8Array, Int8Array, Int16Array, Int32Array, Float32Array or
 * Float64Array. `shape` has at most 255 sizes, each below 2^32.
 * @throws InvalidValueError for another type or shape, an array with strides, or data that do not have their shape.
 */
export function encodeIdx(array: NumericArray): OwnBytes {
  refuseStrides("the array", array);
  const { shape, data } = array;
  const name = typedArrayName(data);
  const [code] = Object.entries(ARRAYS).find(([, ArrayType]) => ArrayType.name === name) ?? [];
  if (code === undefined) {
    const known = Object.values(ARRAYS).map((ArrayType) => ArrayType.name);
    throw new InvalidValueError(`IDX holds ${known.join(", ")}; got ${name}`);
  }
  const isSize = (size: number) => Number.isInteger(size) && size >= 0 && size < 2 ** 32;
  if (shape.length > MAX_RANK || !shape.every(isSize) || elementCount(shape) !== data.length) {
    throw new InvalidValueError(`${data.length} elements do not have the shape ${quote(shape)}`);
  }
  const dataStart = 4 + 4 * shape.length;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const file = new Uint8Array(dataStart + raw.length);
  const view = new DataView(file.buffer);
  file[2] = Number(code);
  file[3] = shape.length;
  for (const [axis, size] of shape.entries()) view.setUint32(4 + 4 * axis, size);
  file.set(
    data.BYTES_PER_ELEMENT === 1 ? raw : reverseElements(raw, data.BYTES_PER_ELEMENT),
    dataStart,
  );
  return file;
}
