// NPY, the file of one numpy array: a magic string, a header that is a Python dictionary literal, and the numbers. It reads
// versions 1.0 to 3.0, booleans, integers and floats of either byte order, and both memory orders. It does not read complex
// numbers, text, records or Python objects.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import type { OwnBytes } from "../arrays.ts";
import { refuseStrides } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { bytesOf, typedArrayName } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { concatBytes, elementCount, type NumericArray, type NumericData } from "./numbers.ts";
import {
  claimedCount,
  copyBytes,
  halfToFloat32,
  reverseElements,
  viewOrCopy,
} from "./numbers-read.ts";
import { encodeUtf8, quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

const MAX_RANK = 64; // the limit of numpy
/** The longest header of version 1.0. Longer headers describe records. */
const MAX_HEADER = 0xffff;

/** The kinds and item sizes of numpy, with the array type of such elements. */
const ARRAYS = {
  f8: Float64Array,
  f4: Float32Array,
  f2: Uint16Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  i4: Int32Array,
  u4: Uint32Array,
  i2: Int16Array,
  u2: Uint16Array,
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
};

/** The element types of NPY files, with the names of numpy. */
export type NpyType = keyof typeof ARRAYS;

const isType = (type: string): type is NpyType => Object.hasOwn(ARRAYS, type);

/** An array of an NPY file. */
export interface NpyArray extends NumericArray {
  /** The type in the file. `f2` is returned as float32, and `b1` as bytes 0 and 1. */
  readonly dtype: NpyType;
}

/** The facts in the header of an NPY file. */
export interface NpyHeader {
  readonly dtype: NpyType;
  readonly isBigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly dataStart: number;
}

/** The header at the beginning of a file. @throws FormatError unless it is complete and of a known form. */
export function parseHeader(bytes: Uint8Array): NpyHeader {
  const { dictionary, dataStart } = readHeader(bytes);
  const { descr, fortran_order: fortranOrder, shape } = parseDictionary(dictionary);

  const [, byteOrder, type] = /^([<>=|])(.+)$/.exec(String(descr)) ?? [];
  if (type === undefined || !isType(type)) {
    const known = Object.keys(ARRAYS).join(", ");
    throw new FormatError(`expected a dtype among ${known}, got ${quote(descr)}`);
  }
  if (typeof fortranOrder !== "boolean") {
    throw new FormatError(`expected fortran_order True or False, got ${quote(fortranOrder)}`);
  }
  if (!Array.isArray(shape) || shape.length > MAX_RANK) {
    throw new FormatError(
      `expected a shape such as (60000, 784) of at most ${MAX_RANK} sizes, got ${quote(shape)}`,
    );
  }
  return { dtype: type, isBigEndian: byteOrder === ">", fortranOrder, shape, dataStart };
}

/** The length of a file that begins with these bytes, if they contain it. */
export function npyFileBytes(head: Uint8Array): number | undefined {
  try {
    const { dtype, shape, dataStart } = parseHeader(head);
    return dataStart + claimedCount(shape) * itemSize(dtype);
  } catch {
    return undefined;
  }
}

/**
 * Reads a .npy file.
 * @param bytes The whole file. `data` is a view of it unless byte order, memory order or alignment require a copy.
 * @returns The shape, at most 64 sizes, and the elements, row-major for either order in the file.
 * @throws FormatError with the expected value, the given value and the place.
 */
export function decodeNpy(bytes: Uint8Array | ArrayBuffer): NpyArray {
  const file = bytesOf("the NPY file", bytes);
  const { dtype, isBigEndian, fortranOrder, shape, dataStart } = parseHeader(file);
  const count = claimedCount(shape);
  requireSize({ dtype, shape, dataStart }, file.length - dataStart);
  const data = decodeElements({ dtype, isBigEndian }, file, dataStart, count);
  return { dtype, shape, data: fortranOrder ? toRowMajor(data, shape) : data };
}

/** @throws FormatError unless an array of this header has `bytes` bytes. */
export function requireSize(
  { dtype, shape, dataStart }: Pick<NpyHeader, "dtype" | "shape" | "dataStart">,
  bytes: number,
): void {
  const expected = claimedCount(shape) * itemSize(dtype);
  if (bytes === expected) return;
  throw new FormatError(
    `${dtype} of shape (${shape}) takes ${expected} bytes, ` +
      `the file has ${bytes} from byte ${dataStart} on`,
    { byte: dataStart },
  );
}

/** The bytes of an element in the file. */
export const itemSize = (dtype: NpyType): number => ARRAYS[dtype].BYTES_PER_ELEMENT;

/** `count` elements of a file from byte `start` on: a view of the bytes unless byte order or alignment require a copy. */
export function decodeElements(
  { dtype, isBigEndian }: Pick<NpyHeader, "dtype" | "isBigEndian">,
  bytes: Uint8Array,
  start: number,
  count: number,
): NumericData {
  const ArrayType = ARRAYS[dtype];
  const size = itemSize(dtype);
  const elements = bytes.subarray(start, start + count * size);
  const data =
    isBigEndian && size > 1
      ? viewOrCopy<NumericData>(ArrayType, reverseElements(elements, size), 0, count)
      : viewOrCopy<NumericData>(ArrayType, elements, 0, count);
  return dtype === "f2" ? halfToFloat32(data as Uint16Array) : data;
}

/**
 * The bytes of a .npy file: version 1.0, little-endian, row-major, with the header padded as numpy does.
 * @param array `data` is row-major, and its length is the product of `shape`.
 * @throws InvalidValueError for any other length, for an array with strides, or if the shape has more than 64 sizes.
 */
export function encodeNpy(array: NumericArray): OwnBytes {
  return concatBytes([...writeNpy(array)]);
}

/**
 * The same as `encodeNpy`, in two pieces: the header, and the bytes of the array. They are not copied and must not change
 * before they are written.
 */
export function* writeNpy(array: NumericArray): Generator<Uint8Array, void, undefined> {
  refuseStrides("the array", array);
  const { shape, data } = array;
  if (elementCount(shape) !== data.length || shape.length > MAX_RANK) {
    throw new InvalidValueError(`${data.length} elements do not have the shape (${shape})`);
  }
  const size = data.BYTES_PER_ELEMENT;
  const name = typedArrayName(data) ?? "";
  const kind = name.includes("Float") ? "f" : name.includes("Uint") ? "u" : "i";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = encodeUtf8(
    `{'descr': '${size === 1 ? "|" : "<"}${kind}${size}', 'fortran_order': False, 'shape': (${sizes}), }`,
  );
  const header = new Uint8Array((10 + dictionary.length + 1 + 63) & ~63);
  header.set(MAGIC);
  header[6] = 1;
  new DataView(header.buffer).setUint16(8, header.length - 10, true);
  header.set(dictionary, 10);
  header.fill(0x20, 10 + dictionary.length, header.length - 1);
  header[header.length - 1] = 0x0a;
  yield header;
  yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The number of bytes that parsing the header of a file needs, as far as these first bytes tell. */
export function headerBytes(head: Uint8Array): number {
  if (head.length < 12) return 12;
  const view = new DataView(head.buffer, head.byteOffset);
  const [start, length] =
    head[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  return start + Math.min(length, MAX_HEADER);
}

function readHeader(bytes: Uint8Array): { dictionary: string; dataStart: number } {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError("expected an NPY file: its first six bytes are not \\x93NUMPY");
  }
  const version = bytes[6];
  if (version === undefined || version < 1 || version > 3 || bytes[7] !== 0) {
    throw new FormatError(`expected NPY version 1.0, 2.0 or 3.0, got ${version}.${bytes[7]}`);
  }
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) {
    throw new FormatError(`the file ends at byte ${bytes.length}, within the header's length`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) {
    throw new FormatError(`a header has at most ${MAX_HEADER} bytes, this one claims ${length}`);
  }
  if (start + length > bytes.length) {
    throw new FormatError(
      `the header ends at byte ${start + length}, the file at byte ${bytes.length}`,
    );
  }
  // Versions 1 and 2 are Latin-1. They only differ from UTF-8 in field names of records.
  const dictionary = decodeUtf8(copyBytes(bytes, start, length));
  if (dictionary === undefined) throw new FormatError("the header is not UTF-8");
  return { dictionary, dataStart: start + length };
}

/** Parses a Python dictionary literal of strings, booleans and tuples of integers. */
function parseDictionary(text: string): Record<string, unknown> {
  const tokens = text.match(/'[^'\\]*'|"[^"\\]*"|\w+|\S/g) ?? [];
  let next = 0;
  const fail = () =>
    new FormatError(
      "expected a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, " +
        `got ${quote(text.trimEnd())}`,
    );
  const expectToken = (token: string) => {
    if (tokens[next++] !== token) throw fail();
  };
  const string = () => {
    const token = tokens[next++];
    if (!token || !/^['"]./.test(token)) throw fail();
    return token.slice(1, -1);
  };
  const tuple = () => {
    const sizes: number[] = [];
    expectToken("(");
    while (tokens[next] !== ")") {
      const token = tokens[next++];
      if (!token || !/^\d{1,15}L?$/.test(token)) throw fail(); // Python 2 wrote 3L
      sizes.push(Number.parseInt(token, 10));
      if (tokens[next] !== ")") expectToken(",");
    }
    next++;
    return sizes;
  };

  const dictionary: Record<string, unknown> = Object.create(null);
  expectToken("{");
  while (tokens[next] !== "}") {
    const key = string();
    expectToken(":");
    const first = tokens[next];
    if (key in dictionary || first === undefined) throw fail();
    if (first === "True" || first === "False") {
      dictionary[key] = first === "True";
      next++;
    } else if (first === "[") {
      throw new FormatError(`arrays of records are not supported, got ${quote(text.trimEnd())}`);
    } else {
      dictionary[key] = first === "(" ? tuple() : string();
    }
    if (tokens[next] !== "}") expectToken(",");
  }
  if (next !== tokens.length - 1) throw fail();
  return dictionary;
}

/** Converts column-major to row-major order. It reads the file in order and counts indices with the first one fastest. */
function toRowMajor(data: NumericData, shape: readonly number[]): NumericData {
  if (shape.length < 2) return data;
  const wheels = shape.map((size, axis) => ({
    size,
    stride: elementCount(shape.slice(axis + 1)),
    index: 0,
  }));
  const out = data.slice() as Float64Array;
  let at = 0;
  for (const value of data as Float64Array) {
    out[at] = value;
    for (const wheel of wheels) {
      at += wheel.stride;
      if (++wheel.index < wheel.size) break;
      at -= wheel.stride * wheel.size;
      wheel.index = 0;
    }
  }
  return out;
}
