// Yields to the event loop during long work, so that timers, input and messages are handled.

import { now, yieldToEventLoop } from "./yield.ts";

/** Work with pauses. At a pause the caller may yield to the event loop. */
export type Paused<Result> = Generator<void, Result, void>;

/** Milliseconds of work between turns of the event loop. It is less than a frame at 60 frames per second. */
const WORK_BETWEEN_TURNS = 12;
/** Pieces of work between turns, for edge hosts, whose clock stands still during a request. */
const PIECES_BETWEEN_TURNS = 256;

export class Turns {
  #due = 0;
  #piecesLeft = 0;
  /** The time at which the work should end. */
  #deadline = Infinity;

  /** Starts work that may take this number of milliseconds. */
  begin(milliseconds = Infinity): void {
    this.#deadline = now() + milliseconds;
    this.#next();
  }

  /** Counts a piece of work. Returns whether a turn is due, or the deadline has passed. */
  isDue(): boolean {
    this.#piecesLeft -= 1;
    return this.#piecesLeft <= 0 || now() >= this.#due;
  }

  /** Whether the deadline has passed. */
  get isLate(): boolean {
    return now() >= this.#deadline;
  }

  /** Yields to the event loop. */
  async take(): Promise<void> {
    await yieldToEventLoop();
    this.#next();
  }

  #next(): void {
    const time = now();
    const due = time + WORK_BETWEEN_TURNS;
    this.#due = time < this.#deadline ? Math.min(due, this.#deadline) : due;
    this.#piecesLeft = PIECES_BETWEEN_TURNS;
  }

  /**
   * Does work with pauses, and yields to the event loop at pauses where a turn is due. `requireGoing` is called before the
   * work and after every turn. It throws to end the work.
   */
  async run<Result>(work: Paused<Result>, requireGoing: () => void): Promise<Result> {
    requireGoing();
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      if (!this.isDue()) continue;
      await this.take();
      requireGoing();
    }
  }
}

/** Does work with pauses within one call, and yields to the event loop. */
export type InTurns = <Result>(work: Paused<Result>) => Promise<Result>;

/** The turns of one call. `requireGoing` throws to end it. Default: nothing ends it. */
export function inTurns(requireGoing: () => void = () => {}): InTurns {
  const turns = new Turns();
  turns.begin();
  return (work) => turns.run(work, requireGoing);
}

/** Does work with pauses without yielding. */
export function finish<Result>(work: Paused<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
