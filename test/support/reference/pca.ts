// Principal components by Jacobi rotations, for inputs of up to a few hundred columns: the reference for
// every linear code. Float64 throughout.

/** The mean squared error per element on `test` after PCA with `k` components fitted on `train`. */
export function pcaError(
  train: Float32Array,
  test: Float32Array,
  width: number,
  k: number,
): number {
  const mean = columnMeans(train, width);
  const components = leadingVectors(covariance(train, width, mean), k);
  let squares = 0;
  for (let row = 0; row < test.length; row += width) {
    const x = mean.map((m, j) => test[row + j]! - m);
    let left = dot(x, x);
    for (const component of components) left -= dot(x, component) ** 2;
    squares += left;
  }
  return squares / test.length;
}

function columnMeans(data: Float32Array, width: number): number[] {
  const mean: number[] = new Array(width).fill(0);
  data.forEach((value, i) => {
    mean[i % width]! += value;
  });
  return mean.map((sum) => sum / (data.length / width));
}

function covariance(data: Float32Array, width: number, mean: number[]): number[][] {
  const sums: number[][] = Array.from({ length: width }, () => new Array(width).fill(0));
  for (let row = 0; row < data.length; row += width) {
    for (let i = 0; i < width; i++) {
      const xi = data[row + i]! - mean[i]!;
      for (let j = 0; j < width; j++) sums[i]![j]! += xi * (data[row + j]! - mean[j]!);
    }
  }
  return sums;
}

/** The `k` eigenvectors of largest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations. */
function leadingVectors(matrix: number[][], k: number): number[][] {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => Number(i === j)),
  );
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [app, apq, aqq] = [a[p]![p]!, a[p]![q]!, a[q]![q]!];
        if (Math.abs(apq) <= 1e-14 * Math.sqrt(Math.abs(app * aqq))) continue;
        const theta = (aqq - app) / (2 * apq);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, v, p, q, c, t * c);
      }
    }
  }
  const order = a.map((row, i) => [row[i]!, i] as const).sort((x, y) => y[0] - x[0]);
  return order.slice(0, k).map(([, i]) => v.map((row) => row[i]!));
}

function rotate(a: number[][], v: number[][], p: number, q: number, c: number, s: number): void {
  for (const row of [...a, ...v]) {
    [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  }
  const [first, second] = [a[p]!, a[q]!];
  for (let j = 0; j < a.length; j++) {
    [first[j], second[j]] = [c * first[j]! - s * second[j]!, s * first[j]! + c * second[j]!];
  }
}

const dot = (x: number[], y: number[]) => x.reduce((sum, value, j) => sum + value * y[j]!, 0);
