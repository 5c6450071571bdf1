// The destination of results: a file, which has its name only when it is complete, the standard output, a pipe or a
// device. Writing waits until the destination has accepted earlier data, so that no data accumulate in memory.

import { constants, openSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openReplacement } from "../platform/save-file.ts";
import type { Arguments, Options } from "./arguments.ts";
import { print } from "./console.ts";
import { CommandError, fileError, OutputClosed } from "./errors.ts";
import { type Kind, kindNames, kindOf } from "./kinds.ts";

export interface Output {
  /**
   * Takes data, which must not change afterwards. Resolves when the next data may follow: one write runs while the caller
   * prepares the next.
   */
  write(data: Uint8Array | string): Promise<void>;
  /** Overwrites the first bytes. Only with `canRewrite`. */
  rewriteStart(data: Uint8Array): Promise<void>;
  readonly canRewrite: boolean;
  /** Whether the output is a terminal. */
  readonly isTerminal: boolean;
  /** Makes the written data final. */
  commit(): Promise<void>;
  /** Removes the written data. Has no effect after `commit`. */
  discard(): Promise<void>;
}

export const forceOption: Options = {
  force: {
    help: "replace a file that holds something else, a model of other columns, an input of this command or a read-only file",
  },
};

/** The files that may be replaced without an option. */
export interface Replaceable {
  /** The kinds of content that the command writes. Absent: any kind except models. */
  readonly kinds?: readonly Kind[];
  /** Files that the command reads. "-" is not a file. */
  readonly inputs: readonly string[];
  readonly force: boolean;
  /** The option with the name of the file. */
  readonly option: string;
}

export const replaceable = (
  args: Arguments,
  inputs: readonly (string | undefined)[],
  kinds?: readonly Kind[],
  option = "output",
): Replaceable => ({
  option,
  ...(kinds ? { kinds } : {}),
  inputs: inputs.filter((file) => file !== undefined),
  force: args.flag("force"),
});

/**
 * Throws if `path` may not be replaced: it is an input of the command, or contains data that this program did not write,
 * or is read-only.
 */
export async function requireReplaceable(path: string, allowed: Replaceable): Promise<void> {
  if (path === "-" || allowed.force) return;
  const there = await stat(path).catch(() => undefined);
  if (!there?.isFile()) return;
  const refuse = (why: string) => {
    throw new CommandError(
      `${path}: ${why}; --force replaces it, --${allowed.option} takes another name`,
      { file: path },
    );
  };
  for (const input of allowed.inputs) {
    const other = input === "-" ? undefined : await stat(input).catch(() => undefined);
    if (other && other.dev === there.dev && other.ino === there.ino) {
      refuse("is a file that this command reads");
    }
  }
  // The check is necessary because the owner of the folder could still replace a read-only file, and root could write to it.
  if ((there.mode & 0o222) === 0) refuse("is read-only");
  const kind = await kindOf(path);
  const { kinds } = allowed;
  const fits = kinds ? kinds.includes(kind) : kind === "other";
  if (kind !== "empty" && !fits) {
    refuse(kinds ? `exists and is not ${kindNames(kinds)}` : `is ${kindNames([kind])}`);
  }
}

/** Throws if `path` cannot be written. Called before long work. Changes nothing. */
export async function requireWritable(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile() && !there.isDirectory()) return;
  try {
    // Tries to write, because permissions alone do not show whether it is possible.
    await (await openReplacement(path)).discard();
  } catch (error) {
    const folder = dirname(path);
    if (!(await stat(folder).catch(() => undefined))) {
      throw new CommandError(`${path}: there is no folder ${folder}`, { file: path, cause: error });
    }
    throw fileError(path, error);
  }
}

export interface OutputOptions {
  /** Aborting ends the wait for the reader of a pipe. Writing to a file does not wait. */
  readonly waiting?: AbortSignal;
}

/** Opens `path` for writing; "-" is the standard output. */
async function openOutput(path: string, { waiting }: OutputOptions = {}): Promise<Output> {
  if (path === "-") return standardOutput();
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isFIFO() && process.platform !== "win32") return await pipeOutput(path, waiting);
    if (there && !there.isFile() && !there.isDirectory()) return await deviceOutput(path);
    return await fileOutput(path);
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Opens `path`, lets `work` write to it, and makes the result final unless `work` fails. */
export async function writing<T>(
  path: string,
  work: (output: Output) => Promise<T>,
  options?: OutputOptions,
): Promise<T> {
  const output = await openOutput(path, options);
  try {
    const result = await work(output);
    await output.commit();
    return result;
  } finally {
    await output.discard();
  }
}

