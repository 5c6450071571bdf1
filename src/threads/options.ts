// The options for threads, and their checks. They are separate from start.ts, which most programs do not load.

import { wholeNumber } from "../checks.ts";
import type { CoreOptions } from "../core/load.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { WorkerLike } from "../platform/workers.ts";
import type { ThreadsUnavailableWarning } from "./errors.ts";

/** How many threads work on the kernels, and how they start. */
export interface ThreadOptions {
  /**
   * The number of threads that share the work of every call, including the caller's thread: 1 to 16. `"auto"` is the
   * number of processors, up to 4. Results are bit-identical for every number. Default 1.
   */
  threads?: number | "auto";
  /**
   * Starts a worker on the module `tied-autoencoder/thread-worker`, for pages whose policy forbids blobs. Default: the
   * package starts its own workers.
   */
  createWorker?: () => WorkerLike | PromiseLike<WorkerLike>;
  /**
   * Called when threads are unavailable. The model then runs on one thread. Default: one warning on the console, and no
   * warning for `"auto"`.
   */
  onWarning?: (warning: ThreadsUnavailableWarning) => void;
}

/** All options for the core: the module, and the threads that share its work. */
export interface ThreadedCoreOptions extends CoreOptions, ThreadOptions {}

/** More than four threads gain little, because the products of a step are too small. */
const AUTO_MOST = 4;
const MOST_THREADS = 16;

/** Checks the options and returns the largest number of threads to use. */
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

/**
 * For calls that cannot wait for workers to start.
 * @throws InvalidValueError for a number of threads above 1.
 */
export function requireOneThread(options: ThreadOptions): void {
  const { threads } = options;
  if (wantedThreads(options) === 1 || threads === "auto") return;
  throw new InvalidValueError(
    `createSync has one thread; threads ${threads} needs create or load, which wait for workers to start.`,
  );
}
