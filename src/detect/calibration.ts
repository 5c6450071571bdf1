// The reference for scores: the scores of calibration rows, which the models have not seen. All p-values and
// thresholds are computed from them.

import { finiteNumber, onlyKeys, record } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { ascending, at } from "../math/order.ts";
import { conformalPValues, rowsToReach, smallestAlpha } from "./statistics/conformal.ts";
import {
  contaminationThreshold,
  discoveryThreshold,
  quantileThreshold,
} from "./statistics/decisions.ts";
import { FEWEST_SCORES, peakThreshold } from "./statistics/peaks.ts";

/**
 * How scores become decisions. One of:
 * - `alpha`: flag rows whose p-value is at most this. Of normal rows at most this share is flagged.
 * - `fdr`: Benjamini-Hochberg over the rows of the call. The expected share of normal rows among the flagged ones is at most this.
 * - `quantile`: flag scores above this quantile of the training scores.
 * - `contamination`: flag scores above the quantile 1 - contamination, as PyOD and scikit-learn do.
 * - `pot`: flag scores that a normal row exceeds with this chance. A distribution fitted to the largest training
 *   scores gives the threshold. For chances too small for `alpha`.
 */
export type Decision =
  | {
      /** Flag rows whose p-value is at most this, in (0, 1). Default 0.01. */
      readonly alpha?: number;
    }
  | {
      /** False discovery rate, in (0, 1). */
      readonly fdr: number;
    }
  | {
      /** Quantile of the training scores, in [0, 1]. */
      readonly quantile: number;
    }
  | {
      /** Share of rows believed odd, in (0, 0.5]. */
      readonly contamination: number;
    }
  | {
      /** Chance of a higher score for a normal row, in (0, 1). */
      readonly pot: number;
    };

export const decisionNames = ["alpha", "fdr", "quantile", "contamination", "pot"] as const;
export type DecisionName = (typeof decisionNames)[number];

/** The judgement of rows. */
export interface Detection {
  /** 1 for rows that are flagged, 0 for others. */
  readonly flagged: Uint8Array;
  /** Higher is odder. */
  readonly score: Float64Array;
  /** Conformal p-values, in (0, 1]. */
  readonly pValue: Float64Array;
  /** Rows with a score above this are flagged. */
  readonly threshold: number;
  /** Remarks about these rows, for example that some have no score or are in no window. Usually empty. */
  readonly notes: readonly string[];
}

const DEFAULT_ALPHA = 0.01;

export class Calibration {
  /** Scores in the order of arrival, the oldest first. */
  readonly scores: Float64Array;
  /** The same, smallest first. */
  readonly sorted: Float64Array;
  readonly #thresholds = new Map<string, number>();

  constructor(scores: Float64Array) {
    this.scores = known(scores);
    this.sorted = ascending(this.scores);
  }

  pValues(scores: ArrayLike<number>): Float64Array {
    return conformalPValues(scores, this.sorted);
  }

  /** Flags scores by the decision. Checks the decision before anything is computed. */
  decide(score: Float64Array, decision: Decision | undefined): Detection {
    const { name, value } = resolveDecision(decision);
    const pValue = this.pValues(score);
    const threshold =
      name === "fdr"
        ? this.#scoreAt(discoveryThreshold(pValue, value))
        : this.threshold({ [name]: value } as Decision);
    return {
      flagged: flags(score.length, (row) => at(score, row) > threshold),
      score,
      pValue,
      threshold,
      notes: unknownRows(score),
    };
  }

  /**
   * Flags training rows by a decision. With `alpha` their p-values decide, which compare each row with the other rows, and not
   * with itself.
   * @param training scores by models that have not seen the row, and their p-values
   */
  decideTraining(
    { score, pValue }: Pick<Detection, "score" | "pValue">,
    decision: Decision | undefined,
  ): Detection {
    const limit = this.threshold(decision); // throws for a decision that is not possible
    const { name, value } = resolveDecision(decision);
    const isFlagged = (row: number) =>
      name === "alpha" ? at(pValue, row) <= value : at(score, row) > limit;
    const flagged = flags(score.length, isFlagged);
    const mostUsual = (most: number, own: number, row: number) =>
      flagged[row] === 0 && own > most ? own : most;
    return {
      flagged,
      score: score.slice(),
      pValue: pValue.slice(),
      threshold: name === "alpha" ? score.reduce(mostUsual, -Infinity) : limit,
      notes: unknownRows(score),
    };
  }

