// The loop over steps, which `fit` and `fitSteps` share. It is synchronous: it stops only where something has to be
// awaited, and says what. A step leaves no more than a few numbers on the heap.
//
// One loop serves all runs of a model. V8 drops compiled code when the last object of a shape that the code knows is
// gone, and compiling the loop again for every run would leave more on the heap than its steps do.

import type { Batch, Corruption } from "../model/staging.ts";
import type { Progress, TrainingStep } from "../model/step.ts";
import { Turns } from "../platform/turns.ts";
import { type BatchSource, RowBatches } from "./batches.ts";
import type { Fit } from "./fit.ts";
import type { AbortSignalLike, FitOptions, StepRecord } from "./fit-options.ts";
import { countStep, type RunState } from "./run-state.ts";
import type { Schedule } from "./schedules/schedule.ts";

/** Why the loop has stopped for now. */
export type Pause =
  /** The event loop is due a turn. */
  | "turn"
  /** `awaited` gives the next batch. */
  | "batch"
  /** `awaited` is what a callback answered. */
  | "callback"
  /** A step was taken, and someone wants its record. */
  | "record"
  /** The epoch has no batch left. */
  | "epoch"
  /** The run is over. */
  | "end";

export class StepLoop {
  readonly turns = new Turns();
  /** Reads the rows of every run that has rows. */
  readonly batches = new RowBatches();
  /** No step follows any more. */
  ended = false;
  /** What the loop waits for, after the pauses "batch" and "callback". */
  awaited: PromiseLike<unknown> | undefined;
  /** The record of the last step, where it was wanted. */
  record: StepRecord | undefined;
  /** A batch that arrived after waiting; null when none came. */
  arrived: Batch | null | undefined;
  readonly #requireLive: () => void;
  #steps = 0;
  // What the loop reads of the run's options.
  #source: BatchSource = this.batches;
  #maxSteps = 0;
  #microBatches = 1;
  #corruption: Corruption | undefined;
  #schedule: Schedule | undefined;
  #onStep: FitOptions["onStep"];
  #signal: AbortSignalLike | undefined;

  /** `requireLive` throws when the model was disposed. */
  constructor(requireLive: () => void) {
    this.#requireLive = requireLive;
  }

  /** Takes up a run before its first step. */
  begin(fit: Fit): void {
    const { state, epochs, maxSteps } = fit;
    this.ended = state.stopped || state.epoch >= epochs || maxSteps === 0;
    this.awaited = undefined;
    this.record = undefined;
    this.arrived = undefined;
    this.#steps = 0;
    this.#source = fit.source;
    this.#maxSteps = maxSteps;
    this.#microBatches = fit.microBatches;
    this.#corruption = fit.corruption;
    this.#schedule = fit.schedule;
    this.#onStep = fit.onStep;
    this.#signal = fit.signal;
    this.turns.begin(fit.maxMilliseconds);
  }

  /** Lets go of what is the caller's. */
  end(): void {
    this.awaited = undefined;
    this.record = undefined;
    this.arrived = undefined;
    this.#source = this.batches;
    this.#schedule = undefined;
    this.#onStep = undefined;
    this.#signal = undefined;
  }

  /** Takes steps until something has to be awaited. `wantsRecords` stops after every step. */
  run(step: TrainingStep, state: RunState, wantsRecords: boolean): Pause {
    for (;;) {
      // An epoch whose last step has been taken is finished, whatever ends the run.
      if (state.batch > 0 && this.#source.isEnd(state)) return "epoch";
      if (this.ended) return "end";
      this.requireGoing();
      const batch = this.arrived === undefined ? this.#source.next(state) : this.arrived;
      if (isPromiseLike(batch)) {
        this.awaited = batch;
        return "batch";
      }
      this.arrived = undefined;
      if (!batch) return "epoch";
      if (this.#schedule) followSchedule(this.#schedule, state, step.progress);
      step.train(batch, this.#microBatches, this.#corruption);
      countStep(state, step);
      this.#steps += 1;
      const turnIsDue = this.turns.isDue();
      if (this.#steps >= this.#maxSteps || (turnIsDue && this.turns.isLate)) this.ended = true;
      if (this.#onStep || wantsRecords) {
        const record = recordOf(step, state, batch.count);
        const answer = this.#onStep?.(record);
        if (answer === false) this.ended = true;
        if (wantsRecords) this.record = record;
        if (isPromiseLike(answer)) {
          this.awaited = answer;
          return "callback";
        }
        if (wantsRecords) return "record";
      }
      if (turnIsDue) return "turn";
    }
  }

  /** Throws what ended the run from outside: the reason of the signal, or that the model was disposed. */
  requireGoing(): void {
    if (this.#signal?.aborted) throw this.#signal.reason;
    this.#requireLive();
  }
}

/** Sets the learning rate of the next step. */
function followSchedule(schedule: Schedule, run: RunState, progress: Progress): void {
  const index = schedule.per === "step" ? run.step : run.epoch;
  progress.learningRate = schedule.rate(index, progress.baseLearningRate, run.plateau);
}

/** The step that was just taken, as callbacks see it. */
function recordOf({ loss, progress }: TrainingStep, run: RunState, rows: number): StepRecord {
  const { stepCount, learningRate } = progress;
  return { step: stepCount, epoch: run.epoch, batch: run.batch - 1, rows, loss, learningRate };
}

/** Asks for `then`, because a promise need not be an instance of this realm's `Promise`. */
export function isPromiseLike<Value>(
  value: Value | PromiseLike<Value>,
): value is PromiseLike<Value> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
