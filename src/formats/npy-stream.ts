// An NPY file as a stream: its rows in pieces, in memory that does not grow with the file.

import {
  decodeElements,
  decodeNpy,
  headerBytes,
  itemSize,
  type NpyHeader,
  npyFileBytes,
  parseHeader,
  requireSize,
} from "./npy.ts";
import { concatBytes, elementCount, type NumericData } from "./numbers.ts";
import { gatherBytes } from "./streams.ts";

/** An array whose rows are read in pieces. The first size of the shape counts rows. */
export interface RowStream {
  readonly shape: readonly number[];
  /** All rows, at most `most` at a time. May be called once. */
  pieces(most: number): AsyncIterable<NumericData> | Iterable<NumericData>;
}

/** Files with longer rows are read whole. */
const MOST_ROW_BYTES = 1 << 20;

/**
 * Opens an NPY file.
 * @param source The bytes of the file. After an empty piece, which means a pause, the rows so far are given.
 * @throws FormatError as `decodeNpy` does: for the header at once, and for a wrong size after the last row.
 */
export async function openNpy(source: AsyncIterable<Uint8Array>): Promise<RowStream> {
  const bytes = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < headerBytes(head)) {
    const { done, value } = await bytes.next();
    if (done) break;
    head = head.length === 0 ? value : concatBytes([head, value]);
  }
  const header = parseHeader(head);
  const all = (async function* () {
    yield head;
    yield* { [Symbol.asyncIterator]: () => bytes }; // closes the source, if the reader stops early
  })();
  const rowBytes = elementCount(header.shape.slice(1)) * itemSize(header.dtype);
  // In column-major order, the first row ends near the end of the file. A header can claim rows of any size.
  if ((header.fortranOrder && header.shape.length > 1) || rowBytes > MOST_ROW_BYTES) {
    const { shape, data } = decodeNpy(await gatherBytes(all, npyFileBytes));
    return { shape, pieces: (most) => slices({ shape, data }, most) };
  }
  return { shape: header.shape, pieces: (most) => rowPieces(header, all, most) };
}

/** An array in memory as a stream of its rows. The pieces are views. */
export function* slices(
  { shape, data }: { readonly shape: readonly number[]; readonly data: NumericData },
  most: number,
): Generator<NumericData, void, undefined> {
  const width = elementCount(shape.slice(1));
  const [rows = 0] = shape;
  for (let row = 0; row < rows; row += most) {
    yield data.subarray(row * width, Math.min(row + most, rows) * width);
  }
}

async function* rowPieces(
  header: NpyHeader,
  source: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<NumericData, void, undefined> {
  const size = itemSize(header.dtype);
  const rowBytes = elementCount(header.shape.slice(1)) * size;
  const expected = elementCount(header.shape) * size;
  const part = new Uint8Array(Math.min(most * rowBytes, expected));
  let filled = 0;
  let total = 0;
  let skip = header.dataStart;
  /** A copy of the whole rows of the part. What follows them begins the next part. */
  const takeRows = (): NumericData => {
    const whole = filled - (filled % rowBytes);
    const taken = decodeElements(header, part.slice(0, whole), 0, whole / size);
    part.copyWithin(0, whole, filled);
    filled -= whole;
    return taken;
  };
  for await (const piece of source) {
    if (piece.length === 0 && filled >= rowBytes) yield takeRows();
    const data = piece.subarray(Math.min(skip, piece.length));
    skip -= piece.length - data.length;
    total += data.length;
    for (let at = 0; at < data.length && total <= expected; ) {
      const some = data.subarray(at, at + part.length - filled);
      part.set(some, filled);
      filled += some.length;
      at += some.length;
      if (filled === part.length) yield takeRows();
    }
  }
  requireSize(header, total);
  if (filled > 0) yield takeRows();
}
