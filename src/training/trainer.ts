// The training loop: epochs, batches, validation, callbacks, cancelling. Steps follow one another in a plain loop,
// `work`, which `fit` and `fitSteps` share. It returns only when something has to be awaited: a turn of the event
// loop, data, a callback, the end of an epoch.

import type { Engine } from "../model/engine.ts";
import type { Batch } from "../model/staging.ts";
import { now, yieldToEventLoop } from "../platform/yield.ts";
import type { Fit } from "./fit.ts";
import type { AbortSignalLike, EpochRecord, StepRecord } from "./fit-options.ts";
import type { RunHolder } from "./run-state.ts";
import type { Monitor } from "./schedules/schedule.ts";

/** Losses by epoch, in Keras' shape. */
export interface History {
  /** Numbers of the epochs that were finished. */
  readonly epoch: number[];
  /** Their mean training losses and, where there is validation, their losses on the validation rows. */
  readonly history: { readonly loss: number[]; readonly valLoss?: number[] };
}

/** Milliseconds of work between turns of the event loop: under a frame of 60 a second. */
const WORK_BETWEEN_YIELDS = 12;
/** Steps between turns where the clock stands still, as on edge hosts. */
const STEPS_BETWEEN_YIELDS = 256;

/** Why the loop has stopped for now. */
type Pause = "turn" | "batch" | "callback" | "record" | "epoch" | "end";

export class TrainingRun {
  readonly #engine: Engine;
  readonly #fit: Fit;
  readonly #holder: RunHolder;
  readonly #finished: EpochRecord[] = [];
  #steps = 0;
  #ended = false;
  #deadline = Infinity;
  /** When the event loop is due its next turn, and the steps left to it where the clock stands still. */
  #turnEnds = 0;
  #stepsLeft = 0;
  /** What the loop waits for. */
  #awaited: PromiseLike<unknown> | undefined;
  /** A batch that arrived after waiting; null when none came. */
  #arrived: Batch | null | undefined;
  #record: StepRecord | undefined;

  constructor(engine: Engine, fit: Fit, holder: RunHolder) {
    this.#engine = engine;
    this.#fit = fit;
    this.#holder = holder;
  }

  /** Runs to the end. */
  async finish(): Promise<History> {
    try {
      await this.#begin();
      for (;;) {
        const pause = this.#work(false);
        if (pause === "end") break;
        await this.#settle(pause);
      }
    } finally {
      await this.#close();
    }
    return this.#end();
  }

  /** The same as an async iterator of step records. */
  async *records(): AsyncGenerator<StepRecord, History> {
    try {
      await this.#begin();
      for (;;) {
        const pause = this.#work(true);
        if (pause === "end") break;
        await this.#settle(pause);
        const record = this.#record;
        this.#record = undefined;
        if (record) yield record;
      }
    } finally {
      await this.#close();
    }
    return this.#end();
  }

  /** Looks over the data, learns their scale and holds them where they are few, with turns for the event loop. */
  async #begin(): Promise<void> {
    const { source, rows, state, epochs, maxSteps, maxMilliseconds, unchecked } = this.#fit;
    const { preparation, staging, step } = this.#engine;
    this.#beginTurn();
    for (const { rows, asTarget } of unchecked) {
      await this.#inTurns(staging.requireTrainable(rows, asTarget));
    }
    if (rows && !preparation.fitted) preparation.fit(rows, source.rows);
    if (source.prepare) await this.#inTurns(source.prepare());
    if (this.#holder.run !== state) step.progress.learningRate = step.progress.baseLearningRate;
    this.#holder.run = state;
    if (state.last) {
      this.#engine.state.setParameters(state.last);
      delete state.last;
    }
    this.#ended = state.stopped || state.epoch >= epochs || maxSteps === 0;
    this.#deadline = now() + maxMilliseconds;
    this.#beginTurn();
  }

