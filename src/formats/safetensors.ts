// Safetensors, the file that holds named tensors and nothing that could run:
// an 8-byte little-endian header length, a JSON header, the tensors' bytes end to end.
// Strict both ways: https://github.com/huggingface/safetensors#format, duplicate names, holes and
// overlaps refused. Tensors are little-endian in the file and are taken to be so in the host.

import { FormatError } from "./errors.ts";
import { elementCount } from "./numbers.ts";
import { copyBytes, halfToFloat32, toFloat32, viewOrCopy } from "./numbers-read.ts";
import {
  ARRAYS,
  isSizes,
  MAX_HEADER,
  type SafeTensor,
  type SafetensorsData,
  type SafetensorsType,
} from "./safetensors-types.ts";
import { quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

const MAX_DEPTH = 3; // the header, a tensor's entry, its shape

export interface Safetensors {
  readonly tensors: Map<string, SafeTensor>;
  /** The header's `__metadata__`; empty where there is none. Has no prototype. */
  readonly metadata: Record<string, string>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a safetensors file. Tensors are views into `bytes` where alignment allows and copies where
 * it does not.
 * @throws FormatError that says what was expected, what came and where.
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const header = readHeader(bytes);
  const dataStart = 8 + header.bytes;
  const dataLength = bytes.length - dataStart;

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
    const fail = (problem: string) => new FormatError(`tensor ${quote(name)}: ${problem}`);
    if (!isObject(entry)) throw fail(`expected an entry with dtype and shape, got ${quote(entry)}`);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
      throw fail(`expected a dtype among ${Object.keys(ARRAYS).join(", ")}, got ${quote(dtype)}`);
    }
    if (!isSizes(shape)) throw fail(`expected a shape of sizes from 0 up, got ${quote(shape)}`);
    if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
      throw fail(`expected data_offsets [begin, end] from 0 up, got ${quote(offsets)}`);
    }
    const [begin, end] = offsets as [number, number];
    if (end > dataLength) {
      throw fail(`its data ends at byte ${end} of the ${dataLength} there are: is the file whole?`);
    }
    const ArrayType = ARRAYS[dtype as SafetensorsType];
    const count = elementCount(shape);
    if (end - begin !== count * ArrayType.BYTES_PER_ELEMENT) {
      throw fail(`${dtype} of shape [${shape}] does not fill its ${end - begin} bytes exactly`);
    }
    const data = viewOrCopy<SafetensorsData>(ArrayType, bytes, dataStart + begin, count);
    tensors.set(name, { dtype: dtype as SafetensorsType, shape, data });
    ranges.push({ name, begin, end });
  }

  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps the one before it" : "leaves a hole before it";
      throw new FormatError(
        `tensor ${quote(name)}: its data starts at byte ${begin}, not ${covered}, and so ${problem}`,
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
    throw new FormatError(`the header is not valid JSON: ${(error as Error).message}`);
  }
}

/** Refuses what JSON.parse lets through: repeated keys, a `__proto__` key, and any deep nest. */
function checkKeys(json: string): void {
  const open: Set<string>[] = [];
  let start = 0; // of the last string, and its end
  let end = 0;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') {
      start = i++;
      while (i < json.length && json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
      end = i + 1;
    } else if (c === ":") {
      const key: string = JSON.parse(json.slice(start, end));
      const keys = open[open.length - 1];
      if (key === "__proto__") throw new FormatError('the header has a reserved name, "__proto__"');
      if (keys?.has(key)) throw new FormatError(`the header has the name ${quote(key)} twice`);
      keys?.add(key);
    } else if (c === "{" || c === "[") {
      if (open.push(new Set()) > MAX_DEPTH) {
        throw new FormatError(`the header nests more than ${MAX_DEPTH} deep at character ${i}`);
      }
    } else if (c === "}" || c === "]") {
      open.pop();
    }
  }
}

/**
 * The tensor's values as float32: its own array where it is F32, else a converted copy (exact from
 * F16 and BF16, rounded from F64 and wide integers).
 */
export function tensorToFloat32({ dtype, data }: SafeTensor): Float32Array {
  if (dtype === "F16") return halfToFloat32(data as Uint16Array);
  if (dtype !== "BF16") return toFloat32(data);
  return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
}
