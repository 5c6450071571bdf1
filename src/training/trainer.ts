// A run of `fit` from beginning to end, except its steps: everything that must be awaited between steps. The steps are in
// step-loop.ts.

import type { Engine } from "../model/engine.ts";
import type { Batch } from "../model/staging.ts";
import type { Paused } from "../platform/turns.ts";
import type { Fit } from "./fit.ts";
import type { EpochRecord, StepRecord } from "./fit-options.ts";
import type { RunState } from "./run-state.ts";
import type { Monitor } from "./schedules/schedule.ts";
import { isPromiseLike, type Pause, type StepLoop } from "./step-loop.ts";
import { unlessEnded, type Waiting } from "./waiting.ts";

/** Losses by epoch, in the form that Keras uses. */
export interface History {
  /** The numbers of the finished epochs. */
  readonly epoch: number[];
  /** Their mean training losses, and with validation their losses on the validation rows. */
  readonly history: { readonly loss: number[]; readonly valLoss?: number[] };
}

/** The state that a model keeps from one run to the next. */
export interface RunMemory extends Waiting {
  /** The state of the last run. `save` saves it, and a run may continue it. */
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
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
    await this.#close();
    return this.#end();
  }

  /** The same as an async iterator of step records. */
  async *records(): AsyncGenerator<StepRecord, History> {
    const loop = this.#loop;
    let hasFailed = false;
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
    } catch (error) {
      hasFailed = true;
      await this.#giveUp();
      throw error;
    } finally {
      if (!hasFailed) await this.#close();
    }
    return this.#end();
  }

  /** Checks the data, learns their statistics and copies them into the arena if they are few. Yields to the event loop. */
  async #begin(): Promise<void> {
    const { source, rows, state, unchecked } = this.#fit;
    const { preparation, staging, step } = this.#engine;
    this.#loop.begin(this.#fit);
    for (const { rows, asTarget } of unchecked) {
      await this.#inTurns(staging.requireTrainable(rows, asTarget));
    }
    if (rows && !preparation.fitted) await this.#inTurns(preparation.learn(rows, source.rows));
    if (source.prepare) await this.#inTurns(source.prepare());
    if (this.#memory.run !== state) step.progress.learningRate = step.progress.baseLearningRate;
    this.#memory.run = state;
    if (state.last) {
      this.#engine.state.restore(state.last);
      delete state.last;
    }
    this.#loop.turns.begin(this.#fit.maxMilliseconds);
  }

  /** Does what the loop returned for. */
  async #settle(pause: Pause): Promise<void> {
    const loop = this.#loop;
    const { onEpoch } = this.#fit;
    switch (pause) {
      case "batch":
        loop.arrived = ((await this.#unlessEnded(loop.awaited)) as Batch | undefined) ?? null;
        break;
      case "callback":
        if ((await this.#unlessEnded(loop.awaited)) === false) loop.ended = true;
        break;
      case "epoch": {
        const epoch = await this.#finishEpoch();
        if (onEpoch && (await this.#unlessEnded(onEpoch(epoch))) === false) loop.ended = true;
        break;
      }
    }
    loop.awaited = undefined;
    if (pause === "turn" || loop.turns.isDue()) await loop.turns.take();
  }

  /** After the last step of an epoch: validates, and passes the losses to the schedule and to early stopping. */
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

  /** Runs work with pauses, and yields to the event loop. */
  #inTurns<Result>(work: Paused<Result>): Promise<Result> {
    return this.#loop.turns.run(work, () => this.#loop.requireGoing());
  }

  /** Waits for `value`. Throws earlier if the signal is aborted or the model is disposed. */
  async #unlessEnded(value: unknown): Promise<unknown> {
    if (!isPromiseLike(value)) return value;
    const requireGoing = () => this.#loop.requireGoing();
    return unlessEnded(value, this.#memory, requireGoing, this.#fit.signal);
  }

  /** Releases the data and restores the best weights, at every end of a run. */
  async #close(): Promise<void> {
    this.#restore();
    await this.#fit.source.close();
  }

  /** The same after an error. Errors of closing are ignored. After an abort or a disposal it does not wait for closing. */
  async #giveUp(): Promise<void> {
    const isOutside = this.#isEndedFromOutside();
    this.#restore();
    const closed = (async () => this.#fit.source.close())().catch(() => {});
    if (!isOutside) await closed;
  }

  #isEndedFromOutside(): boolean {
    try {
      this.#loop.requireGoing();
      return false;
    } catch {
      return true;
    }
  }

  #restore(): void {
    const { stopping, state, epochs } = this.#fit;
    this.#loop.end();
    if (this.#memory.run === state && stopping) {
      const isCut = !state.stopped && state.epoch < epochs;
      stopping.restore(state, this.#engine.state, isCut);
    }
  }

  /** The losses of the finished epochs. */
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
