// Byte streams as async iterables, the one shape that Node's, the web's and hand-made streams share:
// gathering them, and undoing gzip.

import { bytesOf, isArrayBuffer } from "../platform/tags.ts";
import { gunzip } from "./gunzip.ts";
import { concatBytes } from "./numbers.ts";

/**
 * What a reader accepts: a file's bytes, whole or in pieces of any length one after another, plain or
 * gzipped. A web stream of bytes is such an iterable (`response.body`, `file.stream()`), and so is a Node
 * stream. Arrays may be of any realm.
 */
export type ByteSource = Uint8Array | ArrayBuffer | AsyncIterable<Uint8Array>;

/** The source's bytes in pieces, decompressed where the first two are gzip's. */
export async function* readBytes(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = piecesOf(source);
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const { done, value } = await pieces.next();
    if (done) break;
    head = head.length === 0 ? value : concatBytes([head, value]);
  }
  const all = (async function* () {
    try {
      yield head;
      yield* pieces;
    } finally {
      await pieces.return();
    }
  })();
  yield* head[0] === 0x1f && head[1] === 0x8b ? gunzip(all) : all;
}

const FIRST_CAPACITY = 1 << 16;
/** A file may claim any size: so much is believed at first, and then four times what has arrived. */
const BELIEVED_BYTES = 1 << 26;

/**
 * All of a source's bytes, decompressed where they are gzip. One plain array comes back as it is.
 * @param expectedBytes Tells from the first bytes how many there will be, where it can: spares copies.
 */
export async function gatherBytes(
  source: ByteSource,
  expectedBytes: (head: Uint8Array) => number | undefined = () => undefined,
): Promise<Uint8Array> {
  let all: Uint8Array = new Uint8Array(0);
  let length = 0;
  let expected = 0;
  for await (const piece of readBytes(source)) {
    if (piece.length === 0) continue;
    const needed = length + piece.length;
    if (length === 0) {
      expected = expectedBytes(piece) ?? 0;
      all = piece;
    } else {
      if (needed > all.length) {
        const believed = Math.min(expected, Math.max(BELIEVED_BYTES, 4 * needed));
        const larger = new Uint8Array(
          needed <= believed ? believed : Math.max(2 * needed, FIRST_CAPACITY),
        );
        larger.set(all.subarray(0, length));
        all = larger;
      }
      all.set(piece, length);
    }
    length = needed;
  }
  return length === all.length ? all : all.subarray(0, length);
}

async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (ArrayBuffer.isView(source) || isArrayBuffer(source)) {
    yield unshared(bytesOf("the source", source));
  } else {
    for await (const piece of source) yield unshared(bytesOf("a piece of the source", piece));
  }
}

/** A copy of bytes in shared memory, which other threads may change and some functions refuse. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  isArrayBuffer(bytes.buffer) ? bytes : new Uint8Array(bytes);
