// Byte streams as async iterables, the one shape that Node's, the web's and hand-made streams share:
// gathering them, and undoing gzip with the platform's own decompressor, which checks the checksums
// that small JavaScript ones skip.

import { bytesOf, isArrayBuffer } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { concatBytes } from "./numbers.ts";

/** What a reader accepts: one piece of bytes, or pieces of any length one after another; of any realm. */
export type ByteSource = Uint8Array | ArrayBuffer | AsyncIterable<Uint8Array>;

declare class DecompressionStream {
  constructor(format: "gzip");
  readonly readable: {
    getReader(): {
      read(): Promise<{ done: false; value: Uint8Array } | { done: true }>;
      cancel(): Promise<void>;
    };
  };
  readonly writable: {
    getWriter(): {
      write(chunk: Uint8Array): Promise<void>;
      close(): Promise<void>;
      abort(reason: unknown): Promise<void>;
    };
  };
}

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

/** All of a source's bytes, decompressed where they are gzip. One plain array comes back as it is. */
export async function gatherBytes(source: ByteSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readBytes(source)) if (piece.length > 0) pieces.push(piece);
  return pieces.length === 1 ? pieces[0]! : concatBytes(pieces);
}

async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (ArrayBuffer.isView(source) || isArrayBuffer(source)) yield bytesOf("the source", source);
  else for await (const piece of source) yield bytesOf("a piece of the source", piece);
}

const refuses = (promise: Promise<void>): Promise<boolean> =>
  promise.then(
    () => false,
    () => true,
  );

/** One gzip member, with its checksum: some platforms refuse what follows it, none of them skips it. */
async function* gunzip(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { readable, writable } = new DecompressionStream("gzip");
  const reader = readable.getReader();
  const writer = writable.getWriter();
  let failure: { readonly error: unknown } | undefined; // the source's own, to be passed on as it is
  const feed = async () => {
    try {
      // A refused write is the decompressor's error or our own cancelling: the reader tells which.
      for await (const piece of source) if (await refuses(writer.write(piece))) return;
    } catch (error) {
      failure = { error };
      await refuses(writer.abort(error));
    }
    if (!failure) await refuses(writer.close());
  };
  const feeding = feed();
  try {
    for (;;) {
      const result = await reader.read();
      if (result.done) break;
      yield result.value;
    }
  } catch (error) {
    if (failure) throw failure.error;
    const { message, cause } = error as Error;
    const reason = message || (cause as Error | undefined)?.message || "it does not decompress";
    throw new FormatError(`the gzip data is damaged or cut off: ${reason}`);
  } finally {
    await refuses(reader.cancel());
    await feeding;
  }
}
