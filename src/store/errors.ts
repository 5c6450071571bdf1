// The error of storage that is full, refused or empty.

import { UnsupportedHostError } from "../errors.ts";

/** The storage is full, was denied, or has nothing under the name. `cause` is the host's error. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** A StorageError for the host's error. The message says which operation failed and what may help. */
export function storageError(what: string, cause: unknown): Error {
  if (cause instanceof StorageError || cause instanceof UnsupportedHostError) return cause;
  const { name = "", message = String(cause) } = (cause ?? {}) as {
    name?: string;
    message?: string;
  };
  const help = name === "QuotaExceededError" ? " Free some storage, or download the model." : "";
  return new StorageError(`${what} failed: ${message || name}.${help}`.replace("..", "."), {
    cause,
  });
}
