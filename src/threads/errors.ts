// What can go wrong with threads. Apart from the other errors, because few programs load it.

/**
 * A worker died or stopped answering. The model lives on with one thread: the same call made again
 * gives the same result, unless `weightsIntact` is false.
 */
export class ThreadError extends Error {
  override readonly name = "ThreadError";

  constructor(
    what: string,
    /** False when an optimizer step was interrupted: weights and optimizer are then half updated. */
    readonly weightsIntact: boolean,
  ) {
    super(
      `${what}. The model goes on with one thread. ${
        weightsIntact
          ? "Its weights are those before this call."
          : "Its weights are half updated: load or set them again."
      }`,
    );
  }
}

/** Threads that were asked for cannot be had; the model runs on one. Not thrown: see `onWarning`. */
export class ThreadsUnavailableWarning extends Error {
  override readonly name = "ThreadsUnavailableWarning";

  constructor(
    /** How many threads were asked for. */
    readonly threads: number,
    /** What stands in the way: memory that threads can share, or the workers themselves. */
    readonly lacking: "sharedMemory" | "workers",
    reason: string,
  ) {
    super(`The model runs on one thread instead of ${threads}: ${reason}.`);
  }
}
