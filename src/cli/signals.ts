// Signals that ask the program to end. A command that has something to save takes them over for that time; otherwise
// they end the program at once, and what it had begun to write is removed.

import { constants } from "node:os";
import { discardAllSync } from "../platform/save-file.ts";

/**
 * Ctrl-C, a polite end, a closed terminal, Ctrl-\. Windows knows the first three, and Ctrl-Break instead of the last.
 */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK"] as const;

type Handler = (signal: NodeJS.Signals) => void;

let handler: Handler | undefined;

/** Starts listening; called once, by the program. */
export function listenForSignals(): void {
  for (const signal of SIGNALS) {
    if (!(signal in constants.signals)) continue;
    process.on(signal, () => {
      if (handler) handler(signal);
      else process.exit(exitCode(signal));
    });
  }
  process.on("exit", discardAllSync);
}

/** What a shell says of a program that a signal ended: 128 and the signal's number. */
export const exitCode = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** Gives every signal to `handle` while `work` runs. */
export async function handlingSignals<T>(handle: Handler, work: () => Promise<T>): Promise<T> {
  handler = handle;
  try {
    return await work();
  } finally {
    handler = undefined;
  }
}
