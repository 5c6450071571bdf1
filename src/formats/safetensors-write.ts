// Writes safetensors; see safetensors.ts for what they are. Apart from the reader, which a page loads with
// its first file.

import { InvalidValueError } from "../errors.ts";
import { elementCount } from "./numbers.ts";
import { ARRAYS, isSizes, MAX_HEADER, type NamedTensor } from "./safetensors-types.ts";
import { encodeUtf8, quote } from "./text.ts";

/**
 * The bytes of a safetensors file. Tensors keep their order, but wider element types come first so
 * that every tensor is aligned.
 * @throws InvalidValueError for a repeated or reserved name, or data that its dtype or shape does not fit.
 */
export function encodeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) entries.set("__metadata__", metadata);
  let end = 0;
  for (const { name, dtype, shape, data } of sorted) {
    if (entries.has(name) || name === "__metadata__" || name === "__proto__") {
      throw new InvalidValueError(
        `tensor names must differ and not be reserved, got ${quote(name)} again`,
      );
    }
    if (
      Object.prototype.toString.call(data) !== `[object ${ARRAYS[dtype]?.name}]` ||
      !isSizes(shape) ||
      elementCount(shape) !== data.length
    ) {
      throw new InvalidValueError(
        `tensor ${quote(name)}: ${data.length} elements of ${data.constructor.name} ` +
          `are not ${dtype} of shape [${shape}]`,
      );
    }
    const begin = end;
    end += data.byteLength;
    entries.set(name, { dtype, shape, data_offsets: [begin, end] });
  }

  const header = encodeUtf8(JSON.stringify(Object.fromEntries(entries)));
  const length = (header.length + 7) & ~7; // padded with spaces: tensors start 8-aligned
  if (length > MAX_HEADER) {
    throw new InvalidValueError(
      `a header has at most ${MAX_HEADER} bytes, these names need ${length}`,
    );
  }
  const file = new Uint8Array(8 + length + end);
  new DataView(file.buffer).setUint32(0, length, true);
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + length);
  let offset = 8 + length;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}
