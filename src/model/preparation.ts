// What happens to data between the caller and the network, and back: columns scaled, missing values filled in, and
// on the way out unscaled. What this needs is learned once, from the data of the first `fit`, and saved with the
// model. Scaled values are (x - center) / scale.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { ColumnStatistics } from "../data/column-statistics.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidStateError, InvalidValueError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import type { MissingMode, ResolvedConfig } from "./config.ts";

/** What was learned from the data, as it is saved: one value a column. */
export type PreparationState = Readonly<Record<string, Float32Array>>;

type Settings = Pick<ResolvedConfig, "scaler" | "missing">;

/** The names of a model's state; none where it neither scales nor fills in. */
export function preparationNames({ scaler, missing }: Settings): string[] {
  const names = scaler === undefined ? [] : ["scaler.center", "scaler.scale"];
  if (missing !== "error") names.push("missing.mean");
  return names;
}

/** Addresses of vectors [width]. */
interface Vectors {
  readonly center: Address;
  readonly scale: Address;
  readonly minusCenter: Address;
  /** 1 / scale */
  readonly inverse: Address;
  readonly ones: Address;
  readonly zeros: Address;
}

export class Preparation {
  readonly missing: MissingMode;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #settings: Settings;
  readonly #width: number;
  /** Absent where nothing is scaled. */
  readonly #vectors: Vectors | undefined;
  /** What takes the place of a missing value, as data are after scaling [width]; 0 for none. */
  readonly #replacements: Address;
  #state: PreparationState | undefined;

  constructor(kernels: KernelExports, arena: Arena, settings: Settings, width: number) {
    this.missing = settings.missing;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#settings = settings;
    this.#width = width;
    const vector = () => arena.reserveFloats(width);
    if (settings.scaler !== undefined) {
      this.#vectors = {
        center: vector(),
        scale: vector(),
        minusCenter: vector(),
        inverse: vector(),
        ones: vector(),
        zeros: vector(),
      };
    }
    this.#replacements = settings.missing === "error" ? 0 : vector();
    if (preparationNames(settings).length === 0) this.#state = {};
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
    const names = preparationNames(this.#settings);
    if (names.length === 0) return;
    const statistics = new ColumnStatistics(this.#width);
    statistics.add(rows, 0, count);
    const empty = statistics.counts.indexOf(0);
    if (empty >= 0) {
      throw new InvalidValueError(
        `Column ${empty} of ${rows.name} holds no number at all; it has no mean to fill in or scale by.`,
      );
    }
    const column = (value: (j: number) => number) =>
      Float32Array.from({ length: this.#width }, (_, j) => value(j));
    const means = Float32Array.from(statistics.means);
    const state: Record<string, Float32Array> = {};
    if (this.#settings.scaler === "standard") {
      state["scaler.center"] = means;
      state["scaler.scale"] = column((j) => statistics.standardDivisor(j));
    } else if (this.#settings.scaler === "minMax") {
      state["scaler.center"] = Float32Array.from(statistics.lowest);
      state["scaler.scale"] = column((j) => statistics.rangeDivisor(j));
    }
    if (this.missing !== "error") state["missing.mean"] = means;
    this.restore(state);
  }

  /** Takes up what was learned before. */
  restore(state: PreparationState): void {
    this.#state = state;
    const { "scaler.center": center, "scaler.scale": scale, "missing.mean": means } = state;
    const set = (address: Address, values: Float32Array) =>
      this.#arena.view(address, this.#width).set(values);
    const vectors = this.#vectors;
    if (vectors && center && scale) {
      set(vectors.center, center);
      set(vectors.scale, scale);
      set(
        vectors.minusCenter,
        center.map((value) => -value),
      );
      set(
        vectors.inverse,
        scale.map((value) => 1 / value),
      );
      set(vectors.ones, new Float32Array(this.#width).fill(1));
      set(vectors.zeros, new Float32Array(this.#width));
    }
    if (means) {
      set(this.#replacements, means);
      this.scale(1, this.#replacements);
    }
  }

  /** @throws InvalidStateError where data would have to be scaled or filled in and nothing is learned yet. */
  requireFitted(): void {
    if (this.#state) return;
    throw new InvalidStateError(
      "The model has seen no data to scale or to fill in by. Call fit, or fitScaler with a sample, first.",
    );
  }

  /**
   * Scales `rows` rows in place; NaN stays NaN. Subtracts first and divides then: one x · a + b would lose the
   * digits of columns that lie far from 0.
   */
  scale(rows: number, x: Address): void {
    if (!this.#vectors) return;
    const { minusCenter, inverse, ones, zeros } = this.#vectors;
    this.#kernels.affineColumns(rows, this.#width, x, ones, minusCenter, x);
    this.#kernels.affineColumns(rows, this.#width, x, inverse, zeros, x);
  }

  /** Replaces every NaN of `rows` scaled rows by the mean of its column. */
  fill(rows: number, x: Address): void {
    const count = rows * this.#width;
    if (this.missing === "error" || this.#kernels.countNaN(count, x) === 0) return;
    const values = this.#arena.view(x, count);
    const replacements = this.#arena.view(this.#replacements, this.#width);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(values[i])) values[i] = replacements[i % this.#width] ?? Number.NaN;
    }
  }

  /** Brings `rows` scaled rows back to the data's units, in place. */
  unscale(rows: number, y: Address): void {
    if (!this.#vectors) return;
    const { scale, center } = this.#vectors;
    this.#kernels.affineColumns(rows, this.#width, y, scale, center, y);
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
}
