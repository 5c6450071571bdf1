// The errors that end a command, with their exit codes and the form for programs.

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The place of an error in a file. Lines and columns count from 1. */
export interface Place {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly row?: number | undefined;
  readonly column?: number | undefined;
  readonly columnName?: string | undefined;
}

/** The command failed for a reason that its user can correct: exit code 1, no stack. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly place: Place;

  constructor(message: string, { cause, ...place }: Place & { cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.place = place;
  }
}

/** The reader has closed the pipe, as `head` does after its last line. This is not reported. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "is a folder, not a file",
  EEXIST: "is a file, not a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than its limit",
  EROFS: "the file system is read-only",
  EIO: "the device reports an error",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  EBUSY: "is in use by the system, as a mount point is",
  EMFILE: "too many open files",
  ENXIO: "is a socket, or a device that is not there",
};

/** An error of the system as text instead of a code. */
function systemMessage(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return SYSTEM_ERRORS[code ?? ""] ?? message;
}

/** An error with a file. */
export const fileError = (file: string, error: unknown): CommandError =>
  error instanceof CommandError
    ? error
    : new CommandError(`${file}: ${systemMessage(error)}`, { file, cause: error });
