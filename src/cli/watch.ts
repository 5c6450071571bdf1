// The progress of a training run: its state, its speed and the remaining time.

import type { EpochRecord, StepRecord } from "../index.ts";
import { clock, compact, fixed } from "./numbers.ts";
import { bar, type Reporter } from "./report.ts";

/** Milliseconds between two progress reports. */
const NEWS = 100;

export class Watch {
  steps = 0;
  readonly #report: Reporter;
  readonly #epochs: number;
  readonly #stepsPerEpoch: number;
  readonly #started = performance.now();
  #rows = 0;
  #epochRows = 0;
  #lossSum = 0;
  #valLoss: number | undefined;
  #last = 0;
  /** The share of the run that was finished before this part of it. */
  #before: number | undefined;

  constructor(report: Reporter, epochs: number, stepsPerEpoch: number) {
    this.#report = report;
    this.#epochs = epochs;
    this.#stepsPerEpoch = stepsPerEpoch;
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  step({ epoch, batch, rows, loss, step }: StepRecord): void {
    this.#before ??= (epoch + batch / this.#stepsPerEpoch) / this.#epochs;
    if (batch === 0) {
      this.#epochRows = 0;
      this.#lossSum = 0;
    }
    this.steps += 1;
    this.#rows += rows;
    this.#epochRows += rows;
    this.#lossSum += loss * rows;
    const now = performance.now();
    if (now - this.#last < NEWS) return;
    this.#last = now;
    const mean = this.#lossSum / this.#epochRows;
    this.#show(epoch, (epoch + (batch + 1) / this.#stepsPerEpoch) / this.#epochs, mean, false);
    this.#report.event("step", () => ({ step, epoch: epoch + 1, loss: mean }));
  }

  epoch({ epoch, loss, valLoss }: EpochRecord): void {
    this.#valLoss = valLoss;
    this.#show(epoch, (epoch + 1) / this.#epochs, loss, epoch + 1 === this.#epochs);
    this.#report.event("epoch", () => ({
      epoch: epoch + 1,
      epochs: this.#epochs,
      loss,
      ...(valLoss === undefined ? {} : { valLoss }),
      seconds: this.seconds,
      rowsPerSecond: this.#rows / this.seconds,
    }));
  }

  #show(epoch: number, share: number, loss: number, important: boolean): void {
    this.#report.progress(() => {
      const left = (this.seconds * (1 - share)) / (share - (this.#before ?? 0));
      return [
        `epoch ${String(epoch + 1).padStart(String(this.#epochs).length)}/${this.#epochs}`,
        bar(share, 12),
        `loss ${fixed(loss)}`,
        ...(this.#valLoss === undefined ? [] : [`val ${fixed(this.#valLoss)}`]),
        `${compact(this.#rows / this.seconds)} rows/s`,
        `${clock(left)} left`,
      ].join("  ");
    }, important);
  }
}