  /** Takes steps until something has to be awaited. `wantsRecords` stops after every step. */
  #work(wantsRecords: boolean): Pause {
    const { source, state, onStep, signal, maxSteps } = this.#fit;
    for (;;) {
      // An epoch whose last step has been taken is finished, whatever ends the run.
      if (state.batch > 0 && source.isEnd(state)) return "epoch";
      if (this.#ended) return "end";
      if (signal?.aborted) throw signal.reason;
      this.#holder.requireLive();
      const batch = this.#arrived === undefined ? source.next(state) : this.#arrived;
      if (isPromiseLike(batch)) {
        this.#awaited = batch;
        return "batch";
      }
      this.#arrived = undefined;
      if (!batch) return "epoch";
      const loss = this.#step(batch);
      const time = now();
      if (this.#steps >= maxSteps || time >= this.#deadline) this.#ended = true;
      if (onStep || wantsRecords) {
        const record = this.#recordOf(batch, loss);
        if (wantsRecords) this.#record = record;
        const answer = onStep?.(record);
        if (answer === false) this.#ended = true;
        if (isPromiseLike(answer)) {
          this.#awaited = answer;
          return "callback";
        }
        if (wantsRecords) return "record";
      }
      this.#stepsLeft -= 1;
      if (time >= this.#turnEnds || this.#stepsLeft <= 0) return "turn";
    }
  }

  /** Waits for what the loop stopped for. */
  async #settle(pause: Pause): Promise<void> {
    const { signal, onEpoch } = this.#fit;
    switch (pause) {
      case "batch":
        this.#arrived = ((await orAborted(this.#awaited, signal)) as Batch | undefined) ?? null;
        break;
      case "callback":
        if ((await this.#awaited) === false) this.#ended = true;
        break;
      case "epoch": {
        const epoch = await this.#finishEpoch();
        if (onEpoch && (await onEpoch(epoch)) === false) this.#ended = true;
        break;
      }
      case "turn":
        await this.#yield();
        break;
    }
    this.#awaited = undefined;
    if (this.#turnIsOver()) await this.#yield();
  }

  /** Takes one optimizer step; returns its loss. */
  #step(batch: Batch): number {
    const { step } = this.#engine;
    const { state, microBatches, schedule, corruption } = this.#fit;
    const { progress } = step;
    if (schedule) {
      const index = schedule.per === "step" ? state.step : state.epoch;
      progress.learningRate = schedule.rate(index, progress.baseLearningRate, state.plateau);
    }
    const loss = step.train(batch, microBatches, corruption);
    state.lossSum += loss * step.known;
    state.weightDone += step.known;
    state.batch += 1;
    state.step += 1;
    this.#steps += 1;
    return loss;
  }

  #recordOf({ count }: Batch, loss: number): StepRecord {
    const { state } = this.#fit;
    const { stepCount, learningRate } = this.#engine.step.progress;
    const batch = state.batch - 1;
    return { step: stepCount, epoch: state.epoch, batch, rows: count, loss, learningRate };
  }

  /** After the last step of an epoch: validates, and tells those who watch the losses. */
  async #finishEpoch(): Promise<EpochRecord> {
    const { state, validation, schedule, stopping, epochs } = this.#fit;
    const { step } = this.#engine;
    const { epoch } = state;
    const loss = state.weightDone === 0 ? 0 : state.lossSum / state.weightDone;
    const record: EpochRecord = validation
      ? { epoch, loss, valLoss: await this.#validate(validation) }
      : { epoch, loss };
    this.#finished.push(record);
    state.epoch += 1;
    state.batch = 0;
    state.weightDone = 0;
    state.lossSum = 0;
    const watched = (monitor: Monitor | undefined) =>
      monitor === "loss" ? loss : (record.valLoss ?? loss);
    const base = step.progress.baseLearningRate;
    schedule?.observe?.(watched(schedule.monitor), base, state.plateau);
    stopping?.observe(watched(stopping.monitor), state, this.#engine.state.parameters);
    if (state.stopped || state.epoch >= epochs) this.#ended = true;
    return record;
  }

  /** The loss on the validation rows. */
  #validate({ x, target, first }: NonNullable<Fit["validation"]>): Promise<number> {
    return this.#inTurns(this.#engine.inference.evaluation(x, target, first, x.count));
  }

  /** Runs work that pauses, with turns for the event loop. */
  async #inTurns<Result>(work: Generator<void, Result, void>): Promise<Result> {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      if (this.#turnIsOver()) await this.#yield();
      const { signal } = this.#fit;
      if (signal?.aborted) throw signal.reason;
      this.#holder.requireLive();
    }
  }

  #beginTurn(): void {
    this.#turnEnds = now() + WORK_BETWEEN_YIELDS;
    this.#stepsLeft = STEPS_BETWEEN_YIELDS;
  }

  #turnIsOver(): boolean {
    return now() >= this.#turnEnds || this.#stepsLeft <= 0;
  }

  async #yield(): Promise<void> {
    await yieldToEventLoop();
    this.#beginTurn();
  }

  /** Lets go of the data, and gives the best weights back, whatever has ended the run. */
  async #close(): Promise<void> {
    const { source, stopping, state, epochs } = this.#fit;
    if (this.#holder.run === state && stopping) {
      const isCut = !state.stopped && state.epoch < epochs;
      stopping.restore(state, this.#engine.state.parameters, isCut);
    }
    await source.close();
  }

  /** Losses of the epochs that were finished. */
  #end(): History {
    const { stopping, state, validation } = this.#fit;
    stopping?.requireObserved(state);
    const epochs = this.#finished;
    const loss = epochs.map((entry) => entry.loss);
    const history = validation
      ? { loss, valLoss: epochs.map(({ valLoss }) => valLoss ?? Number.NaN) }
      : { loss };
    return { epoch: epochs.map(({ epoch }) => epoch), history };
  }
}

/** Asks for `then`, because a promise need not be an instance of this realm's `Promise`. */
function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** Waits for `value`, or for the signal, whichever comes first. */
function orAborted(
  value: PromiseLike<unknown> | undefined,
  signal: AbortSignalLike | undefined,
): PromiseLike<unknown> {
  if (!value || !signal?.addEventListener) return value ?? Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener?.("abort", stop, { once: true });
    value.then(resolve, reject).then(() => signal.removeEventListener?.("abort", stop));
  });
}
