// The training loop: epochs, batches, validation, callbacks, cancelling. A step itself does not await,
// so that the loop costs nothing; `fit` drains it and gives the event loop a turn often enough that a
// page or a server stays responsive.

import type { Engine } from "../model/engine.ts";
import { now, yieldToEventLoop } from "../platform/yield.ts";
import type { Batch } from "./batches.ts";
import type { EpochRecord, Fit, StepRecord } from "./fit-options.ts";
import type { Monitor } from "./schedules.ts";

/** Losses by epoch, in Keras' shape. */
export interface History {
  readonly epoch: number[];
  readonly history: { readonly loss: number[]; readonly valLoss?: number[] };
}

/** Milliseconds of work between turns of the event loop: under a frame of 60 a second. */
const WORK_BETWEEN_YIELDS = 12;
/** Steps between turns where the clock stands still, as on edge hosts. */
const STEPS_BETWEEN_YIELDS = 256;

export class TrainingRun {
  readonly #engine: Engine;
  readonly #fit: Fit;
  readonly #finished: EpochRecord[] = [];
  #steps = 0;
  #ended = false;
  /** When the event loop is due its next turn, and the steps left to it where the clock stands still. */
  #turnEnds = 0;
  #stepsLeft = 0;

  constructor(engine: Engine, fit: Fit) {
    this.#engine = engine;
    this.#fit = fit;
  }

  /** The run as an async iterator of step records: callbacks called, the event loop given its turns. */
  async *records(): AsyncGenerator<StepRecord, History> {
    const { source, rows, state, onStep, onEpoch, signal } = this.#fit;
    const { epochs, maxSteps, maxMilliseconds } = this.#fit;
    const { preparation } = this.#engine;
    if (rows && !preparation.fitted) preparation.fit(rows, source.rows);
    this.#engine.run = state;
    this.#ended = state.stopped || state.epoch >= epochs || maxSteps === 0;
    const deadline = now() + maxMilliseconds;
    this.#beginTurn();
    try {
      while (!this.#ended) {
        if (signal?.aborted) throw signal.reason;
        const next = source.next(state);
        const batch = next instanceof Promise ? await next : next;
        if (batch) {
          if (signal?.aborted) throw signal.reason;
          const step = this.#step(batch);
          if (this.#steps >= maxSteps || now() >= deadline) this.#ended = true;
          if (onStep && (await onStep(step)) === false) this.#ended = true;
          yield step;
        }
        if (!batch || source.isEnd(state)) {
          const epoch = await this.#finishEpoch();
          if (onEpoch && (await onEpoch(epoch)) === false) this.#ended = true;
        }
        if (this.#turnIsOver()) await this.#yield();
      }
    } finally {
      await source.close();
    }
    return this.#history();
  }

  /** Takes one optimizer step. */
  #step(batch: Batch): StepRecord {
    const engine = this.#engine;
    const { state, microBatches, extras } = this.#fit;
    const { schedule, corruption } = extras;
    if (schedule) {
      const index = schedule.per === "step" ? state.step : state.epoch;
      engine.learningRate = schedule.rate(index, engine.baseLearningRate, state.plateau);
    }
    const { learningRate } = engine;
    const loss = engine.trainBatch(batch, microBatches, corruption);
    const rows = batch.count;
    const record: StepRecord = {
      step: engine.stepCount,
      epoch: state.epoch,
      batch: state.batch,
      rows,
      loss,
      learningRate,
    };
    state.lossSum += loss * rows;
    state.rowsDone += rows;
    state.batch += 1;
    state.step += 1;
    this.#steps += 1;
    return record;
  }

  #beginTurn(): void {
    this.#turnEnds = now() + WORK_BETWEEN_YIELDS;
    this.#stepsLeft = STEPS_BETWEEN_YIELDS;
  }

  #turnIsOver(): boolean {
    this.#stepsLeft -= 1;
    return now() >= this.#turnEnds || this.#stepsLeft <= 0;
  }

  async #yield(): Promise<void> {
    await yieldToEventLoop();
    this.#beginTurn();
  }

  /** The loss on the validation rows, with turns for the event loop: they may be many. */
  async #validate({ x, target, first }: NonNullable<Fit["validation"]>): Promise<number> {
    const chunks = this.#engine.evaluation(x, target, first, x.count);
    for (;;) {
      const { done, value } = chunks.next();
      if (done) return value;
      if (this.#turnIsOver()) await this.#yield();
    }
  }

  /** After the last step of an epoch: validates, and hears those who watch the losses. */
  async #finishEpoch(): Promise<EpochRecord> {
    const { state, validation, extras, epochs } = this.#fit;
    const { schedule, stopping } = extras;
    const { epoch } = state;
    const loss = state.lossSum / state.rowsDone;
    const record: EpochRecord = validation
      ? { epoch, loss, valLoss: await this.#validate(validation) }
      : { epoch, loss };
    this.#finished.push(record);
    state.epoch += 1;
    state.batch = 0;
    state.rowsDone = 0;
    state.lossSum = 0;
    const watched = (monitor: Monitor | undefined) =>
      monitor === "loss" ? loss : (record.valLoss ?? loss);
    schedule?.observe?.(watched(schedule.monitor), state.plateau);
    stopping?.observe(watched(stopping.monitor), state, this.#engine.parameters);
    if (state.stopped || state.epoch >= epochs) {
      this.#ended = true;
      stopping?.finish(state, this.#engine.parameters);
    }
    return record;
  }

  /** Losses of the epochs that were finished. */
  #history(): History {
    const epochs = this.#finished;
    const loss = epochs.map((entry) => entry.loss);
    const history = this.#fit.validation
      ? { loss, valLoss: epochs.map(({ valLoss }) => valLoss as number) }
      : { loss };
    return { epoch: epochs.map(({ epoch }) => epoch), history };
  }
}
