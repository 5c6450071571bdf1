// What ends a command early, and how each way out is told to the shell.

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The command could not do its work, for a reason its user can see to: exit code 1, no stack. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** What went wrong with a file, in words rather than in system codes. */
export function fileError(file: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: "no such file or folder",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EISDIR: "is a folder, not a file",
    EEXIST: "is a file, not a folder",
    ENOTDIR: "a part of the path is not a folder",
    ENOSPC: "no space left on the device",
    EROFS: "the file system is read-only",
  };
  return new CommandError(`${file}: ${known[code ?? ""] ?? message}`, { cause: error });
}
