// Peaks over threshold: a threshold for rare alarms, for which there are too few scores for an empirical quantile.
// The excesses over a high quantile follow a generalised Pareto distribution (Pickands 1975), which is fitted by
// maximum likelihood. Its tail gives the threshold for the requested rate (Siffer, Fouque, Termier & Largouet 2017).
//
// With gamma the shape and sigma the scale, excess y has the density (1/sigma) (1 + gamma y / sigma)^(-1/gamma - 1),
// and (1/sigma) exp(-y / sigma) at gamma = 0.

import { InvalidValueError } from "../../errors.ts";
import { exp, log, log1p, power } from "../../math/elementary.ts";
import { ascending, at, countUpTo, sortedQuantile } from "../../math/order.ts";

/** A generalised Pareto distribution of excesses. */
export interface ParetoTail {
  /** The shape: above 0 for heavy tails, 0 for exponential tails, below 0 for tails with an end. */
  readonly gamma: number;
  /** The scale, in units of the scores. */
  readonly sigma: number;
  /** The log-likelihood of the excesses it was fitted to. */
  readonly logLikelihood: number;
}

/** A threshold that scores of normal rows exceed with a given chance, and the tail it was computed from. */
export interface PeakThreshold extends ParetoTail {
  /** Scores above this are flagged. */
  readonly threshold: number;
  /** The quantile above which excesses were taken. */
  readonly initial: number;
  /** How many excesses there were. */
  readonly excesses: number;
}

/** The quantile above which excesses are taken if there are enough scores (Siffer et al.). */
const LEVEL = 0.98;
/** The fewest excesses. With few scores the quantile is lower to reach this number. */
const FEWEST_EXCESSES = 12;
/** The fewest scores for fitting a tail. */
export const FEWEST_SCORES = 100;
/** Shapes this close to 0 are treated as 0, because the powers below lose precision. */
const NEARLY_EXPONENTIAL = 1e-8;
const GRID = 200;
const BISECTIONS = 200;

/** The share of so many scores that a tail is fitted to: the largest chance that it tells. */
export function tailShare(scores: number): number {
  return Math.max(1 - LEVEL, Math.min(1, FEWEST_EXCESSES / scores));
}

/**
 * The score that a row like those of `scores` exceeds with chance `rate`.
 * z = t + (sigma / gamma) ((n rate / N)^(-gamma) - 1), and t - sigma log(n rate / N) at gamma = 0, with n
 * scores and N excesses over t, their quantile 0.98, or a lower one that leaves 12 excesses.
 * @throws InvalidValueError with fewer than 100 scores, if no score is above the quantile, and for a rate above N / n, for
 * which the threshold is not in the tail
 */
export function peakThreshold(scores: ArrayLike<number>, rate: number): PeakThreshold {
  const sorted = ascending(scores).filter((score) => Number.isFinite(score));
  if (sorted.length < FEWEST_SCORES) {
    throw new InvalidValueError(
      `pot takes at least ${FEWEST_SCORES} scores to fit a tail; there are ${sorted.length}.`,
    );
  }
  const initial = sortedQuantile(sorted, 1 - tailShare(sorted.length));
  const excesses = sorted.subarray(countUpTo(sorted, initial)).map((score) => score - initial);
  if (excesses.length === 0) {
    throw new InvalidValueError(
      `pot finds no tail to fit: the largest of ${sorted.length} scores are equal.`,
    );
  }
  if (rate * sorted.length > excesses.length) {
    throw new InvalidValueError(
      `pot fits a tail to the ${excesses.length} largest of ${sorted.length} scores, which says nothing of a chance above ${Number((excesses.length / sorted.length).toPrecision(3))}; got ${rate}. Take alpha or quantile for that.`,
    );
  }
  const tail = fitParetoTail(excesses);
  const ratio = (sorted.length * rate) / excesses.length;
  const beyond =
    Math.abs(tail.gamma) < NEARLY_EXPONENTIAL
      ? -tail.sigma * log(ratio)
      : (tail.sigma / tail.gamma) * (power(ratio, -tail.gamma) - 1);
  return { threshold: initial + beyond, initial, excesses: excesses.length, ...tail };
}

