// Where results go: a file, which appears under its name only when it is complete, or the standard
// output. Writing waits until the other side has taken what was written, so that nothing piles up.

import { unlinkSync } from "node:fs";
import { access, constants, type FileHandle, open, realpath, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError, fileError } from "./errors.ts";
import { undoOnExit } from "./signals.ts";

export interface Output {
  /**
   * Takes data over, which must not change any more. Resolves when there is room for more: one write is under
   * way while the next is made ready.
   */
  write(data: Uint8Array | string): Promise<void>;
  /** Writes over the first bytes; only where `canRewrite`. */
  rewriteStart(data: Uint8Array): Promise<void>;
  readonly canRewrite: boolean;
  /** Makes what was written final. */
  commit(): Promise<void>;
  /** Forgets what was written; does nothing after `commit`. */
  discard(): Promise<void>;
}

/** Opens `path` for writing; "-" is the standard output. */
export async function openOutput(path: string): Promise<Output> {
  return path === "-" ? standardOutput() : fileOutput(path);
}

/** Throws where `path` cannot be written, for work that takes long before it writes. */
export async function requireWritable(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new CommandError(`${path}: is a folder, not a file`);
  const place = there && !there.isFile() ? path : dirname(path);
  await access(place, constants.W_OK).catch((error) => {
    throw fileError(path, error);
  });
}

/** Writes a whole file. */
export async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  const output = await openOutput(path);
  try {
    await output.write(data);
    await output.commit();
  } finally {
    await output.discard();
  }
}

/** Opens `path`, writes what `work` has to write, and makes it final unless `work` fails. */
export async function writing<T>(path: string, work: (output: Output) => Promise<T>): Promise<T> {
  const output = await openOutput(path);
  try {
    const result = await work(output);
    await output.commit();
    return result;
  } finally {
    await output.discard();
  }
}

async function fileOutput(path: string): Promise<Output> {
  const failed = (error: unknown) => fileError(path, error);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new CommandError(`${path}: is a folder, not a file`);
  // A device or a pipe is written to as it is: renaming would put a file in its place.
  const direct = there !== undefined && !there.isFile();
  const target = there && !direct ? await realpath(path) : path;
  const temporary = direct
    ? target
    : join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const handle: FileHandle = await open(temporary, "w", there?.mode ?? 0o666).catch((error) => {
    throw failed(error);
  });
  const remove = () => {
    try {
      if (!direct) unlinkSync(temporary);
    } catch {
      // it never came to be
    }
  };
  let finished = undoOnExit(remove);
  let isOpen = true;
  const close = async () => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  const attempt = (work: Promise<unknown>): Promise<void> =>
    work.then(
      () => {},
      (error) => {
        throw failed(error);
      },
    );
  const writes = oneBehind((data) => attempt(handle.writeFile(data)));
  return {
    canRewrite: !direct,
    write: writes.next,
    async rewriteStart(data) {
      await writes.finished();
      await attempt(handle.write(data, 0, data.length, 0));
    },
    async commit() {
      await writes.finished();
      if (!direct) await attempt(handle.sync());
      await close();
      if (!direct) await attempt(rename(temporary, target));
      finished();
      finished = () => {};
    },
    async discard() {
      if (!isOpen) return;
      await writes.finished().catch(() => {});
      await close();
      remove();
      finished();
    },
  };
}

function standardOutput(): Output {
  const { stdout } = process;
  const writes = oneBehind(
    (data) =>
      new Promise((resolve, reject) => {
        stdout.write(data, (error) => (error ? reject(closedOr(error)) : resolve()));
      }),
  );
  return {
    canRewrite: false,
    write: writes.next,
    rewriteStart() {
      throw new Error("A stream cannot be written over.");
    },
    commit: writes.finished,
    async discard() {},
  };
}

/** Starts a write and waits for the one before it; what that one threw, the next call throws. */
function oneBehind(write: (data: Uint8Array | string) => Promise<void>) {
  let last = Promise.resolve();
  return {
    async next(data: Uint8Array | string): Promise<void> {
      await last;
      last = write(data);
      last.catch(() => {}); // told by the next call
    },
    finished: (): Promise<void> => last,
  };
}

/** The reader has gone, as `head` does when it has seen enough. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

function closedOr(error: Error): Error {
  return (error as NodeJS.ErrnoException).code === "EPIPE"
    ? new OutputClosed()
    : fileError("the standard output", error);
}
