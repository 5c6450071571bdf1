// Writes safetensors. See safetensors.ts for the format.

import type { OwnBytes } from "../arrays.ts";
import { refuseStrides } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { typedArrayName } from "../platform/tags.ts";
import { elementCount } from "./numbers.ts";
import { packSafetensors } from "./safetensors-pack.ts";
import { ARRAYS, isSizes, MAX_HEADER, type NamedTensor } from "./safetensors-types.ts";
import { quote } from "./text.ts";

/**
 * The bytes of a safetensors file. Tensors keep their order, but wider element types come first, so that all are aligned.
 * @throws InvalidValueError for a repeated or reserved name, or data that do not fit their dtype or shape.
 */
export function encodeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): OwnBytes {
  const all = [...tensors];
  const names = new Set(["__metadata__", "__proto__"]);
  for (const tensor of all) {
    const { name, dtype, shape, data } = tensor;
    refuseStrides(`tensor ${quote(name)}`, tensor);
    if (names.has(name)) {
      throw new InvalidValueError(
        `tensor names must differ and not be reserved, got ${quote(name)} again`,
      );
    }
    names.add(name);
    if (
      typedArrayName(data) !== ARRAYS[dtype]?.name ||
      !isSizes(shape) ||
      elementCount(shape) !== data.length
    ) {
      throw new InvalidValueError(
        `tensor ${quote(name)}: ${data.length} elements of ${data.constructor.name} ` +
          `are not ${dtype} of shape [${shape}]`,
      );
    }
  }
  const file = packSafetensors(all, metadata);
  const length = new DataView(file.buffer).getUint32(0, true);
  if (length > MAX_HEADER) {
    throw new InvalidValueError(
      `a header has at most ${MAX_HEADER} bytes, these names need ${length}`,
    );
  }
  return file;
}
