// What happens to data between the caller and the network, and back: columns scaled, missing values filled in, and
// on the way out unscaled. What this needs is learned once, from the data of the first `fit`, and saved with the
// model. Scaled values are (x - center) / scale, computed in float64 and rounded once: columns may lie far from 0.

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

/** What was learned from the data, as it is saved: one value a column. */
export type PreparationState = Readonly<Record<string, Float64Array>>;

type Settings = Pick<ResolvedConfig, "scaler" | "missing">;

/** The names of a model's state; none where it neither scales nor fills in. */
export function preparationNames({ scaler, missing }: Settings): string[] {
  const names = scaler === undefined ? [] : ["scaler.center", "scaler.scale"];
  if (missing !== "error") names.push("missing.mean");
  return names;
}

/** Values that are scaled at a time on their way through float64. */
const PIECE = 16_384;

export class Preparation {
  readonly missing: MissingMode;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #settings: Settings;
  readonly #width: number;
  /** Rows on their way to the arena. */
  readonly #piece: Float64Array;
  #center: Float64Array | undefined;
  #scale: Float64Array | undefined;
  /** What takes the place of a missing value, as data are after scaling [width]. */
  #replacements = new Float32Array(0);
  #state: PreparationState | undefined;

  constructor(kernels: KernelExports, arena: Arena, settings: Settings, width: number) {
    this.missing = settings.missing;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#settings = settings;
    this.#width = width;
    const rows = Math.max(1, Math.floor(PIECE / width));
    this.#piece = new Float64Array(settings.scaler === undefined ? 0 : rows * width);
    const fixed = fixedVectors(settings.scaler, width);
    if (preparationNames(settings).length === 0) this.#state = {};
    else if (fixed && settings.missing === "error") {
      this.restore({ "scaler.center": fixed.center, "scaler.scale": fixed.scale });
    }
  }

  /** Whether rows are scaled on their way in. */
  get scales(): boolean {
    return this.#settings.scaler !== undefined;
  }

  /** Whether there is nothing left to learn. */
  get fitted(): boolean {
    return this.#state !== undefined;
  }

  /** What was learned; undefined before that. */
  get state(): PreparationState | undefined {
    return this.#state;
  }

  /** Learns from rows [0, count). @throws InvalidValueError for a column without any number. */
  fit(rows: Rows, count: number): void {
    finish(this.learn(rows, count));
  }

  /** `fit` with a pause after every piece of rows; nothing has changed before its end. */
  *learn(rows: Rows, count: number): Paused<void> {
    const names = preparationNames(this.#settings);
    if (names.length === 0) return;
    const statistics = new ColumnStatistics(this.#width);
    yield* statistics.adding(rows, 0, count);
    const empty = statistics.counts.indexOf(0);
    if (empty >= 0) {
      throw new InvalidValueError(
        `Column ${empty} of ${rows.name} holds no number at all; it has no mean to fill in or scale by.`,
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

  /** Takes up what was learned before. */
  restore(state: PreparationState): void {
    this.#state = state;
    const { "scaler.center": center, "scaler.scale": scale, "missing.mean": means } = state;
    this.#center = center;
    this.#scale = scale;
    if (!means) return;
    this.#replacements = Float32Array.from(means, (mean, j) =>
      center && scale ? (mean - (center[j] ?? 0)) / (scale[j] ?? 1) : mean,
    );
  }

  /** @throws InvalidStateError where data would have to be scaled or filled in and nothing is learned yet. */
  requireFitted(): void {
    if (this.#state) return;
    throw new InvalidStateError(
      "The model has seen no data to scale or to fill in by. Call fit, or fitScaler with a sample, first.",
    );
  }

  /** Copies rows [first, first + count) to `address`, scaled; NaN stays NaN. */
  copy(rows: Rows, first: number, count: number, address: Address): void {
    if (!this.#center) {
      rows.copy(first, count, this.#arena.heap, address / 4);
      return;
    }
    this.#inPieces(count, address, (from, some) => rows.copy(first + from, some, this.#piece, 0));
  }

  /** Copies the rows order[first], …, order[first + count - 1] to `address`, scaled. */
  gather(rows: Rows, order: Uint32Array, first: number, count: number, address: Address): void {
    if (!this.#center) {
      rows.gather(order, first, count, this.#arena.heap, address / 4);
      return;
    }
    this.#inPieces(count, address, (from, some) =>
      rows.gather(order, first + from, some, this.#piece, 0),
    );
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

  /** Brings `rows` scaled rows back to the data's units, in place. */
  unscale(rows: number, y: Address): void {
    const [center, scale] = [this.#center, this.#scale];
    if (!center || !scale) return;
    const { heap } = this.#arena;
    const width = this.#width;
    for (let row = 0; row < rows; row++) {
      const at = y / 4 + row * width;
      for (let j = 0; j < width; j++) {
        heap[at + j] = (heap[at + j] ?? 0) * (scale[j] ?? 1) + (center[j] ?? 0);
      }
    }
  }

  /** How many of the `count` values at `target` count in a loss. */
  known(count: number, target: Address): number {
    if (this.missing !== "mask") return count;
    return count - (this.#kernels.countNaN(count, target) >>> 0);
  }

  /** Gives values that do not count an error of 0; returns how many each row has, if there are any. */
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

  /** Scales rows that `read` puts into the piece, a piece at a time. */
  #inPieces(count: number, address: Address, read: (first: number, count: number) => void): void {
    const [center, scale] = [this.#center ?? [], this.#scale ?? []];
    const width = this.#width;
    const piece = this.#piece;
    const most = piece.length / width;
    const { heap } = this.#arena;
    for (let first = 0; first < count; first += most) {
      const some = Math.min(most, count - first);
      read(first, some);
      let at = address / 4 + first * width;
      for (let i = 0; i < some * width; i += width) {
        for (let j = 0; j < width; j++) {
          heap[at + j] = ((piece[i + j] ?? 0) - (center[j] ?? 0)) / (scale[j] ?? 1);
        }
        at += width;
      }
    }
  }
}
