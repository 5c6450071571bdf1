// Prepares data for the network: scales columns and replaces missing values. Scales reconstructions back to the units of
// the data. The statistics for this are learned once, from the data of the first `fit`, and saved with the model. Scaled
// values are (x - center) / scale, computed in float64 and rounded once, because columns may be far from 0.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { ColumnStatistics } from "../data/column-statistics.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidStateError, InvalidValueError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import { longForm } from "../options.ts";
import { finish, type Paused } from "../platform/turns.ts";
import type { MissingMode, ResolvedConfig } from "./config.ts";
import { fixedVectors, scalers } from "./scalers.ts";

/** The learned statistics as they are saved: one value per column. */
export type PreparationState = Readonly<Record<string, Float64Array>>;

type Settings = Pick<ResolvedConfig, "scaler" | "missing">;

/** The names of the learned statistics. Empty if the model neither scales nor replaces missing values. */
export function preparationNames({ scaler, missing }: Settings): string[] {
  const names = scaler === undefined ? [] : ["scaler.center", "scaler.scale"];
  if (missing !== "error") names.push("missing.mean");
  return names;
}

/** The number of values that are copied to float64 and scaled at a time: 128 KiB, which stay in the cache. */
const PIECE = 16_384;

export class Preparation {
  readonly missing: MissingMode;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #settings: Settings;
  readonly #width: number;
  /** The centres and scales of the columns in the arena, and rows in float64 before they are scaled. */
  readonly #centerAddress: Address;
  readonly #scaleAddress: Address;
  readonly #pieceAddress: Address;
  readonly #pieceRows: number;
  /** The replacements of missing values, in scaled units [width]. */
  #replacements = new Float32Array(0);
  #state: PreparationState | undefined;

  constructor(kernels: KernelExports, arena: Arena, settings: Settings, width: number) {
    this.missing = settings.missing;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#settings = settings;
    this.#width = width;
    this.#pieceRows = Math.max(1, Math.floor(PIECE / width));
    const doubles = (count: number) => (this.scales ? arena.reserve(count * 8) : 0);
    this.#centerAddress = doubles(width);
    this.#scaleAddress = doubles(width);
    this.#pieceAddress = doubles(this.#pieceRows * width);
    const fixed = fixedVectors(settings.scaler, width);
    if (preparationNames(settings).length === 0) this.#state = {};
    else if (fixed && settings.missing === "error") {
      this.restore({ "scaler.center": fixed.center, "scaler.scale": fixed.scale });
    }
  }

  /** Whether rows are scaled. */
  get scales(): boolean {
    return this.#settings.scaler !== undefined;
  }

  /** Whether everything is learned that the model needs. */
  get fitted(): boolean {
    return this.#state !== undefined;
  }

  /** The learned statistics. Undefined before they are learned. */
  get state(): PreparationState | undefined {
    return this.#state;
  }

  /** Learns from rows [0, count). @throws InvalidValueError for a column without any number. */
  fit(rows: Rows, count: number): void {
    finish(this.learn(rows, count));
  }

