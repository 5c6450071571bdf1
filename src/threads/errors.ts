// The errors of threads. They are separate from other errors, because few programs use threads.

/**
 * A worker died or did not finish its work, or a kernel trapped. The model continues on one thread. Repeating the call
 * gives the correct result, unless `weightsIntact` is false.
 */
export class ThreadError extends Error {
  override readonly name = "ThreadError";

  constructor(
    what: string,
    /** False if the failed call was changing weights or optimizer state, which are then partly updated. */
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

/** The requested threads are unavailable, and the model runs on one thread. It is not thrown: see `onWarning`. */
export class ThreadsUnavailableWarning extends Error {
  override readonly name = "ThreadsUnavailableWarning";

  constructor(
    /** The number of requested threads. */
    readonly threads: number,
    /** What is missing: shared memory, or workers. */
    readonly lacking: "sharedMemory" | "workers",
    reason: string,
  ) {
    super(`The model runs on one thread instead of ${threads}: ${reason}.`);
  }
}
