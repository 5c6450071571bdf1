// Byte streams as async iterables, which is the common form of Node's, the web's and other streams. Functions to read them
// completely, and to decompress gzip.

import { InvalidTypeError, show } from "../errors.ts";
import { bytesOf, isArrayBuffer } from "../platform/tags.ts";
import { gunzip } from "./gunzip.ts";
import { concatBytes } from "./numbers.ts";

/**
 * A source of bytes for a reader: the bytes of a file, whole or in consecutive pieces of any length, plain or gzipped. A web
 * stream of bytes is such an iterable (`response.body`, `file.stream()`), and so is a Node stream. Arrays may be of any
 * realm.
 */
export type ByteSource = Uint8Array | ArrayBuffer | AsyncIterable<Uint8Array>;

/** The bytes of a source in pieces. They are decompressed if the first two bytes are those of gzip. */
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

/**
 * All bytes of a source, decompressed if they are gzip. A single plain array is returned without a copy.
 * @param expectedBytes Returns the total number of bytes from the first bytes, if it can. This avoids copies.
 */
export async function gatherBytes(
  source: ByteSource,
  expectedBytes: (head: Uint8Array) => number | undefined = () => undefined,
): Promise<Uint8Array> {
  let all: GatheredBytes | undefined;
  for await (const piece of readBytes(source)) {
    if (piece.length === 0) continue;
    if (all) all.add(piece);
    else all = new GatheredBytes(piece, expectedBytes(piece));
  }
  return all?.bytes ?? new Uint8Array(0);
}

const FIRST_CAPACITY = 1 << 16;
/** A file can claim any size. This much is allocated at first, and later at most four times the bytes that have arrived. */
const BELIEVED_BYTES = 1 << 26;

/** Bytes that arrive in pieces, in one array. A single piece is not copied. */
export class GatheredBytes {
  #all: Uint8Array;
  #length: number;
  readonly #expected: number;

  /** @param expected The total number of bytes that the source claims. */
  constructor(first: Uint8Array, expected = 0) {
    this.#all = first;
    this.#length = first.length;
    this.#expected = expected;
  }

  add(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#all.length) {
      const believed = Math.min(this.#expected, Math.max(BELIEVED_BYTES, 4 * needed));
      const larger = new Uint8Array(
        needed <= believed ? believed : Math.max(2 * needed, FIRST_CAPACITY),
      );
      larger.set(this.bytes);
      this.#all = larger;
    }
    this.#all.set(piece, this.#length);
    this.#length = needed;
  }

  get bytes(): Uint8Array {
    return this.#length === this.#all.length ? this.#all : this.#all.subarray(0, this.#length);
  }
}

async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (ArrayBuffer.isView(source) || isArrayBuffer(source)) {
    yield unshared(bytesOf("the source", source));
  } else if (typeof source === "string") {
    throw new InvalidTypeError(
      `The source must be the bytes of a file; got the string ${show(source)}. Give text as new TextEncoder().encode(text), and a file as await readFile(path) or a stream of it.`,
    );
  } else if (!isIterable(source)) {
    throw new InvalidTypeError(
      `The source must be a Uint8Array, an ArrayBuffer or an async iterable of such; got ${show(source)}.`,
    );
  } else {
    for await (const piece of source) yield unshared(bytesOf("a piece of the source", piece));
  }
}

/** Whether `for await` takes a value. */
const isIterable = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  (Symbol.asyncIterator in value || Symbol.iterator in value);

/** A copy of bytes in shared memory, which other threads may change and some functions refuse. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  isArrayBuffer(bytes.buffer) ? bytes : new Uint8Array(bytes);
