// When long work gives the event loop a turn, so that timers, input and messages are not kept waiting.

import { now, yieldToEventLoop } from "./yield.ts";

/** Work with pauses, at which the event loop may have a turn. */
export type Paused<Result> = Generator<void, Result, void>;

/** Milliseconds of work between turns: under a frame of 60 a second. */
const WORK_BETWEEN_TURNS = 12;
/** Pieces of work between turns where the clock stands still, as on edge hosts. */
const PIECES_BETWEEN_TURNS = 256;

export class Turns {
  #due = 0;
  #piecesLeft = 0;
  /** Time at which work should end altogether. */
  #deadline = Infinity;

  /** Work begins, and may take this many milliseconds. */
  begin(milliseconds = Infinity): void {
    this.#deadline = now() + milliseconds;
    this.#next();
  }

  /** Counts a piece of work; tells whether a turn is due now, or the deadline has passed. */
  isDue(): boolean {
    this.#piecesLeft -= 1;
    return this.#piecesLeft <= 0 || now() >= this.#due;
  }

  /** Whether the time for the work is over. */
  get isLate(): boolean {
    return now() >= this.#deadline;
  }

  /** Gives the event loop its turn. */
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
   * Does work that pauses, with a turn at a pause where one is due. `requireGoing` throws what should end the work; it
   * is asked before the work and after every turn.
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

/** Does work that could pause, without pausing. */
export function finish<Result>(work: Paused<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
