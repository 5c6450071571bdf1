// The error of places that are full, refused or empty.

import { UnsupportedHostError } from "../errors.ts";

/** Storage that is full, was denied, or holds nothing under the name. `cause` is the host's own error. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** The host's error as a StorageError that says what was tried and what may help. */
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
