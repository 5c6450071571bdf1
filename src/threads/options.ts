// What a caller may say about threads. Apart from start.ts, which most programs never load.

import { wholeNumber } from "../checks.ts";
import type { CoreOptions } from "../core/load.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { WorkerLike } from "../platform/workers.ts";
import type { ThreadsUnavailableWarning } from "./errors.ts";

export interface ThreadOptions {
  /**
   * Threads that share the kernels' work, the caller's included: 1 to 16. Results are the same to the
   * bit. `"auto"` takes what the machine has, up to 4. Default 1.
   */
  threads?: number | "auto";
  /** Starts a worker on the module `tied-autoencoder/thread-worker`, where a page's policy forbids blobs. */
  createWorker?: () => WorkerLike | PromiseLike<WorkerLike>;
  /**
   * Hears when threads cannot be had. Without it a number of threads that cannot be had is a warning
   * on the console, once, and `"auto"` is silent.
   */
  onWarning?: (warning: ThreadsUnavailableWarning) => void;
}

/** Everything a caller may say about the core: which module, and how many threads work on it. */
export interface ThreadedCoreOptions extends CoreOptions, ThreadOptions {}

/** Threads past the fourth gain little: the products of a step are too small. */
const AUTO_MOST = 4;
const MOST_THREADS = 16;

/** Checks the options and returns how many threads are wanted, at most. */
export function wantedThreads(options: ThreadOptions): number {
  const { threads = 1, createWorker, onWarning } = options;
  for (const [name, value] of Object.entries({ createWorker, onWarning })) {
    if (value !== undefined && typeof value !== "function") {
      throw new InvalidTypeError(`${name} must be a function; got ${show(value)}.`);
    }
  }
  if (threads === "auto") return AUTO_MOST;
  if (typeof threads === "string") {
    throw new InvalidValueError(`threads must be a number or "auto"; got ${show(threads)}.`);
  }
  const wanted = wholeNumber("threads", threads, 1);
  if (wanted <= MOST_THREADS) return wanted;
  throw new InvalidValueError(`threads must be between 1 and ${MOST_THREADS}; got ${wanted}.`);
}

/** Throws where more than one thread is asked of a call that cannot wait for workers to start. */
export function requireOneThread(options: ThreadOptions): void {
  const { threads } = options;
  if (wantedThreads(options) === 1 || threads === "auto") return;
  throw new InvalidValueError(
    `createSync has one thread; threads ${threads} needs create or load, which wait for workers to start.`,
  );
}