/**
 * The maximum-likelihood fit by Grimshaw's search (1993). With x = gamma / sigma the two equations of the
 * maximum become one, u(x) v(x) = 1 with u = mean(1 / (1 + x y)) and v = 1 + mean(log(1 + x y)); then gamma = v - 1
 * and sigma = gamma / x. Of all roots and the exponential fit the likeliest is taken.
 * @param excesses greater than 0
 */
export function fitParetoTail(excesses: Float64Array): ParetoTail {
  const mean = average(excesses, (y) => y);
  const largest = excesses.reduce((max, y) => Math.max(max, y), 0);
  const smallest = excesses.reduce((min, y) => Math.min(min, y), Infinity);
  // The limit at gamma = 0 is the exponential distribution: -N (1 + log mean).
  let best: ParetoTail = {
    gamma: 0,
    sigma: mean,
    logLikelihood: -excesses.length * (1 + log(mean)),
  };
  const consider = (x: number) => {
    const gamma = average(excesses, (y) => log1p(x * y));
    const sigma = gamma / x;
    // Below gamma = -1 the likelihood grows without bound towards x = -1 / largest: no maximum there counts.
    if (!(sigma > 0) || gamma <= -1) return;
    const logLikelihood = -excesses.length * (log(sigma) + 1 + gamma);
    if (logLikelihood > best.logLikelihood) best = { gamma, sigma, logLikelihood };
  };
  // Roots lie in (-1 / largest, 0) and (0, 2 (mean - smallest) / smallest²); x = 0 is always one and does not count.
  const tiny = 1e-9 / mean;
  const upper = Math.min((2 * (mean - smallest)) / (smallest * smallest), 1e9 / mean);
  const slope = (x: number) =>
    average(excesses, (y) => 1 / (1 + x * y)) * (1 + average(excesses, (y) => log1p(x * y))) - 1;
  for (const x of roots(slope, negativeGrid(largest, tiny))) consider(x);
  if (upper > tiny) for (const x of roots(slope, positiveGrid(tiny, upper))) consider(x);
  return best;
}

/** From just above -1 / largest to -tiny, dense at both ends. */
function negativeGrid(largest: number, tiny: number): Float64Array {
  const end = -1 / largest;
  const half = GRID / 2;
  const near = logSteps(1e-9, 0.5, half).map((share) => end * (1 - share));
  const far = logSteps(tiny * largest, 0.5, half).map((share) => end * share);
  return Float64Array.from([...near, ...far.reverse()]);
}

function positiveGrid(tiny: number, upper: number): Float64Array {
  return logSteps(tiny, upper, GRID);
}

/** `count` values from `low` to `high` whose ratios are equal. */
function logSteps(low: number, high: number, count: number): Float64Array {
  const step = (log(high) - log(low)) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => low * exp(i * step));
}

/** Where `f` changes its sign along the grid, by bisection. */
function roots(f: (x: number) => number, grid: Float64Array): number[] {
  const values = grid.map(f);
  const found: number[] = [];
  for (let i = 1; i < grid.length; i++) {
    if (at(values, i - 1) === 0) found.push(at(grid, i - 1));
    else if (at(values, i - 1) < 0 !== at(values, i) < 0) {
      found.push(bisect(f, at(grid, i - 1), at(grid, i), at(values, i - 1) < 0));
    }
  }
  return found;
}

function bisect(f: (x: number) => number, a: number, b: number, rises: boolean): number {
  let low = a;
  let high = b;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(middle) < 0 === rises) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function average(values: Float64Array, of: (value: number) => number): number {
  let sum = 0;
  for (const value of values) sum += of(value);
  return sum / values.length;
}
