// Detectors to compare with, in plain float64 JavaScript: the k-th nearest neighbour, isolation forest, and PCA in three
// forms. All take standardised rows as a Float64Array [rows, width] and score rows. A higher score is odder.

/** The numbers 0 … count - 1 in random order. */
export function permutation(count, random) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Rows minus the means of the training rows, divided by their standard deviations. Constant columns are only centred. */
export function standardized(train, test, width) {
  const rows = train.length / width;
  const mean = new Float64Array(width);
  train.forEach((value, i) => {
    mean[i % width] += value / rows;
  });
  const squares = new Float64Array(width);
  train.forEach((value, i) => {
    squares[i % width] += (value - mean[i % width]) ** 2 / rows;
  });
  const scale = squares.map((square) => Math.sqrt(square) || 1);
  const apply = (values) => values.map((value, i) => (value - mean[i % width]) / scale[i % width]);
  return [apply(train), apply(test)];
}

/** The distance to the k-th nearest training row. With `leaveOut` the rows are the training rows, and a row is not its own neighbour. */
export function nearest(train, test, width, k = 5, leaveOut = false) {
  const scores = new Float64Array(test.length / width);
  const best = new Float64Array(k);
  for (let i = 0; i < scores.length; i++) {
    best.fill(Infinity);
    for (let j = 0; j < train.length / width; j++) {
      if (leaveOut && i === j) continue;
      let sum = 0;
      for (let c = 0; c < width && sum < best[k - 1]; c++) {
        sum += (test[i * width + c] - train[j * width + c]) ** 2;
      }
      if (sum >= best[k - 1]) continue;
      let place = k - 1;
      for (; place > 0 && best[place - 1] > sum; place--) best[place] = best[place - 1];
      best[place] = sum;
    }
    scores[i] = Math.sqrt(best[k - 1]);
  }
  return scores;
}

/** Isolation forest (Liu, Ting & Zhou 2008): 100 trees of 256 rows. */
export function isolationForest(train, test, width, random, trees = 100, sample = 256) {
  const rows = train.length / width;
  const size = Math.min(sample, rows);
  const limit = Math.ceil(Math.log2(Math.max(2, size)));
  const path = (n) =>
    n < 2 ? 0 : n === 2 ? 1 : 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n;
  const grow = (members, depth) => {
    if (depth >= limit || members.length < 2) return { depth: depth + path(members.length) };
    const ranges = Array.from({ length: width }, (_, c) => {
      const values = members.map((row) => train[row * width + c]);
      return [Math.min(...values), Math.max(...values)];
    });
    const open = ranges.flatMap(([low, high], c) => (high > low ? [c] : []));
    if (open.length === 0) return { depth: depth + path(members.length) };
    const column = open[Math.floor(random() * open.length)];
    const [low, high] = ranges[column];
    const split = low + random() * (high - low);
    const isLeft = (row) => train[row * width + column] < split;
    return {
      column,
      split,
      left: grow(members.filter(isLeft), depth + 1),
      right: grow(
        members.filter((row) => !isLeft(row)),
        depth + 1,
      ),
    };
  };
  const forest = Array.from({ length: trees }, () =>
    grow(permutation(rows, random).slice(0, size), 0),
  );
  return Float64Array.from({ length: test.length / width }, (_, i) => {
    let depth = 0;
    for (let node of forest) {
      while (node.column !== undefined) {
        node = test[i * width + node.column] < node.split ? node.left : node.right;
      }
      depth += node.depth / trees;
    }
    return -depth;
  });
}

/**
 * PCA's scores: `pyod`, the sum of distances to the components divided by their shares of the variance, as in PyOD and in the
 * published table; `residual`, the squared error of a code of half the width; `mahalanobis`, the squared distance.
 */
export function principalScores(train, test, width) {
  const rows = train.length / width;
  const covariance = new Float64Array(width * width);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        covariance[i * width + j] += (train[r * width + i] * train[r * width + j]) / (rows - 1);
      }
    }
  }
  const { values, vectors } = symmetricEigen(covariance, width);
  const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const kept = values.flatMap((value, i) => (value > 1e-10 * total ? [i] : []));
  const half = kept.slice(0, Math.max(1, Math.floor(width / 2)));
  const scores = { pyod: [], residual: [], mahalanobis: [] };
  for (let r = 0; r < test.length / width; r++) {
    const row = test.subarray(r * width, (r + 1) * width);
    const square = row.reduce((sum, value) => sum + value * value, 0);
    const project = (i) => row.reduce((sum, value, j) => sum + value * vectors[i * width + j], 0);
    const codes = kept.map(project);
    let pyod = 0;
    let mahalanobis = 0;
    codes.forEach((code, c) => {
      const value = values[kept[c]];
      pyod += Math.sqrt(Math.max(0, square - 2 * code + 1)) / (value / total);
      mahalanobis += (code * code) / value;
    });
    scores.pyod.push(pyod);
    scores.mahalanobis.push(mahalanobis);
    scores.residual.push(square - half.reduce((sum, _, c) => sum + codes[c] ** 2, 0));
  }
  return scores;
}

/** Eigenvalues in descending order, and eigenvectors as rows, by Jacobi's rotations. */
function symmetricEigen(matrix, n) {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apart = a[p * n + q];
        if (
          Math.abs(apart) <= 1e-15 * Math.sqrt(Math.abs(a[p * n + p] * a[q * n + q])) ||
          apart === 0
        )
          continue;
        rotated = true;
        const theta = (a[q * n + q] - a[p * n + p]) / (2 * apart);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p * n + k], a[q * n + k]];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k * n + p], a[k * n + q]];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
          const [z, w] = [v[p * n + k], v[q * n + k]];
          v[p * n + k] = c * z - s * w;
          v[q * n + k] = s * z + c * w;
        }
      }
    }
    if (!rotated) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * n, from * n + n), to * n);
  });
  return { values: order.map((i) => a[i * n + i]), vectors };
}
