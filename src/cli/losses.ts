// The losses of a run by epoch, which a model's file keeps for the report. They are limited to the epochs that a curve needs.

import type { EpochRecord, History } from "../index.ts";

/** The most epochs that are kept. A curve needs no more points, and they take about 6 KB. */
const MOST = 256;
/** Digits of the kept losses. */
const DIGITS = 6;

/** Losses of finished epochs, which are counted from 1. */
export class LossRecord {
  #epochs: EpochRecord[];

  /** `earlier` are the losses of the interrupted run that continues. */
  constructor(earlier?: History) {
    const { epoch = [], history: { loss = [], valLoss = [] } = {} } = earlier ?? {};
    this.#epochs = epoch.map((number, i) => ({
      epoch: number,
      loss: loss[i] ?? Number.NaN,
      ...(valLoss[i] === undefined ? {} : { valLoss: valLoss[i] }),
    }));
  }

  /**
   * Adds an epoch. The kept epochs are every n-th, where n is a power of two that depends only on the number of the new
   * epoch. So an interrupted run keeps the same epochs as one without an interruption.
   */
  add({ epoch, loss, valLoss }: EpochRecord): void {
    const number = epoch + 1;
    let every = 1;
    while (number / every > MOST) every *= 2;
    this.#epochs = this.#epochs.filter((one) => one.epoch < number && one.epoch % every === 0);
    this.#epochs.push({
      epoch: number,
      loss: rounded(loss),
      ...(valLoss === undefined ? {} : { valLoss: rounded(valLoss) }),
    });
  }

  /** The kept losses; undefined before the end of the first epoch. */
  get history(): History | undefined {
    if (this.#epochs.length === 0) return undefined;
    const valLoss = this.#epochs.flatMap((one) => one.valLoss ?? []);
    return {
      epoch: this.#epochs.map(({ epoch }) => epoch),
      history: {
        loss: this.#epochs.map(({ loss }) => loss),
        ...(valLoss.length === this.#epochs.length ? { valLoss } : {}),
      },
    };
  }
}

const rounded = (loss: number): number => Number(loss.toPrecision(DIGITS));

/** Losses from an untrusted file; undefined if the value is not a list of losses. */
export function readLosses(value: unknown): History | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { epoch, history } = value as Record<string, unknown>;
  if (!isNumbers(epoch) || typeof history !== "object" || history === null) return undefined;
  const { loss, valLoss } = history as Record<string, unknown>;
  const fits = (values: unknown): values is number[] =>
    isNumbers(values) && values.length === epoch.length;
  if (!fits(loss) || epoch.length > MOST + 1) return undefined;
  return { epoch, history: { loss, ...(fits(valLoss) ? { valLoss } : {}) } };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);
