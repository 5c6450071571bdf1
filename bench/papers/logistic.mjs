// Multinomial logistic regression on features in the form of lists, for the test errors that papers report. Adam with a rate
// that decreases to 0 along half a cosine, and l2 on the weights. Plain JavaScript, because its speed is not measured.

const CLASSES = 10;

/**
 * Features by rows: those of row r are starts[r] to starts[r + 1] - 1 of `indices` and `values`.
 * @typedef {{ starts: Uint32Array, indices: Uint32Array, values: Float32Array }} Features
 */

/** A matrix [rows, width] as lists of its elements that are not 0. @returns {Features} */
export function listsOf(matrix, width) {
  const rows = matrix.length / width;
  const starts = new Uint32Array(rows + 1);
  const count = matrix.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
  const indices = new Uint32Array(count);
  const values = new Float32Array(count);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < width; j++) {
      const value = matrix[row * width + j];
      if (value === 0) continue;
      indices[at] = j;
      values[at++] = value;
    }
    starts[row + 1] = at;
  }
  return { starts, indices, values };
}

/**
 * Dense features as lists of all their elements, each feature with mean 0 and variance 1 over the training rows.
 * @returns {[train: Features, test: Features]}
 */
export function standardized(train, test, units) {
  const rows = train.length / units;
  const means = new Float64Array(units);
  const squares = new Float64Array(units);
  train.forEach((value, i) => {
    means[i % units] += value / rows;
    squares[i % units] += (value * value) / rows;
  });
  const factors = squares.map((square, j) => 1 / Math.sqrt(Math.max(square - means[j] ** 2, 1e-6)));
  const listed = (matrix) => ({
    starts: Uint32Array.from({ length: matrix.length / units + 1 }, (_, row) => row * units),
    indices: new Uint32Array(matrix.length).map((_, i) => i % units),
    values: matrix.map((value, i) => (value - means[i % units]) * factors[i % units]),
  });
  return [listed(train), listed(test)];
}

/** Trains on one part and returns the share of errors on the other. */
export function testError(train, trainLabels, test, testLabels, units, options = {}) {
  const { epochs = 40, batchSize = 100, rate = 2e-3, l2 = 1e-5 } = options;
  // One factor for all features, so that the mean square of those in the lists becomes 1.
  const square = train.values.reduce((sum, value) => sum + value * value, 0) / train.values.length;
  const factor = 1 / Math.sqrt(square);
  const size = units * CLASSES;
  const weights = new Float64Array(size + CLASSES);
  const gradient = new Float64Array(size + CLASSES);
  const first = new Float64Array(size + CLASSES);
  const second = new Float64Array(size + CLASSES);
  const scores = new Float64Array(CLASSES);
  const rows = trainLabels.length;
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  let random = 1;
  let step = 0;
  const steps = epochs * Math.ceil(rows / batchSize);
  const score = ({ starts, indices, values }, row) => {
    for (let c = 0; c < CLASSES; c++) scores[c] = weights[size + c];
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      const at = indices[i] * CLASSES;
      const value = values[i] * factor;
      for (let c = 0; c < CLASSES; c++) scores[c] += value * weights[at + c];
    }
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = rows - 1; i > 0; i--) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      const j = random % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let start = 0; start < rows; start += batchSize) {
      const end = Math.min(rows, start + batchSize);
      gradient.fill(0);
      for (let k = start; k < end; k++) {
        const row = order[k];
        score(train, row);
        const most = Math.max(...scores);
        let sum = 0;
        for (let c = 0; c < CLASSES; c++) sum += scores[c] = Math.exp(scores[c] - most);
        for (let c = 0; c < CLASSES; c++) scores[c] /= sum;
        scores[trainLabels[row]] -= 1;
        const { starts, indices, values } = train;
        for (let i = starts[row]; i < starts[row + 1]; i++) {
          const at = indices[i] * CLASSES;
          const value = values[i] * factor;
          for (let c = 0; c < CLASSES; c++) gradient[at + c] += value * scores[c];
        }
        for (let c = 0; c < CLASSES; c++) gradient[size + c] += scores[c];
      }
      step += 1;
      const now = (rate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
      const [a, b] = [1 - 0.9 ** step, 1 - 0.999 ** step];
      for (let i = 0; i < weights.length; i++) {
        const g = gradient[i] / (end - start) + (i < size ? 2 * l2 * weights[i] : 0);
        first[i] += 0.1 * (g - first[i]);
        second[i] += 0.001 * (g * g - second[i]);
        weights[i] -= (now * first[i]) / a / (Math.sqrt(second[i] / b) + 1e-8);
      }
    }
  }
  let errors = 0;
  for (let row = 0; row < testLabels.length; row++) {
    score(test, row);
    if (scores.indexOf(Math.max(...scores)) !== testLabels[row]) errors += 1;
  }
  return errors / testLabels.length;
}
