// Bytes from files, pipes and the standard input.

import { constants, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { CommandError, fileError } from "./errors.ts";

export interface Source {
  /**
   * The bytes in pieces. For a pipe or a terminal, an empty piece means a pause, so that the data received so far can be
   * processed.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The total number of bytes, if it is known. */
  readonly size: number | undefined;
  /** Bytes read so far. */
  bytesRead(): number;
  /** Whether the same bytes can be read again. */
  readonly isFile: boolean;
}

/** The name of a path in messages. */
export const nameOf = (path: string): string => (path === "-" ? "standard input" : path);

/** Milliseconds without a byte that count as a pause. */
const PAUSE = 20;
const NOTHING = new Uint8Array(0);

/** Opens a file, a pipe or a device; "-" is the standard input. */
export async function openSource(path: string): Promise<Source> {
  const { stream, size, isFile } = path === "-" ? standardInput() : await pathStream(path);
  let read = 0;
  const counted = (async function* () {
    for await (const piece of stream) {
      read += piece.length;
      yield piece;
    }
  })();
  return { bytes: isFile ? counted : withPauses(counted), size, bytesRead: () => read, isFile };
}

interface Opened {
  readonly stream: AsyncIterable<Uint8Array>;
  readonly size: number | undefined;
  readonly isFile: boolean;
}

function standardInput(): Opened {
  if (process.stdin.isTTY) {
    throw new CommandError("standard input: it is the keyboard; pipe a file in, or name one");
  }
  streams.add(process.stdin);
  return { stream: process.stdin, size: undefined, isFile: false };
}

async function pathStream(path: string): Promise<Opened> {
  const file = await stat(path).catch((error) => {
    throw fileError(path, error);
  });
  if (file.isFIFO() && process.platform === "linux") {
    // A plain open waits inside the system for a writer, where no signal ends the program. Waiting in the event loop can
    // be interrupted.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { Socket } = process.getBuiltinModule("node:net"); // not imported: it takes long to load
    const stream = new Socket({ fd, readable: true, writable: false });
    streams.add(stream);
    return { stream, size: undefined, isFile: false };
  }
  return {
    stream: reading(path),
    size: file.isFile() ? file.size : undefined,
    isFile: file.isFile(),
  };
}

/** Opens the file when its first bytes are requested, so that an error of an unread file is nobody's. */
async function* reading(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 20 });
}

async function* withPauses(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const next = pieces.next();
      if (await isSlow(next)) yield NOTHING;
      const { done, value } = await next;
      if (done) return;
      yield value;
    }
  } finally {
    void pieces.return(); // does not wait for a piece that may never arrive
  }
}

const streams = new Set<{ destroy(): void }>();

/** Stops reading, so that an open pipe does not keep the program alive. */
export function closeSources(): void {
  for (const stream of streams) stream.destroy();
}

function isSlow(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), PAUSE);
    const settled = () => {
      clearTimeout(timer);
      resolve(false);
    };
    promise.then(settled, settled);
  });
}
