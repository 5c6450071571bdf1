// A run of `fit` from beginning to end: what has to be awaited between steps. The steps themselves follow one another in
// step-loop.ts.

import type { Engine } from "../model/engine.ts";
import type { Batch } from "../model/staging.ts";
import type { Fit } from "./fit.ts";
import type { AbortSignalLike, EpochRecord, StepRecord } from "./fit-options.ts";
import type { RunState } from "./run-state.ts";
import type { Monitor } from "./schedules/schedule.ts";
import type { Pause, StepLoop } from "./step-loop.ts";

/** Losses by epoch, in Keras' shape. */
export interface History {
  /** Numbers of the epochs that were finished. */
  readonly epoch: number[];
  /** Their mean training losses and, where there is validation, their losses on the validation rows. */
  readonly history: { readonly loss: number[]; readonly valLoss?: number[] };
}

/** What a model keeps from one run to the next. */
export interface RunMemory {
  /** How far the last run came: `save` keeps it, and a run may continue it. */
  run: RunState | undefined;
  readonly loop: StepLoop;
}

export class TrainingRun {
  readonly #engine: Engine;
  readonly #fit: Fit;
  readonly #memory: RunMemory;
  readonly #loop: StepLoop;
  readonly #finished: EpochRecord[] = [];

  constructor(engine: Engine, fit: Fit, memory: RunMemory) {
    this.#engine = engine;
    this.#fit = fit;
    this.#memory = memory;
    this.#loop = memory.loop;
  }

  /** Runs to the end. */
  async finish(): Promise<History> {
    try {
      await this.#begin();
      for (;;) {
        const pause = this.#loop.run(this.#engine.step, this.#fit.state, false);
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
    const loop = this.#loop;
    try {
      await this.#begin();
      for (;;) {
        const pause = loop.run(this.#engine.step, this.#fit.state, true);
        if (pause === "end") break;
        await this.#settle(pause);
        const { record } = loop;
        loop.record = undefined;
        if (record) yield record;
      }
    } finally {
      await this.#close();
    }
    return this.#end();
  }

  /** Looks over the data, learns their scale and holds them where they are few, with turns for the event loop. */
  async #begin(): Promise<void> {
    const { source, rows, state, unchecked } = this.#fit;
    const { preparation, staging, step } = this.#engine;
    this.#loop.begin(this.#fit);
    for (const { rows, asTarget } of unchecked) {
      await this.#inTurns(staging.requireTrainable(rows, asTarget));
    }
    if (rows && !preparation.fitted) preparation.fit(rows, source.rows);
    if (source.prepare) await this.#inTurns(source.prepare());
    if (this.#memory.run !== state) step.progress.learningRate = step.progress.baseLearningRate;
    this.#memory.run = state;
    if (state.last) {
      this.#engine.state.restore(state.last);
      delete state.last;
    }
    this.#loop.turns.begin(this.#fit.maxMilliseconds);
  }

  /** Waits for what the loop stopped for. */
  async #settle(pause: Pause): Promise<void> {
    const loop = this.#loop;
    const { signal, onEpoch } = this.#fit;
    switch (pause) {
      case "batch":
        loop.arrived = ((await orAborted(loop.awaited, signal)) as Batch | undefined) ?? null;
        break;
      case "callback":
        if ((await loop.awaited) === false) loop.ended = true;
        break;
      case "epoch": {
        const epoch = await this.#finishEpoch();
        if (onEpoch && (await onEpoch(epoch)) === false) loop.ended = true;
        break;
      }
    }
    loop.awaited = undefined;
    if (pause === "turn" || loop.turns.isDue()) await loop.turns.take();
  }

  /** After the last step of an epoch: validates, and tells those who watch the losses. */
  async #finishEpoch(): Promise<EpochRecord> {
    const { state, validation, schedule, stopping, epochs } = this.#fit;
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
    const base = this.#engine.step.progress.baseLearningRate;
    schedule?.observe?.(watched(schedule.monitor), base, state.plateau);
    stopping?.observe(watched(stopping.monitor), state, this.#engine.state);
    if (state.stopped || state.epoch >= epochs) this.#loop.ended = true;
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
      if (this.#loop.turns.isDue()) await this.#loop.turns.take();
      this.#loop.requireGoing();
    }
  }

  /** Lets go of the data, and gives the best weights back, whatever has ended the run. */
  async #close(): Promise<void> {
    const { source, stopping, state, epochs } = this.#fit;
    this.#loop.end();
    if (this.#memory.run === state && stopping) {
      const isCut = !state.stopped && state.epoch < epochs;
      stopping.restore(state, this.#engine.state, isCut);
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
