// Learning-rate schedules. Each is a function of how far the run has come and of the base rate alone, so
// that a resumed run finds its place; only reduceOnPlateau remembers, and its memory is saved with the
// run. Formulas and defaults are those of torch.optim.lr_scheduler.

import {
  choice,
  finiteNumber,
  fraction,
  nameAndOptions,
  onlyKeys,
  positiveNumber,
  wholeNumber,
} from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { cosPi } from "../math/cosine.ts";
import { wholePower } from "../math/powers.ts";

/** What a schedule counts: optimizer steps of the run, or epochs. From 0. Default `"step"`. */
export type ScheduleUnit = "step" | "epoch";

/** A schedule of one's own: the rate at a step or an epoch, counted from 0, out of the base rate. */
export type RateFunction = (index: number, base: number) => number;

interface Counted {
  per?: ScheduleUnit;
}

/**
 * How the learning rate moves during a run; `t` counts steps, or epochs with `per: "epoch"`.
 *
 * - `step`: base · gamma^⌊t / stepSize⌋, gamma 0.1.
 * - `exponential`: base · gamma^t.
 * - `cosine`: from base to `etaMin` (0) along half a cosine of `tMax` steps, and back up after it. The
 *   first `warmUp` steps (0) climb to base in equal parts and come on top of tMax.
 * - `oneCycle`: from maxLearningRate / divFactor (25) up over the share pctStart (0.3) of totalSteps,
 *   then down to the first rate / finalDivFactor (1e4); totalSteps defaults to the run's length where
 *   that is known. Momentum is left alone.
 * - `reduceOnPlateau`: after each epoch, multiplies the rate by `factor` (0.1), not below
 *   `minLearningRate` (0), once the monitored loss has not fallen by the share `threshold` (1e-4) for
 *   more than `patience` (10) epochs; then waits `cooldown` (0) epochs before counting again.
 * - `function`, or just a function: `rate(t, base)`.
 */
export type ScheduleSpec =
  | RateFunction
  | ({ type: "function"; rate: RateFunction } & Counted)
  | ({ type: "step"; stepSize: number; gamma?: number } & Counted)
  | ({ type: "exponential"; gamma: number } & Counted)
  | ({ type: "cosine"; tMax: number; etaMin?: number; warmUp?: number } & Counted)
  | ({
      type: "oneCycle";
      maxLearningRate: number;
      totalSteps?: number;
      pctStart?: number;
      annealStrategy?: "cos" | "linear";
      divFactor?: number;
      finalDivFactor?: number;
    } & Counted)
  | {
      type: "reduceOnPlateau";
      factor?: number;
      patience?: number;
      threshold?: number;
      cooldown?: number;
      minLearningRate?: number;
      /** Default `"valLoss"` where there is validation, else `"loss"`. */
      monitor?: Monitor;
    };

/** A loss that is known after each epoch. */
export type Monitor = "loss" | "valLoss";

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
  /** Takes an epoch's loss into account; absent where losses do not matter. */
  readonly observe?: (loss: number, plateau: PlateauState) => void;
  readonly monitor?: Monitor | undefined;
}

const NAMES = ["step", "exponential", "cosine", "oneCycle", "reduceOnPlateau", "function"] as const;

/**
 * Checks a schedule's settings.
 * @param length How many steps or epochs the run has; undefined where that is not known beforehand.
 */
