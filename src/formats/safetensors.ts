// Safetensors, a format for named tensors without executable code: an 8-byte little-endian header length, a JSON header, and
// the bytes of the tensors without gaps. The reader and the writer are strict: they refuse duplicate names, holes and
// overlaps. https://github.com/huggingface/safetensors#format. Tensors are little-endian, and the host is assumed to be too.

import { bytesOf } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { elementCount } from "./numbers.ts";
import { claimedCount, copyBytes, halfToFloat32, toFloat32, viewOrCopy } from "./numbers-read.ts";
import {
  ARRAYS,
  isSizes,
  MAX_HEADER,
  type SafeTensor,
  type SafetensorsData,
  type SafetensorsType,
} from "./safetensors-types.ts";
import { printable, quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

const MAX_DEPTH = 3; // the header, the entry of a tensor, its shape
/** About twenty times as many as a model of 1,000 layers has with its optimizer's state. */
const MAX_TENSORS = 1 << 18;

/** The contents of a safetensors file. */
export interface Safetensors {
  /** The tensors by name, in the order of the file. */
  readonly tensors: Map<string, SafeTensor>;
  /** The `__metadata__` of the header. Empty if there is none. It has no prototype. */
  readonly metadata: Record<string, string>;
}

const isType = (dtype: unknown): dtype is SafetensorsType =>
  typeof dtype === "string" && Object.hasOwn(ARRAYS, dtype);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a safetensors file.
 * @param bytes The whole file. Tensors are views of it if they are aligned, otherwise copies.
 * @returns The tensors by name, in the order of the file, and the metadata.
 * @throws FormatError with the expected value, the given value and the place.
 */
export function decodeSafetensors(bytes: Uint8Array | ArrayBuffer): Safetensors {
  const file = bytesOf("the safetensors file", bytes);
  const header = readHeader(file);
  const dataStart = 8 + header.bytes;
  const dataLength = file.length - dataStart;

  const metadata: Record<string, string> = Object.create(null);
  const ranges: { name: string; begin: number; end: number }[] = [];
  const tensors = new Map<string, SafeTensor>();
  for (const [name, entry] of Object.entries(header.entries)) {
    if (name === "__metadata__") {
      if (!isObject(entry) || Object.values(entry).some((value) => typeof value !== "string")) {
        throw new FormatError("__metadata__ must map names to text");
      }
      Object.assign(metadata, entry);
      continue;
    }
    const fail = (problem: string) =>
      new FormatError(`tensor ${quote(name)}: ${problem}`, { tensor: name });
    if (!isObject(entry)) throw fail(`expected an entry with dtype and shape, got ${quote(entry)}`);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (!isType(dtype)) {
      throw fail(`expected a dtype among ${Object.keys(ARRAYS).join(", ")}, got ${quote(dtype)}`);
    }
    if (!isSizes(shape)) throw fail(`expected a shape of sizes from 0 up, got ${quote(shape)}`);
    const [begin, end, ...more] = isSizes(offsets) ? offsets : [];
    if (begin === undefined || end === undefined || more.length > 0 || begin > end) {
      throw fail(`expected data_offsets [begin, end] from 0 up, got ${quote(offsets)}`);
    }
    if (end > dataLength) {
      throw fail(`its data ends at byte ${end} of the ${dataLength} there are: is the file whole?`);
    }
    const ArrayType = ARRAYS[dtype];
    const count = elementCount(shape);
    if (end - begin !== count * ArrayType.BYTES_PER_ELEMENT) {
      throw fail(
        `${dtype} of shape ${quote(shape)} does not fill its ${end - begin} bytes exactly`,
      );
    }
    claimedCount(shape);
    const data = viewOrCopy<SafetensorsData>(ArrayType, file, dataStart + begin, count);
    tensors.set(name, { dtype, shape, data });
    ranges.push({ name, begin, end });
  }

  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps the one before it" : "leaves a hole before it";
      throw new FormatError(
        `tensor ${quote(name)}: its data starts at byte ${begin}, not ${covered}, and so ${problem}`,
        { tensor: name, byte: begin },
      );
    }
    covered = end;
  }
  if (covered !== dataLength) {
    throw new FormatError(`${dataLength - covered} bytes at the end belong to no tensor`);
  }
  return { tensors, metadata };
}

