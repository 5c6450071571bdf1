// Waiting for a promise of the caller, such as the next piece of a stream, which may never settle.

import type { AbortSignalLike } from "./fit-options.ts";

/** Has the function that ends a wait, while there is one. `dispose` calls it. */
export interface Waiting {
  wake: (() => void) | undefined;
}

/** Waits for `value`. Rejects earlier if `requireGoing` throws after the signal is aborted or `wake` is called. */
export async function unlessEnded<Value>(
  value: PromiseLike<Value>,
  waiting: Waiting,
  requireGoing: () => void,
  signal?: AbortSignalLike,
): Promise<Value> {
  const wakeUntil = (reject: (reason: unknown) => void) => () => {
    try {
      requireGoing();
    } catch (reason) {
      reject(reason);
    }
  };
  try {
    return await new Promise<Value>((resolve, reject) => {
      waiting.wake = wakeUntil(reject);
      signal?.addEventListener?.("abort", waiting.wake);
      value.then(resolve, reject);
      waiting.wake(); // there is no event for an earlier abort
    });
  } finally {
    if (waiting.wake) signal?.removeEventListener?.("abort", waiting.wake);
    waiting.wake = undefined;
  }
}
