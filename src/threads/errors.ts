// What can go wrong with threads. Apart from the other errors, because few programs use threads.

/**
 * A worker died or stopped answering, or a kernel trapped. The model continues on one thread: the same call
 * made again gives the same result, unless `weightsIntact` is false.
 */
export class ThreadError extends Error {
  override readonly name = "ThreadError";

  constructor(
    what: string,
    /** False when the call that failed was changing weights or optimizer state: they are then partly updated. */
    readonly weightsIntact: boolean,
  ) {
    super(
      `${what}. The model continues on one thread. ${
        weightsIntact
          ? "Its weights are those of the last completed step."
          : "Its weights are partly updated: load or set them again."
      }`,
    );
  }
}

/** Threads that were asked for are unavailable; the model runs on one. Not thrown: see `onWarning`. */
export class ThreadsUnavailableWarning extends Error {
  override readonly name = "ThreadsUnavailableWarning";

  constructor(
    /** How many threads were asked for. */
    readonly threads: number,
    /** What is missing: memory that threads can share, or the workers themselves. */
    readonly lacking: "sharedMemory" | "workers",
    reason: string,
  ) {
    super(`The model runs on one thread instead of ${threads}: ${reason}.`);
  }
}