  /** Throws if there are too few calibration rows for a decision. */
  requireEnough(decision: Decision | undefined): void {
    const { name, value } = resolveDecision(decision);
    if (name !== "alpha") return;
    const needed = rowsToReach(value);
    if (this.sorted.length >= needed) return;
    const { length } = this.sorted;
    const isDefault = record("", decision).alpha === undefined;
    const what = isDefault
      ? `Without a decision alpha is ${value}, which takes`
      : `alpha ${value} takes`;
    // Fitting a tail needs rows too.
    const tail = length < FEWEST_SCORES ? "" : ` or { pot: ${value} }`;
    const smallest =
      length > 0 ? `Give { alpha: ${smallestAlpha(length)} } or a larger one${tail}, or` : "Please";
    throw new InvalidValueError(
      `${what} at least ${needed} calibration rows; this detector has ${length}. ${smallest} fit more rows.`,
    );
  }

  /**
   * The score above which rows are flagged. For a false discovery rate it depends on the rows, so it is not available here.
   * @throws InvalidValueError if there are too few calibration rows, and for a false discovery rate
   */
  threshold(decision: Decision | undefined): number {
    const { name, value } = resolveDecision(decision);
    const key = `${name} ${value}`;
    const known = this.#thresholds.get(key);
    if (known !== undefined) return known;
    const threshold = this.#compute(name, value);
    this.#thresholds.set(key, threshold);
    return threshold;
  }

  #compute(name: DecisionName, value: number): number {
    switch (name) {
      case "alpha":
        this.requireEnough({ alpha: value });
        return this.#scoreAt(value);
      case "fdr":
        throw new InvalidValueError(
          "fdr has no threshold without rows: it depends on the p-values of all rows that are judged together.",
        );
      case "quantile":
        return quantileThreshold(this.sorted, value);
      case "contamination":
        return contaminationThreshold(this.sorted, value);
      case "pot":
        return peakThreshold(this.sorted, value).threshold;
    }
  }

  /** The score that exactly the rows with p-values of at most `p` exceed. */
  #scoreAt(p: number): number {
    const { sorted } = this;
    // p-values are (1 + reached) / (n + 1). Rounding may change the count by one, so the exact comparison follows.
    let reached = Math.floor(p * (sorted.length + 1)) - 1;
    if ((reached + 2) / (sorted.length + 1) <= p) reached += 1;
    if (reached < 0) return Infinity;
    return reached >= sorted.length ? -Infinity : at(sorted, sorted.length - 1 - reached);
  }
}

/** The scores without NaN. A plain loop, because there may be millions. */
function known(scores: Float64Array): Float64Array {
  const some = new Float64Array(scores.length);
  let count = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? Number.NaN;
    if (!Number.isNaN(score)) some[count++] = score;
  }
  return some.slice(0, count);
}

/** 1 for the rows that are flagged, of `rows`. */
function flags(rows: number, isFlagged: (row: number) => boolean): Uint8Array {
  return new Uint8Array(rows).map((_, row) => (isFlagged(row) ? 1 : 0));
}

/** Says how many rows have no score. */
export function unknownRows(score: Float64Array): string[] {
  const first = score.findIndex(Number.isNaN);
  if (first < 0) return [];
  const count = score.reduce((sum, each) => sum + (Number.isNaN(each) ? 1 : 0), 0);
  return [
    count === 1
      ? `Row ${first} has no known value. Its score is NaN, and it is not flagged.`
      : `${count} rows have no known value, the first of them row ${first}. Their score is NaN, and they are not flagged.`,
  ];
}

/** The kind of decision and its checked value. */
export function resolveDecision(decision: Decision | undefined): {
  name: DecisionName;
  value: number;
} {
  const given = record("The decision", decision, `an object such as { alpha: ${DEFAULT_ALPHA} }`);
  onlyKeys("detect", given, decisionNames);
  const names = decisionNames.filter((name) => given[name] !== undefined);
  const [name = "alpha", second] = names;
  if (second !== undefined) {
    throw new InvalidValueError(`detect takes one decision; got ${name} and ${second}.`);
  }
  const value = finiteNumber(name, given[name] ?? DEFAULT_ALPHA);
  const isInside = value > 0 && value < 1;
  const isEnd = name === "quantile" && (value === 0 || value === 1);
  if (!isInside && !isEnd) {
    throw new InvalidValueError(`${name} must be greater than 0 and less than 1; got ${value}.`);
  }
  if (name === "contamination" && value > 0.5) {
    throw new InvalidValueError(
      `contamination is the share of odd rows, at most 0.5; got ${value}. Where most rows are odd, the others are the odd ones.`,
    );
  }
  return { name, value };
}
