// IDX, the file of MNIST: two zero bytes, the element type, the number of dimensions, each size as a
// big-endian uint32, then the numbers, big-endian and row-major. http://yann.lecun.com/exdb/mnist/

import { FormatError } from "./errors.ts";
import { elementCount, type NumericArray, type NumericData } from "./numbers.ts";
import { reverseElements, viewOrCopy } from "./numbers-read.ts";

const ARRAYS = {
  8: Uint8Array,
  9: Int8Array,
  11: Int16Array,
  12: Int32Array,
  13: Float32Array,
  14: Float64Array,
};

/**
 * Reads an IDX file (already decompressed). `data` is a view into `bytes` for one-byte elements and
 * a copy in the host's byte order for wider ones.
 * @throws FormatError that says what was expected, what came and where.
 */
export function decodeIdx(bytes: Uint8Array): NumericArray {
  const [zero, alsoZero, code, rank] = bytes;
  if (rank === undefined) {
    throw new FormatError(`an IDX file opens with 4 bytes, this one has ${bytes.length}`);
  }
  if (zero !== 0 || alsoZero !== 0) {
    throw new FormatError(`an IDX file opens with two zero bytes, got ${zero} and ${alsoZero}`);
  }
  if (!Object.hasOwn(ARRAYS, code!)) {
    const known = Object.keys(ARRAYS).join(", ");
    throw new FormatError(`the element type at byte 2 must be one of ${known}, got ${code}`);
  }
  const ArrayType = ARRAYS[code as keyof typeof ARRAYS];
  const dataStart = 4 + 4 * rank;
  if (bytes.length < dataStart) {
    throw new FormatError(`${rank} sizes end at byte ${dataStart}, the file at ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = elementCount(shape);
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (count * size !== bytes.length - dataStart) {
    throw new FormatError(
      `the shape [${shape}] takes ${count * size} bytes, ` +
        `the file has ${bytes.length - dataStart} from byte ${dataStart} on`,
    );
  }
  const data =
    size === 1
      ? viewOrCopy<NumericData>(ArrayType, bytes, dataStart, count)
      : viewOrCopy<NumericData>(
          ArrayType,
          reverseElements(bytes.subarray(dataStart), size),
          0,
          count,
        );
  return { shape, data };
}
