// The preparation of data by what was learned from them: missing values filled in, columns scaled, and on
// the way out unscaled. Scaled values are (x - center) / scale, as in scalers.ts but in float32, in the
// arena. Loaded with the first model that wants it.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { ColumnStatistics } from "../data/column-statistics.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidStateError, InvalidValueError } from "../errors.ts";
import type { MissingMode, ResolvedConfig } from "./config.ts";
import type { Preparation, PreparationState } from "./preparation.ts";

/** The [width] vectors in the arena: -center and 1 / scale stand there too, as the kernel wants them. */
type VectorName = "center" | "scale" | "minusCenter" | "inverse" | "ones" | "zeros";

export class LearnedPreparation implements Preparation {
  readonly missing: MissingMode;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #config: ResolvedConfig;
  readonly #width: number;
  readonly #vectors: Readonly<Record<VectorName, number>>;
  #state: PreparationState | undefined;

  constructor(kernels: KernelExports, arena: Arena, config: ResolvedConfig, width: number) {
    this.missing = config.missing;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#config = config;
    this.#width = width;
    const vector = () => (config.scaler === undefined ? 0 : arena.reserveFloats(width));
    this.#vectors = {
      center: vector(),
      scale: vector(),
      minusCenter: vector(),
      inverse: vector(),
      ones: vector(),
      zeros: vector(),
    };
  }

  /** Whether there is nothing left to learn. */
  get fitted(): boolean {
    return this.#state !== undefined;
  }

  /** What was learned; undefined before that. */
  get state(): PreparationState | undefined {
    return this.#state;
  }

  /** Learns from rows [0, count). */
  fit(rows: Rows, count: number): void {
    const { scaler } = this.#config;
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
    const means = column((j) => statistics.means[j] as number);
    const state: Record<string, Float32Array> = {};
    if (scaler === "standard") {
      state["scaler.center"] = means;
      state["scaler.scale"] = column((j) => statistics.standardDivisor(j));
    } else if (scaler === "minMax") {
      state["scaler.center"] = column((j) => statistics.lowest[j] as number);
      state["scaler.scale"] = column((j) => statistics.rangeDivisor(j));
    }
    if (this.missing !== "error") state["missing.mean"] = means;
    this.restore(state);
  }

  /** Takes up what was learned before. */
  restore(state: PreparationState): void {
    this.#state = state;
    const { "scaler.center": center, "scaler.scale": scale } = state;
    if (!center || !scale) return;
    const set = (name: VectorName, values: Float32Array) =>
      this.#arena.view(this.#vectors[name], this.#width).set(values);
    set("center", center);
    set("scale", scale);
    set(
      "minusCenter",
      center.map((value) => -value),
    );
    set(
      "inverse",
      scale.map((value) => 1 / value),
    );
    set("ones", new Float32Array(this.#width).fill(1));
    set("zeros", new Float32Array(this.#width));
  }

  /** @throws InvalidStateError where data would have to be scaled or filled in and nothing is learned yet. */
  requireFitted(): void {
    if (this.#state) return;
    throw new InvalidStateError(
      "The model has seen no data to scale or to fill in by. Call fit, or fitScaler with a sample, first.",
    );
  }

  /** Puts the mean of its column in the place of every NaN of `rows` rows, before they are scaled. */
  fill(rows: number, x: number): void {
    const count = rows * this.#width;
    const means = this.#state?.["missing.mean"];
    if (!means || this.#kernels.countNaN(count, x) === 0) return;
    const values = this.#arena.view(x, count);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(values[i])) values[i] = means[i % this.#width] as number;
    }
  }

  /**
   * Scales `rows` rows in place. Subtracts first and divides then: one x · a + b would lose the digits
   * of columns that lie far from 0.
   */
  scale(rows: number, x: number): void {
    if (this.#config.scaler === undefined) return;
    const { minusCenter, inverse, ones, zeros } = this.#vectors;
    this.#kernels.affineColumns(rows, this.#width, x, ones, minusCenter, x);
    this.#kernels.affineColumns(rows, this.#width, x, inverse, zeros, x);
  }

  /** Brings `rows` scaled rows back to the data's units, in place. */
  unscale(rows: number, y: number): void {
    if (this.#config.scaler === undefined) return;
    const { scale, center } = this.#vectors;
    this.#kernels.affineColumns(rows, this.#width, y, scale, center, y);
  }

  /** How many of the `count` values at `target` take part in a loss. */
  known(count: number, target: number): number {
    if (this.missing !== "mask") return count;
    return count - (this.#kernels.countNaN(count, target) >>> 0);
  }

  /** Gives values that do not count an error of 0; returns how many each row has, if any. */
  hideMissing(rows: number, y: number, target: number): Uint32Array | undefined {
    const count = rows * this.#width;
    if (this.known(count, target) === count) return undefined;
    const missing = new Uint32Array(rows);
    const values = this.#arena.view(target, count);
    const replacements = this.#arena.view(y, count);
    values.forEach((value, i) => {
      if (!Number.isNaN(value)) return;
      values[i] = replacements[i] as number;
      const row = Math.floor(i / this.#width);
      missing[row] = (missing[row] as number) + 1;
    });
    return missing;
  }
}
