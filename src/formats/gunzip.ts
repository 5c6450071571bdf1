// Decompresses gzip data and checks the checksums and lengths of all members. The web's DecompressionStream reads one member
// and rejects or ignores the rest, so files with several members (bgzip, `cat a.gz b.gz`) would fail on some hosts. Node,
// Deno and Bun have zlib, which reads all members outside of the main thread. Other hosts use pako, a port of zlib, which is
// imported when it is first needed.

import { FormatError } from "./errors.ts";

/** A stream of node:zlib, with the methods that are used here. */
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
/** pako processes all of its input before it returns any output. This much input can become 16 MB. */
const INPUT_BYTES = 1 << 14;

/**
 * The decompressed bytes of all members of gzip data, in order. Zeros after the last member are padding.
 * @throws FormatError for damaged or truncated data, and the errors of the source unchanged.
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
  stream.once("close", () => settle?.(false)); // for damaged data there is no callback of the current write
  const write = (piece: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      settle = resolve;
      stream.write(piece, (error) => resolve(!error));
    });
  let failure: { readonly error: unknown } | undefined; // the source's error, which is thrown unchanged
  const feed = async () => {
    try {
      // A failed write is an error of the data, or the end of the stream. The reader of the stream gets the error.
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

/** The same as `gunzip`, on hosts without node:zlib. */
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
      // The data after a member begin with a zero here. For another member, pako continues by itself.
      isPadding = member.ended && bytesLeft() > 0;
    }
  }
  if (!member.ended) {
    member.push(new Uint8Array(0), true);
    yield* ready;
    throw damaged(member.err === 0 ? "unexpected end of file" : member.msg);
  }
}
