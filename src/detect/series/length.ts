// The length of windows is the period of the series, by the rule of the TSB-AD benchmark (Liu & Paparrizos 2024). The
// autocorrelation of the first 20,000 points is computed for lags up to 400. The period is the highest of its local
// maxima from lag 3 on.

import { at } from "../../math/order.ts";
import type { Paused } from "../../platform/turns.ts";

const MOST_POINTS = 20_000;
const MOST_LAGS = 400;
const FIRST_LAG = 3;
/** A period must be within these limits. */
const SHORTEST = 6;
const LONGEST = 303;

export interface Period {
  readonly points: number;
  /** The autocorrelation there, at most 1. */
  readonly strength: number;
}

/** The period of a series; undefined if there is no local maximum, or the highest is not at a lag of 6 to 303. */
export function* period(series: Float64Array): Paused<Period | undefined> {
  const correlations = yield* autocorrelation(series.subarray(0, MOST_POINTS), MOST_LAGS);
  let best: number | undefined;
  for (let lag = FIRST_LAG + 1; lag < correlations.length - 1; lag++) {
    const here = at(correlations, lag);
    if (here <= at(correlations, lag - 1) || here <= at(correlations, lag + 1)) continue;
    if (best === undefined || here > at(correlations, best)) best = lag;
  }
  if (best === undefined || best < SHORTEST || best > LONGEST) return undefined;
  return { points: best, strength: at(correlations, best) };
}

/** Autocorrelations for lags 0 … `lags`: the sum of products about the mean over the sum of squares. */
export function* autocorrelation(series: Float64Array, lags: number): Paused<Float64Array> {
  let mean = 0;
  for (const value of series) mean += value / series.length;
  const centered = series.map((value) => value - mean);
  const squares = productAt(centered, 0);
  const correlations = new Float64Array(Math.min(lags, series.length - 1) + 1);
  for (let lag = 0; lag < correlations.length; lag++) {
    correlations[lag] = squares > 0 ? productAt(centered, lag) / squares : 0;
    yield;
  }
  return correlations;
}

/** The sum of products of values that are `lag` apart. */
function productAt(values: Float64Array, lag: number): number {
  let sum = 0;
  for (let i = lag; i < values.length; i++) sum += (values[i] ?? 0) * (values[i - lag] ?? 0);
  return sum;
}
