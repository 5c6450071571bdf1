// The mean squared error of the best linear autoencoder with a number of units, which is that of principal components, for
// comparison with a model's errors. It is the sum of the smallest eigenvalues of the covariance. Eigenvectors are not
// needed. So the covariance is transformed to tridiagonal form (Householder 1958), and the implicit QL method computes its
// eigenvalues (Dubrulle, Martin & Wilkinson 1968). The time grows with the cube of the width.

const EPSILON = 2 ** -52;

/**
 * The mean squared error, over all elements, of `rows` [count, width] projected on their `units` leading principal
 * components. 0 if there are as many units as columns.
 */
export function pcaFloor(rows: Float64Array, count: number, width: number, units: number): number {
  if (units >= width || count === 0) return 0;
  // A constant column, such as a pixel at the edge of all images, only adds an eigenvalue of 0.
  const varied = Array.from({ length: width }, (_, j) => j).filter((j) => varies(rows, width, j));
  const kept = varied.length;
  if (units >= kept) return 0;
  const { diagonal, beside } = tridiagonal(covarianceOf(rows, count, width, varied), kept);
  const eigenvalues = eigenvaluesOf(diagonal, beside).sort();
  let outside = 0;
  for (const value of eigenvalues.subarray(0, kept - units)) outside += Math.max(0, value);
  return outside / width;
}

function varies(rows: Float64Array, width: number, column: number): boolean {
  for (let at = column; at < rows.length; at += width) {
    if (rows[at] !== rows[column]) return true;
  }
  return false;
}

/**
 * The covariance of some columns, divided by the count: the rows of a symmetric matrix. Only the elements on the
 * diagonal and right of it are set. Two rows are added at a time, because the matrix does not fit into the cache.
 */
function covarianceOf(
  rows: Float64Array,
  count: number,
  width: number,
  columns: readonly number[],
): Float64Array[] {
  const means = columns.map((column) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += rows[row * width + column] ?? 0;
    return sum / count;
  });
  const centered = (row: number) => {
    const values = new Float64Array(columns.length);
    if (row >= count) return values;
    columns.forEach((column, j) => {
      values[j] = (rows[row * width + column] ?? 0) - (means[j] ?? 0);
    });
    return values;
  };
  const covariance = columns.map(() => new Float64Array(columns.length));
  for (let row = 0; row < count; row += 2) {
    const [first, second] = [centered(row), centered(row + 1)];
    covariance.forEach((line, i) => {
      addTwo(line, (first[i] ?? 0) / count, first, (second[i] ?? 0) / count, second, i);
    });
  }
  return covariance;
}

/** line += a · x + b · y, from `start` on. */
function addTwo(
  line: Float64Array,
  a: number,
  x: Float64Array,
  b: number,
  y: Float64Array,
  start: number,
): void {
  for (let j = start; j < line.length; j++) {
    line[j] = (line[j] ?? 0) + a * (x[j] ?? 0) + b * (y[j] ?? 0);
  }
}

/**
 * A symmetric matrix in tridiagonal form, with the same eigenvalues. Only the elements on the diagonal and right of it are
 * read. They are overwritten.
 */
function tridiagonal(
  matrix: readonly Float64Array[],
  n: number,
): { diagonal: Float64Array; beside: Float64Array } {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const image = new Float64Array(n);
  matrix.forEach((line, k) => {
    diagonal[k] = line[k] ?? 0;
    const first = line[k + 1] ?? 0;
    const length = Math.sqrt(dot(line, line, k + 1));
    if (length === 0 || k + 2 >= n) {
      beside[k] = first;
      return;
    }
    // The reflection along v maps the rest of the row to (alpha, 0, …, 0). It is I - 2 v vᵀ / (v · v).
    const alpha = first > 0 ? -length : length;
    const v = line;
    v[k + 1] = first - alpha;
    const scale = 2 / dot(v, v, k + 1);
    image.fill(0);
    for (let i = k + 1; i < n; i++) multiply(matrix[i] ?? v, v, scale, i, image);
    addScaled(image, (-scale / 2) * dot(image, v, k + 1), v, k + 1);
    for (let i = k + 1; i < n; i++) reflect(matrix[i] ?? v, v, image, i);
    beside[k] = alpha;
  });
  return { diagonal, beside };
}

/**
 * The eigenvalues of the symmetric tridiagonal matrix with `d` on the diagonal and `e[i]` between i and i + 1, in no
 * order. Both are overwritten.
 */
function eigenvaluesOf(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  const at = (values: Float64Array, i: number) => values[i] ?? 0;
  for (let low = 0; low < n; low++) {
    for (;;) {
      let high = low;
      while (high < n - 1) {
        const scale = Math.abs(at(d, high)) + Math.abs(at(d, high + 1));
        if (Math.abs(at(e, high)) <= EPSILON * scale) break;
        high++;
      }
      if (high === low) break;
      const slope = (at(d, low + 1) - at(d, low)) / (2 * at(e, low));
      const root = Math.sqrt(slope * slope + 1);
      let g = at(d, high) - at(d, low) + at(e, low) / (slope + (slope < 0 ? -root : root));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = high - 1;
      for (; i >= low; i--) {
        const f = sine * at(e, i);
        const b = cosine * at(e, i);
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = at(d, i + 1) - shift;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = at(d, i + 1) - shift;
        const turned = (at(d, i) - g) * sine + 2 * cosine * b;
        shift = sine * turned;
        d[i + 1] = g + shift;
        g = cosine * turned - b;
      }
      e[high] = 0;
      if (i >= low) continue;
      d[low] = at(d, low) - shift;
      e[low] = g;
    }
  }
  return d;
}

/** Adds the terms of row i of scale · A · v for a symmetric matrix A, whose elements are known from the diagonal on. */
function multiply(
  line: Float64Array,
  v: Float64Array,
  scale: number,
  i: number,
  image: Float64Array,
): void {
  const factor = scale * (v[i] ?? 0);
  let sum = (line[i] ?? 0) * (v[i] ?? 0);
  for (let j = i + 1; j < v.length; j++) {
    const value = line[j] ?? 0;
    sum += value * (v[j] ?? 0);
    image[j] = (image[j] ?? 0) + factor * value;
  }
  image[i] = (image[i] ?? 0) + scale * sum;
}

/** Row i of A - v wᵀ - w vᵀ, from its diagonal on. */
function reflect(line: Float64Array, v: Float64Array, w: Float64Array, i: number): void {
  const [a, b] = [v[i] ?? 0, w[i] ?? 0];
  for (let j = i; j < line.length; j++) {
    line[j] = (line[j] ?? 0) - a * (w[j] ?? 0) - b * (v[j] ?? 0);
  }
}

/** y += factor · x, from `start` on. */
function addScaled(y: Float64Array, factor: number, x: Float64Array, start: number): void {
  if (factor === 0) return;
  for (let j = start; j < y.length; j++) y[j] = (y[j] ?? 0) + factor * (x[j] ?? 0);
}

/** The dot product of two vectors, from `start` on. */
function dot(x: Float64Array, y: Float64Array, start: number): number {
  let sum = 0;
  for (let j = start; j < x.length; j++) sum += (x[j] ?? 0) * (y[j] ?? 0);
  return sum;
}
