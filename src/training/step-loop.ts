// The loop over steps, which `fit` and `fitSteps` share. It is synchronous. It only returns where something must be
// awaited, and its result says what. A step allocates only a few numbers on the heap.
//
// One object serves all runs of a model. V8 discards optimized code when the last object of a shape that the code uses is
// collected. Compiling the loop again for every run would allocate more than the steps do.

import type { Batch, Corruption } from "../model/staging.ts";
import type { Progress, TrainingStep } from "../model/step.ts";
import { Turns } from "../platform/turns.ts";
import { type BatchSource, RowBatches } from "./batches.ts";
import type { Fit } from "./fit.ts";
import type { AbortSignalLike, FitOptions, StepRecord } from "./fit-options.ts";
import { countStep, type RunState } from "./run-state.ts";
import type { Schedule } from "./schedules/schedule.ts";

/** Why the loop has returned. */
export type Pause =
  /** The event loop needs a turn. */
  | "turn"
  /** `awaited` is a promise of the next batch. */
  | "batch"
  /** `awaited` is the promise that a callback returned. */
  | "callback"
  /** A step was taken, and the caller wants its record. */
  | "record"
  /** The epoch has no more batches. */
  | "epoch"
  /** The run is over. */
  | "end";

export class StepLoop {
  readonly turns = new Turns();
  /** Reads the rows of every run that has rows. */
  readonly batches = new RowBatches();
  /** Whether there are no more steps. */
  ended = false;
  /** The promise to await after the pauses "batch" and "callback". */
  awaited: PromiseLike<unknown> | undefined;
  /** The record of the last step, if the caller wants it. */
  record: StepRecord | undefined;
  /** The batch of an awaited promise, or null if there was none. */
  arrived: Batch | null | undefined;
  readonly #requireLive: () => void;
  #steps = 0;
  // The options of the run that the loop uses.
  #source: BatchSource = this.batches;
  #maxSteps = 0;
  #microBatches = 1;
  #corruption: Corruption | undefined;
  #schedule: Schedule | undefined;
  #onStep: FitOptions["onStep"];
  #signal: AbortSignalLike | undefined;

  /** `requireLive` throws if the model was disposed. */
  constructor(requireLive: () => void) {
    this.#requireLive = requireLive;
  }

  /** Starts a run, before its first step. */
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

  /** Releases the caller's objects. */
  end(): void {
    this.awaited = undefined;
    this.record = undefined;
    this.arrived = undefined;
    this.#source = this.batches;
    this.#schedule = undefined;
    this.#onStep = undefined;
    this.#signal = undefined;
  }

  /** Takes steps until something must be awaited. With `wantsRecords` it returns after every step. */
  run(step: TrainingStep, state: RunState, wantsRecords: boolean): Pause {
    for (;;) {
      // After the last step of an epoch, the epoch is finished before the run ends.
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

  /** Throws if the run must end: the reason of an aborted signal, or a DisposedError. */
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

/** The record of the last step. */
function recordOf({ loss, progress }: TrainingStep, run: RunState, rows: number): StepRecord {
  const { stepCount, learningRate } = progress;
  return { step: stepCount, epoch: run.epoch, batch: run.batch - 1, rows, loss, learningRate };
}

/** Checks for `then`, because a promise may be an instance of another realm's `Promise`. */
export function isPromiseLike<Value>(
  value: Value | PromiseLike<Value>,
): value is PromiseLike<Value> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