export function resolveSchedule(
  spec: ScheduleSpec,
  length: (per: ScheduleUnit) => number | undefined,
): Schedule {
  if (typeof spec === "function") return { per: "step", rate: checkedRate(spec, "step") };
  const { type, options } = nameAndOptions("schedule", spec, NAMES);
  const allow = (...keys: string[]) => onlyKeys(`schedule "${type}"`, options, ["type", ...keys]);
  const number = (key: string, otherwise?: number) =>
    positiveNumber(`schedule.${key}`, options[key] ?? otherwise);
  const atLeast0 = (key: string, otherwise: number) =>
    finiteNumber(`schedule.${key}`, options[key] ?? otherwise, 0);
  const count = (key: string, min: number, otherwise?: number) =>
    wholeNumber(`schedule.${key}`, options[key] ?? otherwise, min);
  const per = choice("schedule.per", options.per ?? "step", ["step", "epoch"]);

  switch (type) {
    case "step": {
      allow("stepSize", "gamma", "per");
      const stepSize = count("stepSize", 1);
      const gamma = number("gamma", 0.1);
      return { per, rate: (t, base) => base * wholePower(gamma, Math.floor(t / stepSize)) };
    }
    case "exponential": {
      allow("gamma", "per");
      const gamma = number("gamma");
      return { per, rate: (t, base) => base * wholePower(gamma, t) };
    }
    case "cosine": {
      allow("tMax", "etaMin", "warmUp", "per");
      const tMax = count("tMax", 1);
      const etaMin = atLeast0("etaMin", 0);
      const warmUp = count("warmUp", 0, 0);
      const rate = (t: number, base: number) =>
        t < warmUp ? (base * (t + 1)) / (warmUp + 1) : anneal(base, etaMin, (t - warmUp) / tMax);
      return { per, rate };
    }
    case "oneCycle": {
      allow(
        "maxLearningRate",
        "totalSteps",
        "pctStart",
        "annealStrategy",
        "divFactor",
        "finalDivFactor",
        "per",
      );
      const peak = number("maxLearningRate");
      const total = options.totalSteps ?? length(per);
      if (total === undefined) {
        throw new InvalidValueError(
          "schedule.totalSteps is needed for data that arrives in pieces: the run's length is not known.",
        );
      }
      const last = wholeNumber("schedule.totalSteps", total, 1) - 1;
      const strategy = choice("schedule.annealStrategy", options.annealStrategy ?? "cos", [
        "cos",
        "linear",
      ]);
      const between =
        strategy === "cos"
          ? anneal
          : (from: number, to: number, share: number) => from + (to - from) * share;
      const first = peak / number("divFactor", 25);
      const end = first / number("finalDivFactor", 1e4);
      const top = fraction("schedule.pctStart", options.pctStart ?? 0.3) * (last + 1) - 1;
      const rate = (t: number) => {
        if (t <= top) return top === 0 ? peak : between(first, peak, t / top);
        return t >= last ? end : between(peak, end, (t - top) / (last - top));
      };
      return { per, rate };
    }
    case "reduceOnPlateau": {
      allow("factor", "patience", "threshold", "cooldown", "minLearningRate", "monitor");
      const factor = fraction("schedule.factor", options.factor ?? 0.1);
      const patience = count("patience", 0, 10);
      const cooldown = count("cooldown", 0, 0);
      const threshold = atLeast0("threshold", 1e-4);
      const least = atLeast0("minLearningRate", 0);
      const observe = (loss: number, plateau: PlateauState) => {
        if (plateau.best === undefined || loss < plateau.best * (1 - threshold)) {
          plateau.best = loss;
          plateau.waited = 0;
        } else plateau.waited += 1;
        if (plateau.cooling > 0) {
          plateau.cooling -= 1;
          plateau.waited = 0;
        }
        if (plateau.waited <= patience) return;
        plateau.factor *= factor;
        plateau.cooling = cooldown;
        plateau.waited = 0;
      };
      const rate = (_: number, base: number, plateau: PlateauState) =>
        Math.min(base, Math.max(base * plateau.factor, least));
      const monitor =
        options.monitor === undefined ? undefined : checkedMonitor("schedule", options.monitor);
      return { per: "epoch", rate, observe, monitor };
    }
    case "function": {
      allow("rate", "per");
      if (typeof options.rate !== "function") {
        throw new InvalidTypeError(`schedule.rate must be a function; got ${show(options.rate)}.`);
      }
      return { per, rate: checkedRate(options.rate as RateFunction, per) };
    }
  }
}

/** `"loss"` or `"valLoss"`, for the option `monitor` of `where`. */
export function checkedMonitor(where: string, value: unknown): Monitor {
  return choice(`${where}.monitor`, value, ["loss", "valLoss"]);
}

/** Half a cosine from `from` (share 0) to `to` (share 1), and on along it. */
function anneal(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + cosPi(share))) / 2;
}

function checkedRate(rate: RateFunction, per: ScheduleUnit): RateFunction {
  return (index, base) => {
    const value: unknown = rate(index, base);
    if (typeof value === "number" && value >= 0 && value < Infinity) return value;
    throw new InvalidValueError(
      `The schedule must return a finite rate of at least 0; for ${per} ${index} it returned ${show(value)}.`,
    );
  };
}
