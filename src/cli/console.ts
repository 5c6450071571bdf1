// The two standard streams. Messages for people go to the standard error. A closed pipe or a full disk there is ignored.
// Results go to the standard output. The caller of `print` gets an error if the output fails.

import { fileError, OutputClosed } from "./errors.ts";

/** Called once, before anything is written. Without a listener Node ends the process at the first failed write. */
export function guardStreams(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}

/** Writes a message for people to the standard error. */
export function talk(text: string): void {
  process.stderr.write(text);
}

/** Writes events to the standard output. Errors are ignored. */
export function emit(text: string): void {
  process.stdout.write(text);
}

/**
 * Writes a part of the result to the standard output. Resolves when the stream has accepted it.
 * @throws OutputClosed if the reader has closed the pipe, and CommandError if the output cannot be written.
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
