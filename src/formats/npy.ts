// NPY, numpy's file of one array: a magic string, a header that is a Python dictionary literal, and
// the numbers. Reads versions 1.0 to 3.0, booleans, integers and floats of either byte order, and
// both memory orders; not complex numbers, text, records or Python objects.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { InvalidValueError } from "../errors.ts";
import { FormatError } from "./errors.ts";
import { elementCount, type NumericArray, type NumericData } from "./numbers.ts";
import { copyBytes, halfToFloat32, reverseElements, viewOrCopy } from "./numbers-read.ts";
import { encodeUtf8, quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

const MAX_RANK = 64; // numpy's own

/** numpy's kind and item size, with the array that holds such elements. */
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

export type NpyType = keyof typeof ARRAYS;

export interface NpyArray extends NumericArray {
  /** What the file held: `f2` comes as float32, `b1` as 0 and 1 in bytes. */
  readonly dtype: NpyType;
}

/**
 * Reads a .npy file. `data` is row-major whatever the file's order, and a view into `bytes` where
 * neither byte order, memory order nor alignment asks for a copy.
 * @throws FormatError that says what was expected, what came and where.
 */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const { dictionary, dataStart } = readHeader(bytes);
  const { descr, fortran_order: fortranOrder, shape } = parseDictionary(dictionary);

  const [, byteOrder, type] = /^([<>=|])(.+)$/.exec(String(descr)) ?? [];
  if (type === undefined || !Object.hasOwn(ARRAYS, type)) {
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

  const dtype = type as NpyType;
  const ArrayType = ARRAYS[dtype];
  const size = ArrayType.BYTES_PER_ELEMENT;
  const count = elementCount(shape);
  if (count * size !== bytes.length - dataStart) {
    throw new FormatError(
      `${dtype} of shape (${shape}) takes ${count * size} bytes, ` +
        `the file has ${bytes.length - dataStart} from byte ${dataStart} on`,
    );
  }
  let data: NumericData =
    byteOrder === ">" && size > 1
      ? viewOrCopy<NumericData>(
          ArrayType,
          reverseElements(bytes.subarray(dataStart), size),
          0,
          count,
        )
      : viewOrCopy<NumericData>(ArrayType, bytes, dataStart, count);
  if (dtype === "f2") data = halfToFloat32(data as Uint16Array);
  return { dtype, shape, data: fortranOrder ? toRowMajor(data, shape) : data };
}

/** The bytes of a .npy file: version 1.0, little-endian, row-major, the header padded as numpy does. */
export function encodeNpy({ shape, data }: NumericArray): Uint8Array<ArrayBuffer> {
  if (elementCount(shape) !== data.length || shape.length > MAX_RANK) {
    throw new InvalidValueError(`${data.length} elements do not have the shape (${shape})`);
  }
  const size = data.BYTES_PER_ELEMENT;
  const name = Object.prototype.toString.call(data);
  const kind = name.includes("Float") ? "f" : name.includes("Uint") ? "u" : "i";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = encodeUtf8(
    `{'descr': '${size === 1 ? "|" : "<"}${kind}${size}', 'fortran_order': False, 'shape': (${sizes}), }`,
  );
  const dataStart = (10 + dictionary.length + 1 + 63) & ~63;
  const file = new Uint8Array(dataStart + data.byteLength);
  file.set(MAGIC);
  file[6] = 1;
  new DataView(file.buffer).setUint16(8, dataStart - 10, true);
  file.set(dictionary, 10);
  file.fill(0x20, 10 + dictionary.length, dataStart - 1);
  file[dataStart - 1] = 0x0a;
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart);
  return file;
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
  if (start + length > bytes.length) {
    throw new FormatError(
      `the header ends at byte ${start + length}, the file at byte ${bytes.length}`,
    );
  }
  // Versions 1 and 2 are Latin-1, which differs from UTF-8 only in field names of records.
  const dictionary = decodeUtf8(copyBytes(bytes, start, length));
  if (dictionary === undefined) throw new FormatError("the header is not UTF-8");
  return { dictionary, dataStart: start + length };
}

/** A Python dictionary literal of strings, truth values and tuples of integers, and no more. */
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

/** Column-major to row-major: walks the file in order, as an odometer whose first wheel turns fastest. */
function toRowMajor(data: NumericData, shape: readonly number[]): NumericData {
  if (shape.length < 2) return data;
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const index = shape.map(() => 0);
  const out = data.slice() as Float64Array;
  let at = 0;
  for (const value of data as Float64Array) {
    out[at] = value;
    for (let axis = 0; axis < shape.length; axis++) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
