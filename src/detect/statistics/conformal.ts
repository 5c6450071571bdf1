// Conformal p-values: how often a row that is exchangeable with the calibration rows scores at least as
// high. They hold for any score and any distribution (Vovk, Gammerman & Shafer 2005), as long as the model
// has not seen the calibration rows.

import { at, countBelow, countUpTo } from "../../math/order.ts";

/**
 * p = (1 + the number of calibration scores >= s) / (n + 1), in (0, 1]. Ties count, so that a row's chance
 * of p <= alpha is at most alpha. A NaN score is no evidence against the row: p = 1.
 * @param calibration ascending scores of rows that the model has not seen
 */
export function conformalPValue(score: number, calibration: Float64Array): number {
  if (Number.isNaN(score)) return 1;
  return (1 + calibration.length - countBelow(calibration, score)) / (calibration.length + 1);
}

/** The smallest alpha that n calibration rows reach, 1 / (n + 1), rounded up to two digits. */
export function smallestAlpha(calibrationRows: number): number {
  const alpha = 1 / (calibrationRows + 1);
  let unit = 0.01;
  while (unit > alpha / 10) unit /= 10;
  return Number((Math.ceil(alpha / unit - 1e-9) * unit).toPrecision(2));
}

/** `conformalPValue` of every score. */
export function conformalPValues(
  scores: ArrayLike<number>,
  calibration: Float64Array,
): Float64Array {
  return new Float64Array(scores).map((score) => conformalPValue(score, calibration));
}

/**
 * The p-value of a calibration row, compared with all other calibration rows.
 */
export function leaveOneOutPValue(score: number, sorted: Float64Array): number {
  // The count includes the row itself, which corresponds to the 1 that a new row adds.
  return Number.isNaN(score) ? 1 : (sorted.length - countBelow(sorted, score)) / sorted.length;
}

/**
 * A p-value with the mean 1/2 under exchangeability, even with ties, because ties count half. Martingales need it: the
 * conservative p-value would look like drift.
 */
export function middlePValue(score: number, calibration: Float64Array): number {
  if (Number.isNaN(score)) return 0.5;
  const upTo = countUpTo(calibration, score);
  const ties = upTo - countBelow(calibration, score);
  return (calibration.length - upTo + (ties + 1) / 2) / (calibration.length + 1);
}

/**
 * Evidence against a row as an e-value, 1 / (2 sqrt(p)) (Shafer 2021): at most 1 on average for rows like the calibration
 * rows. The mean of e-values is an e-value too, even if the rows depend on each other.
 */
export function eValue(pValue: number): number {
  return 1 / (2 * Math.sqrt(pValue));
}

/** The fewest calibration rows with which a p-value can reach `alpha`: 1 / (n + 1) <= alpha. */
export function rowsToReach(alpha: number): number {
  let rows = Math.max(0, Math.ceil(1 / alpha) - 1);
  // Steps of 1 would not change such a number.
  if (rows > Number.MAX_SAFE_INTEGER) return rows;
  // 1 / alpha is rounded. Step to the first count with which the computed p-value reaches alpha.
  while (rows > 0 && 1 / rows <= alpha) rows--;
  while (1 / (rows + 1) > alpha) rows++;
  return rows;
}

/**
 * Cross-conformal p-values (Vovk 2015): every fold's calibration scores are compared with the row's score
 * under that fold's model. `scores[k]` are the rows' scores under model k, `calibration[k]` fold k's ascending ones.
 */
export function crossConformalPValues(
  scores: readonly ArrayLike<number>[],
  calibration: readonly Float64Array[],
): Float64Array {
  const rows = scores[0]?.length ?? 0;
  const total = calibration.reduce((sum, { length }) => sum + length, 0);
  const reached = new Float64Array(rows);
  calibration.forEach((sorted, k) => {
    const own = scores[k] ?? [];
    for (let i = 0; i < rows; i++) {
      const score = at(own, i);
      reached[i] = at(reached, i) + sorted.length - countBelow(sorted, score);
    }
  });
  return reached.map((count) => (1 + count) / (total + 1));
}
