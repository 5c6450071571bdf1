// Writes a safetensors file of tensors that are known to be valid, those of a model. Every page that saves a model loads this
// file. safetensors-write.ts checks the tensors of callers.

import type { OwnBytes } from "../arrays.ts";
import type { NamedTensor } from "./safetensors-types.ts";
import { encodeUtf8 } from "./text.ts";

/** The bytes of the file. Tensors keep their order, but wider element types come first, so that all are aligned. */
export function packSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata: Readonly<Record<string, string>>,
): OwnBytes {
  const sorted = [...tensors].sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries: [string, unknown][] =
    Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const { name, dtype, shape, data } of sorted) {
    const begin = end;
    end += data.byteLength;
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const header = encodeUtf8(JSON.stringify(Object.fromEntries(entries)));
  const length = (header.length + 7) & ~7; // padded with spaces: tensors start 8-aligned
  const file = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setUint32(0, length, true);
  file.set(header, 8);
  let offset = 8 + length;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}