/** Writes a whole file in pieces. */
export const writeWhole = (path: string, ...pieces: (Uint8Array | string)[]): Promise<void> =>
  writing(path, async (output) => {
    for (const piece of pieces) await output.write(piece);
  });

async function fileOutput(path: string): Promise<Output> {
  const replacement = await openReplacement(path);
  const attempt = attempts(path);
  const writes = oneBehind((data) => attempt(replacement.write(data)));
  return {
    canRewrite: true,
    isTerminal: false,
    write: writes.next,
    async rewriteStart(data) {
      await writes.finished();
      await attempt(replacement.writeStart(data));
    },
    async commit() {
      await writes.finished();
      await attempt(replacement.commit());
    },
    async discard() {
      await writes.finished().catch(() => {});
      await replacement.discard();
    },
  };
}

/** Milliseconds between two checks for a reader. */
const READER_POLL = 50;

/**
 * A named pipe. A plain open waits for a reader inside the system, where no signal ends the program. This function checks
 * for a reader at intervals, and writes without waiting inside the system.
 */
async function pipeOutput(path: string, waiting: AbortSignal | undefined): Promise<Output> {
  const nobody = new CommandError(`${path}: nobody reads from this pipe`, { file: path });
  let fd = openPipe(path);
  for (; fd === undefined; fd = openPipe(path)) {
    if (waiting?.aborted) throw nobody;
    await wait(READER_POLL);
  }
  const { Socket } = process.getBuiltinModule("node:net"); // not imported: it takes long to load
  const socket = new Socket({ fd, readable: false, writable: true });
  waiting?.addEventListener("abort", () => socket.destroy(nobody), { once: true });
  socket.on("error", () => {}); // the failed write reports the error
  const settle = (resolve: () => void, reject: (error: Error) => void) => (error?: Error | null) =>
    error ? reject(error) : resolve();
  const attempt = attempts(path);
  const writes = oneBehind((data) =>
    attempt(new Promise<void>((resolve, reject) => socket.write(data, settle(resolve, reject)))),
  );
  return {
    canRewrite: false,
    isTerminal: false,
    write: writes.next,
    rewriteStart: cannotRewrite,
    async commit() {
      await writes.finished();
      await new Promise<void>((resolve) => socket.end(resolve));
    },
    async discard() {
      await writes.finished().catch(() => {});
      socket.destroy();
    },
  };
}

/** Opens a pipe for writing; undefined if it has no reader. */
function openPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}

/** A device is opened directly, because renaming a file would replace the device. */
async function deviceOutput(path: string): Promise<Output> {
  const handle = await open(path, constants.O_WRONLY);
  const attempt = attempts(path);
  const writes = oneBehind((data) => attempt(handle.writeFile(data)));
  let isOpen = true;
  const close = async () => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  return {
    canRewrite: false,
    isTerminal: true,
    write: writes.next,
    rewriteStart: cannotRewrite,
    async commit() {
      await writes.finished();
      await attempt(close());
    },
    async discard() {
      await writes.finished().catch(() => {});
      await close();
    },
  };
}

function standardOutput(): Output {
  const writes = oneBehind(print);
  return {
    canRewrite: false,
    isTerminal: process.stdout.isTTY,
    write: writes.next,
    rewriteStart: cannotRewrite,
    commit: writes.finished,
    async discard() {},
  };
}

function cannotRewrite(): never {
  throw new Error("A stream cannot be written over.");
}

/** Adds the name of the file to errors. */
const attempts =
  (path: string) =>
  async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPIPE") throw new OutputClosed();
      throw fileError(path, error);
    }
  };

/** Starts a write and waits for the previous one. An error of a write is thrown by the next call. */
function oneBehind(write: (data: Uint8Array | string) => Promise<void>) {
  let last = Promise.resolve();
  return {
    async next(data: Uint8Array | string): Promise<void> {
      await last;
      last = write(data);
      last.catch(() => {}); // thrown by the next call
    },
    finished: (): Promise<void> => last,
  };
}

/** Whether a path is a file or is free. A file can be written more than once; a pipe or device cannot. */
export async function isFilePath(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return path !== "-" && (there === undefined || there.isFile());
}
