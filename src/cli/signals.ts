// Ctrl-C and SIGTERM. Without anyone to handle them they end the program at once, and what is
// registered to be undone is undone; a second signal always does.

type Handler = (signal: NodeJS.Signals) => void;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };
const undone = new Set<() => void>();
let handler: Handler | undefined;

/** Starts listening; called once, by the program. */
export function listenForSignals(): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const handle = handler;
      handler = undefined;
      if (handle) handle(signal);
      else process.exit(exitCode(signal));
    });
  }
  process.on("exit", () => {
    for (const undo of undone) undo();
  });
}

export const exitCode = (signal: NodeJS.Signals): number =>
  signal === "SIGTERM" ? EXIT_CODES.SIGTERM : EXIT_CODES.SIGINT;

/** Gives the next signal to `handle` while `work` runs. */
export async function handlingSignals<T>(handle: Handler, work: () => Promise<T>): Promise<T> {
  handler = handle;
  try {
    return await work();
  } finally {
    handler = undefined;
  }
}

/** Runs `undo`, which must be synchronous, if the program ends before the returned function is called. */
export function undoOnExit(undo: () => void): () => void {
  undone.add(undo);
  return () => undone.delete(undo);
}
