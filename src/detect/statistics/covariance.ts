// Covariances that can be inverted for any data. All arithmetic is float64.

import { at } from "../../math/order.ts";
import { finish, type Paused } from "../../platform/turns.ts";

/** Rows that are added between pauses. */
const ROWS_AT_A_TIME = 512;

/** A mean, and a covariance that is shrunk so that it can be inverted. */
export interface ShrunkCovariance {
  /** [size] */
  readonly mean: Float64Array;
  /** [size, size], row-major */
  readonly covariance: Float64Array;
  /** Share of the scaled identity in it, in [0, 1]. */
  readonly shrinkage: number;
}

/**
 * Ledoit and Wolf's estimate (2004): (1 - shrinkage) S + shrinkage mu I with S the covariance (divided by
 * the number of rows), mu the mean of its diagonal, and the shrinkage that minimises the expected squared
 * error. The result equals that of sklearn.covariance.ledoit_wolf.
 * @param rows row-major [count, size], finite
 */
export function ledoitWolf(rows: ArrayLike<number>, size: number): ShrunkCovariance {
  return finish(shrinkingCovariance(rows, size));
}

/** `ledoitWolf` with pauses. */
export function* shrinkingCovariance(
  rows: ArrayLike<number>,
  size: number,
): Paused<ShrunkCovariance> {
  const count = Math.floor(rows.length / size);
  const { mean, covariance } = yield* sampleCovariance(rows, size);
  let trace = 0;
  for (let j = 0; j < size; j++) trace += at(covariance, j * (size + 1));
  const mu = trace / size;
  // d²: how far S is from mu I. b²: the variance of S itself, from the spread of the rows' squares.
  let squares = 0;
  for (const value of covariance) squares += value * value;
  let fourth = 0;
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let j = 0; j < size; j++) {
      const value = at(rows, i * size + j) - at(mean, j);
      square += value * value;
    }
    fourth += square * square;
    if (i % ROWS_AT_A_TIME === 0) yield;
  }
  const apart = squares / size - mu * mu;
  const noise = (fourth / count - squares) / (count * size);
  const shrinkage = apart > 0 ? Math.min(Math.max(noise / apart, 0), 1) : 0;
  for (let j = 0; j < covariance.length; j++) {
    const diagonal = j % (size + 1) === 0 ? shrinkage * mu : 0;
    covariance[j] = (1 - shrinkage) * at(covariance, j) + diagonal;
  }
  return { mean, covariance, shrinkage };
}

/** The mean [size] and the covariance [size, size] of the rows, divided by their number. */
function* sampleCovariance(
  rows: ArrayLike<number>,
  size: number,
): Paused<{ mean: Float64Array; covariance: Float64Array }> {
  const count = Math.floor(rows.length / size);
  const mean = new Float64Array(size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) mean[j] = (mean[j] ?? 0) + (rows[i * size + j] ?? 0) / count;
    if (i % ROWS_AT_A_TIME === 0) yield;
  }
  const covariance = new Float64Array(size * size);
  for (let first = 0; first < count; first += ROWS_AT_A_TIME) {
    addProducts(rows, first, Math.min(count, first + ROWS_AT_A_TIME), count, mean, covariance);
    yield;
  }
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) covariance[b * size + a] = at(covariance, a * size + b);
  }
  return { mean, covariance };
}

/**
 * Adds the contribution of rows [first, end) to the lower half of the covariance of `count` rows. Outside training the
 * innermost loop takes most of the time of `fit`, so it uses plain indexing without calls.
 */
function addProducts(
  rows: ArrayLike<number>,
  first: number,
  end: number,
  count: number,
  mean: Float64Array,
  covariance: Float64Array,
): void {
  const size = mean.length;
  const centered = new Float64Array(size);
  for (let i = first; i < end; i++) {
    for (let j = 0; j < size; j++) centered[j] = (rows[i * size + j] ?? 0) - (mean[j] ?? 0);
    for (let a = 0; a < size; a++) {
      const factor = (centered[a] ?? 0) / count;
      const row = a * size;
      for (let b = 0; b <= a; b++) {
        covariance[row + b] = (covariance[row + b] ?? 0) + factor * (centered[b] ?? 0);
      }
    }
  }
}

/**
 * Variances below this share of the largest, or below this value for features of variance 1, are rounding errors. They are
 * raised to this value before a division, so that squared distances are within the range of float32.
 */
const NEGLIGIBLE = 1e-12;
const LEAST_VARIANCE = 1e-8;

/**
 * The lower triangular W with Wᵀ W = covariance⁻¹: it turns rows of that covariance into rows of unit
 * covariance, and ‖W (x - mean)‖² is the squared Mahalanobis distance. W = L⁻¹ of Cholesky's L Lᵀ.
 */
export function whitening(covariance: Float64Array, size: number): Float64Array {
  return invertLower(cholesky(covariance, size), size);
}

/** The inverse of a lower triangular matrix, which is lower triangular too. */
function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column++) {
    for (let i = column; i < size; i++) {
      let sum = i === column ? 1 : 0;
      for (let j = column; j < i; j++) {
        sum -= at(lower, i * size + j) * at(inverse, j * size + column);
      }
      inverse[i * size + column] = sum / at(lower, i * size + i);
    }
  }
  return inverse;
}

/** The covariance that belongs to a whitening matrix: L Lᵀ with L = W⁻¹. */
export function covarianceOf(whiten: Float64Array, size: number): Float64Array {
  const lower = invertLower(whiten, size);
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k <= j; k++) sum += at(lower, i * size + k) * at(lower, j * size + k);
      covariance[i * size + j] = sum;
      covariance[j * size + i] = sum;
    }
  }
  return covariance;
}

/** The lower triangular L with L Lᵀ = matrix. Directions without variance get the least variance, see NEGLIGIBLE. */
function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  let largest = 0;
  for (let j = 0; j < size; j++) largest = Math.max(largest, at(matrix, j * (size + 1)));
  const least = largest > 0 ? Math.max(largest * NEGLIGIBLE, LEAST_VARIANCE) : 1;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = at(matrix, i * size + j);
      for (let k = 0; k < j; k++) sum -= at(lower, i * size + k) * at(lower, j * size + k);
      lower[i * size + j] =
        i === j ? Math.sqrt(Math.max(sum, least)) : sum / at(lower, j * size + j);
    }
  }
  return lower;
}
