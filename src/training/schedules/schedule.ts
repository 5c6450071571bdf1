// What a learning-rate schedule is: a function of how far the run has come and of the base rate alone, so that a
// resumed run finds its place. Only reduceOnPlateau remembers, and its memory is saved with the run. Formulas and
// defaults are those of torch.optim.lr_scheduler.

import { type Check, type Definition, nameOf, type Resolved } from "../../options.ts";

/** What a schedule counts from 0: optimizer steps of the run, or epochs. */
export type ScheduleUnit = "step" | "epoch";

/** A loss that is known after each epoch. */
export type Monitor = "loss" | "valLoss";

/** Options of schedules that count steps or epochs. */
export interface CountedOptions {
  /** What the schedule counts. Default `"step"`. */
  per?: ScheduleUnit;
}

export const per: Check<ScheduleUnit> = nameOf(["step", "epoch"], "step");

/** What reduceOnPlateau remembers from epoch to epoch. */
export interface PlateauState {
  /** The lowest loss so far; absent before the first epoch. */
  best?: number;
  waited: number;
  cooling: number;
  /** Product of the reductions so far. */
  factor: number;
}

export interface Schedule {
  readonly per: ScheduleUnit;
  /** The rate at `index` steps or epochs. */
  rate(index: number, base: number, plateau: PlateauState): number;
  /** Takes an epoch's loss into account; absent where losses do not matter. `base` is the base rate. */
  readonly observe?: (loss: number, base: number, plateau: PlateauState) => void;
  readonly monitor?: Monitor | undefined;
}

/** The length of a run in steps or epochs; undefined where it is not known. */
export type RunLength = (per: ScheduleUnit) => number | undefined;

export interface ScheduleDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  create(options: Resolved<Options>, length: RunLength): Schedule;
}

export type AnySchedule = ScheduleDefinition<string, object>;
