// Principal components by Jacobi rotations, for inputs of up to a few hundred columns: the yardstick of
// every linear code. Float64 throughout.

/** Mean squared error an element on `test` after PCA with `k` components fitted on `train`. */
export function pcaError(train, test, width, k) {
  const mean = columnMeans(train, width);
  const components = leadingVectors(covariance(train, width, mean), k);
  let squares = 0;
  for (let row = 0; row < test.length; row += width) {
    const x = mean.map((m, j) => test[row + j] - m);
    let left = dot(x, x);
    for (const component of components) left -= dot(x, component) ** 2;
    squares += left;
  }
  return squares / test.length;
}

function columnMeans(data, width) {
  const mean = new Array(width).fill(0);
  data.forEach((value, i) => {
    mean[i % width] += value;
  });
  return mean.map((sum) => sum / (data.length / width));
}

function covariance(data, width, mean) {
  const sums = Array.from({ length: width }, () => new Array(width).fill(0));
  for (let row = 0; row < data.length; row += width) {
    for (let i = 0; i < width; i++) {
      const xi = data[row + i] - mean[i];
      for (let j = 0; j < width; j++) sums[i][j] += xi * (data[row + j] - mean[j]);
    }
  }
  return sums;
}

/** The `k` eigenvectors of largest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations. */
function leadingVectors(matrix, k) {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => Number(i === j)),
  );
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) <= 1e-14 * Math.sqrt(Math.abs(a[p][p] * a[q][q]))) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, v, p, q, c, t * c);
      }
    }
  }
  const order = a.map((row, i) => [row[i], i]).sort((x, y) => y[0] - x[0]);
  return order.slice(0, k).map(([, i]) => v.map((row) => row[i]));
}

function rotate(a, v, p, q, c, s) {
  for (const row of a) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  for (const row of v) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  for (let j = 0; j < a.length; j++) {
    [a[p][j], a[q][j]] = [c * a[p][j] - s * a[q][j], s * a[p][j] + c * a[q][j]];
  }
}

const dot = (x, y) => x.reduce((sum, value, j) => sum + value * y[j], 0);
