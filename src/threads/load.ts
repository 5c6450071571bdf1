// Loads the core for as many threads as the caller asks for. One thread needs nothing of this folder, so
// the rest of it is imported only when there are several.

import { type Core, loadCore, loadCoreSync } from "../core/load.ts";
import { requireOneThread, type ThreadedCoreOptions, wantedThreads } from "./options.ts";

/** The core, its kernels shared by `options.threads` threads. */
export async function loadThreadedCore(options: ThreadedCoreOptions): Promise<Core> {
  const wanted = wantedThreads(options);
  if (wanted === 1) return loadCore(options);
  const { loadTeam } = await import("./start.ts");
  return loadTeam(options, wanted);
}

/**
 * The core on one thread, without awaiting.
 * @throws InvalidValueError for more threads, whose workers need time to start.
 */
export function loadThreadedCoreSync(options: ThreadedCoreOptions): Core {
  requireOneThread(options);
  return loadCoreSync(options);
}