  /** `fit` with a pause after every piece of rows. Nothing changes before its end. */
  *learn(rows: Rows, count: number): Paused<void> {
    if (this.#learnsNothing) return;
    const statistics = new ColumnStatistics(this.#width);
    yield* statistics.adding(rows, 0, count);
    this.take(statistics, rows.name);
  }

  /** Learns from the statistics of all rows of the data `name`. @throws InvalidValueError for a column without any number. */
  take(statistics: ColumnStatistics, name: string): void {
    if (this.#learnsNothing) return;
    const empty = statistics.counts.indexOf(0);
    if (empty >= 0) {
      throw new InvalidValueError(
        `Column ${empty} of ${name} holds no number at all; it has no mean to fill in or scale by.`,
      );
    }
    const means = Float64Array.from(statistics.means);
    const { scaler } = this.#settings;
    const learned = scaler && scalers.of(longForm(scaler)).learn?.(statistics);
    const vectors = learned ?? fixedVectors(scaler, this.#width);
    const state: Record<string, Float64Array> = {};
    if (vectors) {
      state["scaler.center"] = vectors.center;
      state["scaler.scale"] = vectors.scale;
    }
    if (this.missing !== "error") state["missing.mean"] = means;
    this.restore(state);
  }

  get #learnsNothing(): boolean {
    return preparationNames(this.#settings).length === 0;
  }

  /** Sets the learned statistics. */
  restore(state: PreparationState): void {
    this.#state = state;
    const { "scaler.center": center, "scaler.scale": scale, "missing.mean": means } = state;
    if (center && scale) {
      this.#arena.commit(); // a fixed scaler is known before the rest of the model is allocated
      this.#arena.doubles(this.#centerAddress, this.#width).set(center);
      this.#arena.doubles(this.#scaleAddress, this.#width).set(scale);
    }
    if (!means) return;
    this.#replacements = Float32Array.from(means, (mean, j) =>
      center && scale ? (mean - (center[j] ?? 0)) / (scale[j] ?? 1) : mean,
    );
  }

  /** @throws InvalidStateError if the model scales or replaces missing values, and nothing is learned yet. */
  requireFitted(): void {
    if (this.#state) return;
    throw new InvalidStateError(
      "The model has seen no data to scale or to fill in by. Call fit, or fitScaler with a sample, first.",
    );
  }

  /** Copies rows [first, first + count) to `address`, scaled. NaN stays NaN. */
  copy(rows: Rows, first: number, count: number, address: Address): void {
    if (this.#isScaling) this.#scale(rows, undefined, first, count, address);
    else rows.copy(first, count, this.#arena.heap, address / 4);
  }

  /** Copies the rows order[first], …, order[first + count - 1] to `address`, scaled. */
  gather(rows: Rows, order: Uint32Array, first: number, count: number, address: Address): void {
    if (this.#isScaling) this.#scale(rows, order, first, count, address);
    else rows.gather(order, first, count, this.#arena.heap, address / 4);
  }

  /** Replaces every NaN of `rows` scaled rows by the mean of its column. */
  fill(rows: number, x: Address): void {
    const count = rows * this.#width;
    if (this.missing === "error" || this.#kernels.countNaN(count, x) === 0) return;
    const { heap } = this.#arena;
    const at = x / 4;
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(heap[at + i]))
        heap[at + i] = this.#replacements[i % this.#width] ?? Number.NaN;
    }
  }

  /** Converts `rows` scaled rows to the units of the data, in place. */
  unscale(rows: number, y: Address): void {
    if (!this.#isScaling) return;
    this.#kernels.unscaleColumns(rows, this.#width, y, this.#scaleAddress, this.#centerAddress);
  }

  /** How many of the `count` values at `target` are known and count in a loss. */
  known(count: number, target: Address): number {
    if (this.missing !== "mask") return count;
    return count - (this.#kernels.countNaN(count, target) >>> 0);
  }

  /** Sets missing targets to the outputs, so that their error is 0. Returns their number per row, if there are any. */
  hideMissing(rows: number, y: Address, target: Address): Uint32Array | undefined {
    const count = rows * this.#width;
    if (this.known(count, target) === count) return undefined;
    const missing = new Uint32Array(rows);
    const values = this.#arena.view(target, count);
    const outputs = this.#arena.view(y, count);
    for (let i = 0; i < count; i++) {
      if (!Number.isNaN(values[i])) continue;
      values[i] = outputs[i] ?? 0;
      const row = Math.floor(i / this.#width);
      missing[row] = (missing[row] ?? 0) + 1;
    }
    return missing;
  }

  /** Whether rows are scaled, and the statistics for it are learned. */
  get #isScaling(): boolean {
    return this.scales && this.fitted;
  }

  /** Copies rows to the piece and scales them from there, piece by piece. */
  #scale(
    rows: Rows,
    order: Uint32Array | undefined,
    first: number,
    count: number,
    address: Address,
  ): void {
    const width = this.#width;
    const most = this.#pieceRows;
    const piece = this.#pieceAddress;
    const doubles = this.#arena.doubles(piece, most * width);
    for (let done = 0; done < count; done += most) {
      const some = Math.min(most, count - done);
      if (order) rows.gather(order, first + done, some, doubles, 0);
      else rows.copy(first + done, some, doubles, 0);
      const to = address + done * width * 4;
      this.#kernels.scaleColumns(some, width, piece, this.#centerAddress, this.#scaleAddress, to);
    }
  }
}
