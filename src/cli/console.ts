// The two standard streams. Talk for people goes to the standard error and may be lost: a closed pipe or a full disk
// there ends nothing. Results go to the standard output and may not: whoever prints one learns that it failed.

import { fileError, OutputClosed } from "./errors.ts";

/** Called once, before anything is written. Without a listener Node ends the process at the first failed write. */
export function guardStreams(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}

/** Writes talk to the standard error. */
export function talk(text: string): void {
  process.stderr.write(text);
}

/** Writes events to the standard output that nobody has to read. */
export function emit(text: string): void {
  process.stdout.write(text);
}

/**
 * Writes a part of the result to the standard output; resolves when it has been taken.
 * @throws OutputClosed where the reader has gone, and CommandError where the output cannot be written.
 */
export function print(text: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
      else if ((error as NodeJS.ErrnoException).code === "EPIPE") reject(new OutputClosed());
      else reject(fileError("the standard output", error));
    });
  });
}
