// What happens to data between the caller and the network, and back: missing values filled in, columns
// scaled, and on the way out unscaled. Learned once, from the data of the first `fit`, and saved with the
// model. Most models want none of it, and theirs is `noPreparation`.

import type { Rows } from "../data/rows.ts";
import type { MissingMode, ResolvedConfig } from "./config.ts";

/** What was learned from the data, as it is saved: one value a column. */
export type PreparationState = Readonly<Record<string, Float32Array>>;

/** The names a model's state has; empty where it neither scales nor fills in. */
export function preparationNames(config: ResolvedConfig): string[] {
  const names = config.scaler === undefined ? [] : ["scaler.center", "scaler.scale"];
  if (config.missing !== "error") names.push("missing.mean");
  return names;
}

export interface Preparation {
  readonly missing: MissingMode;
  /** Whether there is nothing left to learn. */
  readonly fitted: boolean;
  /** What was learned; undefined before that. */
  readonly state: PreparationState | undefined;
  /** Learns from rows [0, count). */
  fit(rows: Rows, count: number): void;
  /** Takes up what was learned before. */
  restore(state: PreparationState): void;
  /** @throws InvalidStateError where data would have to be scaled or filled in and nothing is learned yet. */
  requireFitted(): void;
  /** Puts the mean of its column in the place of every NaN of `rows` rows, before they are scaled. */
  fill(rows: number, x: number): void;
  /** Scales `rows` rows in place. */
  scale(rows: number, x: number): void;
  /** How many of the `count` values at `target` take part in a loss. */
  known(count: number, target: number): number;
  /** Gives values that do not count an error of 0; returns how many each row has, if any. */
  hideMissing(rows: number, y: number, target: number): Uint32Array | undefined;
  /** Brings `rows` scaled rows back to the data's units, in place. */
  unscale(rows: number, y: number): void;
}

const nothing = () => undefined;

export const noPreparation: Preparation = {
  missing: "error",
  fitted: true,
  state: {},
  fit: nothing,
  restore: nothing,
  requireFitted: nothing,
  fill: nothing,
  scale: nothing,
  known: (count) => count,
  hideMissing: nothing,
  unscale: nothing,
};
