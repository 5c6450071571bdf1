// Signals that request the program to end. A command that must save data handles them during that time. Otherwise they
// end the program at once, and incomplete output files are removed.

import { constants } from "node:os";
import { discardAllSync } from "../platform/save-file.ts";

/**
 * Ctrl-C, a request to end, a closed terminal, Ctrl-\, and Ctrl-Break of Windows. Windows has no Ctrl-\.
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

/** The exit code of a program that a signal ended: 128 plus the number of the signal. */
export const exitCode = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** Passes every signal to `handle` while `work` runs. */
export async function handlingSignals<T>(handle: Handler, work: () => Promise<T>): Promise<T> {
  handler = handle;
  try {
    return await work();
  } finally {
    handler = undefined;
  }
}
