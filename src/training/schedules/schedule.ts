// What a learning-rate schedule is: a function of the progress of the run and of the base rate, so that a resumed run
// continues correctly. Only reduceOnPlateau has a state, which is saved with the run. Formulas and defaults are those of
// torch.optim.lr_scheduler.

import { type Check, type Definition, nameOf, type Resolved } from "../../options.ts";

/** The unit that a schedule counts, from 0: optimizer steps of the run, or epochs. */
export type ScheduleUnit = "step" | "epoch";

/** A loss that is known after each epoch. */
export type Monitor = "loss" | "valLoss";

/** Options of schedules that count steps or epochs. */
export interface CountedOptions {
  /** The unit that the schedule counts. Default `"step"`. */
  per?: ScheduleUnit;
}

export const per: Check<ScheduleUnit> = nameOf(["step", "epoch"], "step");

/** The state of reduceOnPlateau. */
export interface PlateauState {
  /** The lowest loss so far. Absent before the first epoch. */
  best?: number;
  waited: number;
  cooling: number;
  /** The product of all reductions so far. */
  factor: number;
}

export interface Schedule {
  readonly per: ScheduleUnit;
  /** The rate of step or epoch `index`. */
  rate(index: number, base: number, plateau: PlateauState): number;
  /** Records the loss of an epoch. Absent if the schedule does not depend on losses. `base` is the base rate. */
  readonly observe?: (loss: number, base: number, plateau: PlateauState) => void;
  readonly monitor?: Monitor | undefined;
}

/** The length of a run in steps or epochs. Undefined if it is not known. */
export type RunLength = (per: ScheduleUnit) => number | undefined;

export interface ScheduleDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  create(options: Resolved<Options>, length: RunLength): Schedule;
}

export type AnySchedule = ScheduleDefinition<string, object>;
