// Undoing gzip, the checksums and lengths of all members checked. The web's DecompressionStream reads one
// member and refuses or drops what follows, so that files made of several (bgzip, `cat a.gz b.gz`) would
// fail on some hosts. Node, Deno and Bun have zlib, which reads them all, off the main thread; elsewhere
// pako, its port, is loaded when the first file asks for it.

import { FormatError } from "./errors.ts";

/** A stream of node:zlib, as far as it is used here. */
interface NodeGunzip extends AsyncIterable<Uint8Array> {
  write(piece: Uint8Array, done: (error?: Error | null) => void): boolean;
  end(): void;
  once(event: "close", listener: () => void): void;
  destroy(error?: unknown): void;
}

interface ZlibHost {
  readonly process?: {
    getBuiltinModule?(
      name: "node:zlib",
    ): { createGunzip(options: { chunkSize: number }): NodeGunzip } | undefined;
  };
}

const OUTPUT_BYTES = 1 << 18;
/** pako works off all it is given before it hands anything out: this much can become 16 MB. */
const INPUT_BYTES = 1 << 14;

/**
 * The bytes that all members of gzip data decompress to, one member after the other. Zeros after the last
 * member are padding.
 * @throws FormatError for data that are damaged or cut off; the source's own errors as they are.
 */
export function gunzip(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zlib = (globalThis as ZlibHost).process?.getBuiltinModule?.("node:zlib");
  return zlib
    ? gunzipByNode(source, zlib.createGunzip({ chunkSize: OUTPUT_BYTES }))
    : gunzipByPako(source);
}

const damaged = (reason: string): FormatError =>
  new FormatError(`the gzip data is damaged or cut off: ${reason}`);

async function* gunzipByNode(
  source: AsyncIterable<Uint8Array>,
  stream: NodeGunzip,
): AsyncGenerator<Uint8Array, void, undefined> {
  let settle: ((isWritten: boolean) => void) | undefined;
  stream.once("close", () => settle?.(false)); // the write under way when data prove damaged is not told
  const write = (piece: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      settle = resolve;
      stream.write(piece, (error) => resolve(!error));
    });
  let failure: { readonly error: unknown } | undefined; // the source's own, to be passed on as it is
  const feed = async () => {
    try {
      // A refused write is an error of the data, or our own end: who reads the stream is told.
      for await (const piece of source) if (piece.length > 0 && !(await write(piece))) return;
      stream.end();
    } catch (error) {
      failure = { error };
      stream.destroy(error);
    }
  };
  const feeding = feed();
  try {
    for await (const piece of stream) {
      yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    }
  } catch (error) {
    if (failure) throw failure.error;
    throw damaged((error as Error).message);
  } finally {
    stream.destroy();
    await feeding;
  }
}

/** As `gunzip`, wherever there is no node:zlib. */
export async function* gunzipByPako(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Inflate } = await import("pako");
  let ready: Uint8Array[] = [];
  let bytesLeft = () => 0;
  const makeMember = () => {
    const inflate = new Inflate({ chunkSize: OUTPUT_BYTES, windowBits: 31 });
    inflate.onStart = (stream) => {
      bytesLeft = () => stream.avail_in;
    };
    inflate.onData = (bytes) => {
      ready.push(bytes as Uint8Array);
    };
    inflate.onEnd = () => {};
    return inflate;
  };
  let member = makeMember();
  let isPadding = false;
  for await (const piece of source) {
    for (let at = 0; at < piece.length && !isPadding; at += INPUT_BYTES) {
      if (member.ended) {
        isPadding = piece[at] === 0;
        if (isPadding) break;
        member = makeMember();
      }
      member.push(piece.subarray(at, at + INPUT_BYTES), false);
      yield* ready;
      ready = [];
      if (member.err !== 0) throw damaged(member.msg);
      // What a member leaves begins with a zero: pako continues with another member by itself.
      isPadding = member.ended && bytesLeft() > 0;
    }
  }
  if (!member.ended) {
    member.push(new Uint8Array(0), true);
    yield* ready;
    throw damaged(member.err === 0 ? "unexpected end of file" : member.msg);
  }
}