/** The JSON header of a file and its length in bytes. */
function readHeader(file: Uint8Array): { entries: Record<string, unknown>; bytes: number } {
  if (file.length < 8) {
    throw new FormatError(`expected an 8-byte header length, the file has ${file.length} bytes`);
  }
  const view = new DataView(file.buffer, file.byteOffset, 8);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length > MAX_HEADER) {
    throw new FormatError(`a header has at most ${MAX_HEADER} bytes, this one claims ${length}`);
  }
  if (length > file.length - 8) {
    throw new FormatError(
      `the header claims ${length} bytes and the file has ${file.length - 8} after its length`,
    );
  }
  const text = decodeUtf8(copyBytes(file, 8, length));
  if (text === undefined) throw new FormatError("the header is not UTF-8");
  if (text[0] !== "{") {
    throw new FormatError(`the header must open with "{", got ${quote(text.slice(0, 20))}`);
  }
  try {
    checkKeys(text);
    return { entries: JSON.parse(text), bytes: length };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`the header is not valid JSON: ${printable((error as Error).message)}`);
  }
}

/**
 * Throws for JSON that JSON.parse accepts but that is not allowed: repeated keys, a `__proto__` key, deep nesting, and too
 * many tensors. It makes one pass over the text. Text that is not JSON is left to JSON.parse.
 */
function checkKeys(json: string): void {
  const open: Set<string>[] = [];
  let names = 0;
  let start = -1; // the start of the string that could be a key, and its end
  let end = -1;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (c === QUOTE) {
      start = i++;
      while (i < json.length && json.charCodeAt(i) !== QUOTE) {
        i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
      }
      end = i + 1;
    } else if (c === COLON) {
      if (start < 0) continue; // there is no key before it, so it is not JSON
      const key = keyOf(json, start, end);
      start = -1;
      if (key === "__proto__") throw new FormatError('the header has a reserved name, "__proto__"');
      const keys = open.at(-1);
      if (keys?.has(key)) throw new FormatError(`the header has the name ${quote(key)} twice`);
      keys?.add(key);
      if (open.length === 1 && ++names > MAX_TENSORS) {
        throw new FormatError(`the header names more than ${MAX_TENSORS} tensors`);
      }
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (open.push(new Set()) > MAX_DEPTH) {
        throw new FormatError(`the header nests more than ${MAX_DEPTH} deep at character ${i}`);
      }
    } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      open.pop();
    }
  }
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The string between two quotes of a JSON text. */
function keyOf(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end - 1);
  return text.includes("\\") ? JSON.parse(json.slice(start, end)) : text;
}

const FLOATS: readonly SafetensorsType[] = ["F32", "F64", "F16", "BF16"];

/**
 * The float32 values of a tensor of weights: its own array if it is F32, otherwise a converted copy.
 * @throws FormatError with the name of the tensor, if it has integers, NaN or infinite values.
 */
export function finiteFloat32(name: string, tensor: SafeTensor): Float32Array {
  const data = weightsOf(name, tensor);
  requireFinite(name, data, 0, data.length);
  return data;
}

/** The same without a look at the numbers. */
export function weightsOf(name: string, tensor: SafeTensor): Float32Array {
  const { dtype } = tensor;
  if (!FLOATS.includes(dtype)) {
    throw new FormatError(
      `The tensor ${quote(name)} is ${dtype}; weights are ${FLOATS.join(", ")}.`,
      { tensor: name },
    );
  }
  return tensorToFloat32(tensor);
}

/** Throws a FormatError for a number of `data` from element `from` to before `to` that is NaN or infinite. */
export function requireFinite(name: string, data: Float32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const value = data[i] ?? Number.NaN;
    if (value - value === 0) continue;
    throw new FormatError(
      `The tensor ${quote(name)} must hold finite numbers; element ${i} is ${value}.`,
      { tensor: name },
    );
  }
}

/**
 * The values of a tensor as float32: its own array if it is F32, otherwise a converted copy. The conversion from F16 and BF16
 * is exact. F64 and wide integers are rounded.
 */
export function tensorToFloat32({ dtype, data }: SafeTensor): Float32Array {
  if (dtype === "F16") return halfToFloat32(data as Uint16Array);
  if (dtype !== "BF16") return toFloat32(data);
  return new Float32Array(new Uint32Array(data as Uint16Array).map((bits) => bits << 16).buffer);
}
