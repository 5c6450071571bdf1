// What principal components leave of rows: the mean squared error of the best linear autoencoder with as many units,
// for comparison with a model's errors. The error is what of the variance lies outside the leading components, which
// orthogonal iteration on the covariance finds. No eigenvalue is needed: the variance inside is the trace of the
// covariance within the subspace.

/** Rounds of the iteration at most, and the relative change of the error that ends it. */
const ROUNDS = 40;
const SETTLED = 1e-4;

/**
 * The mean squared error, over all elements, of `rows` [count, width] beside their `units` leading principal components.
 * At most the true value by rounding, above it by what `ROUNDS` leave. 0 where the units are as many as the columns.
 */
export function pcaFloor(
  rows: Float64Array,
  count: number,
  width: number,
  units: number,
): number {
  if (units >= width || count === 0) return 0;
  const covariance = covarianceOf(rows, count, width);
  let total = 0;
  for (let j = 0; j < width; j++) total += covariance[j * width + j] ?? 0;
  let basis = start(units, width);
  let outside = total;
  for (let round = 0; round < ROUNDS; round++) {
    const image = times(basis, covariance, units, width);
    let inside = 0;
    for (let i = 0; i < image.length; i++) inside += (basis[i] ?? 0) * (image[i] ?? 0);
    const now = Math.max(0, total - inside);
    const change = outside - now;
    outside = now;
    if (round > 0 && Math.abs(change) <= SETTLED * outside) break;
    basis = orthonormal(image, units, width);
  }
  return outside / width;
}

/** The covariance [width, width] of the columns, divided by the count. */
function covarianceOf(rows: Float64Array, count: number, width: number): Float64Array {
  const means = new Float64Array(width);
  rows.forEach((value, i) => {
    means[i % width] = (means[i % width] ?? 0) + value / count;
  });
  const covariance = new Float64Array(width * width);
  for (let row = 0; row < count; row++) {
    const at = row * width;
    for (let i = 0; i < width; i++) {
      const factor = ((rows[at + i] ?? 0) - (means[i] ?? 0)) / count;
      if (factor === 0) continue;
      for (let j = 0; j < width; j++) {
        covariance[i * width + j] =
          (covariance[i * width + j] ?? 0) + factor * ((rows[at + j] ?? 0) - (means[j] ?? 0));
      }
    }
  }
  return covariance;
}

/** Rows [units, width] to begin with, orthonormal and along no axis. */
function start(units: number, width: number): Float64Array {
  let state = 1;
  const values = Float64Array.from({ length: units * width }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
  return orthonormal(values, units, width);
}

/** `basis` [units, width] times the symmetric `matrix` [width, width]. */
function times(
  basis: Float64Array,
  matrix: Float64Array,
  units: number,
  width: number,
): Float64Array {
  const product = new Float64Array(units * width);
  for (let unit = 0; unit < units; unit++) {
    const at = unit * width;
    for (let i = 0; i < width; i++) {
      const factor = basis[at + i] ?? 0;
      for (let j = 0; j < width; j++) {
        product[at + j] = (product[at + j] ?? 0) + factor * (matrix[i * width + j] ?? 0);
      }
    }
  }
  return product;
}

/** The rows made orthonormal, twice over, which keeps them so to rounding; a row without a direction of its own is 0. */
function orthonormal(values: Float64Array, units: number, width: number): Float64Array {
  const basis = values.slice();
  for (let unit = 0; unit < units; unit++) {
    const row = basis.subarray(unit * width, (unit + 1) * width);
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < unit; other++) {
        const axis = basis.subarray(other * width, (other + 1) * width);
        const along = dot(row, axis);
        for (let j = 0; j < width; j++) row[j] = (row[j] ?? 0) - along * (axis[j] ?? 0);
      }
    }
    const length = Math.sqrt(dot(row, row));
    const lost = !(length > 1e-12 * before);
    for (let j = 0; j < width; j++) row[j] = lost ? 0 : (row[j] ?? 0) / length;
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] ?? 0) * (b[j] ?? 0);
  return sum;
}
