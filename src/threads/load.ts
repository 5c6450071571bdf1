// Loads the core for the requested number of threads. One thread does not need the rest of this folder, which is only
// imported for several threads.

import { type Core, loadCore, loadCoreSync } from "../core/load.ts";
import { requireOneThread, type ThreadedCoreOptions, wantedThreads } from "./options.ts";

/** The core, with kernels that `options.threads` threads share. */
export async function loadThreadedCore(options: ThreadedCoreOptions): Promise<Core> {
  const wanted = wantedThreads(options);
  if (wanted === 1) return loadCore(options);
  const { loadTeam } = await import("./start.ts");
  return loadTeam(options, wanted);
}

/**
 * The core on one thread, synchronously.
 * @throws InvalidValueError for more threads, because workers start asynchronously.
 */
export function loadThreadedCoreSync(options: ThreadedCoreOptions): Core {
  requireOneThread(options);
  return loadCoreSync(options);
}
