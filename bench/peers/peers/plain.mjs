// A training step as plain JavaScript loops over typed arrays. Every inner loop reads consecutive elements. In float64 it also
// checks the other peers.

import { timed } from "../session.mjs";
import { adam } from "../workloads.mjs";

export function open() {
  return [
    {
      name: "plain JavaScript",
      version: "loops",
      does: ["train", "encode"],
      takesTopK: true,
      start: (workload, weights, ring) => timed(plain(workload, weights, Float32Array), ring),
    },
  ];
}

/** The autoencoder with arrays of the given type: Float32Array, or Float64Array for reference values. */
export function plain({ layers, topK }, weights, Numbers) {
  const depth = layers.length - 1;
  const parameters = Object.entries(weights).map(([name, { shape, data }]) => ({
    name,
    shape,
    value: Numbers.from(data),
    gradient: new Numbers(data.length),
    mean: new Numbers(data.length),
    square: new Numbers(data.length),
  }));
  const named = Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter]));
  const tied = layers.slice(1).map((_, i) => ({
    weight: named[`encoder.${i}.weight`],
    bias: named[`encoder.${i}.bias`],
    mirrorBias: named[`decoder.${i}.bias`],
  }));
  let steps = 0;
  let loss = 0;

  /** The input and the output of every encoder layer. */
  function encode(x, rows) {
    const outputs = [x];
    for (let i = 0; i < depth; i++) {
      const y = new Numbers(rows * layers[i + 1]);
      timesTransposed(rows, layers[i + 1], layers[i], outputs[i], tied[i].weight.value, y);
      addBias(rows, layers[i + 1], tied[i].bias.value, y);
      rectify(y);
      outputs.push(y);
    }
    if (topK) keepLargest(rows, layers[depth], topK, outputs[depth]);
    return outputs;
  }

  /** The outputs of the decoder layers, by the number of the encoder layer that they mirror. The code is the last element. */
  function decode(code, rows) {
    const outputs = [];
    outputs[depth] = code;
    for (let i = depth - 1; i >= 0; i--) {
      const y = new Numbers(rows * layers[i]);
      times(rows, layers[i + 1], layers[i], outputs[i + 1], tied[i].weight.value, y);
      addBias(rows, layers[i], tied[i].mirrorBias.value, y);
      if (i > 0) rectify(y);
      outputs[i] = y;
    }
    return outputs;
  }

  function backward(down, up, rows) {
    for (const { gradient } of parameters) gradient.fill(0);
    const x = down[0];
    let delta = new Numbers(x.length);
    loss = 0;
    for (let i = 0; i < x.length; i++) {
      const error = up[0][i] - x[i];
      loss += error * error;
      delta[i] = (2 / x.length) * error;
    }
    loss /= x.length;
    for (let i = 0; i < depth; i++) {
      addColumns(rows, layers[i], delta, tied[i].mirrorBias.gradient);
      addOuter(rows, layers[i + 1], layers[i], up[i + 1], delta, tied[i].weight.gradient);
      const inner = new Numbers(rows * layers[i + 1]);
      timesTransposed(rows, layers[i + 1], layers[i], delta, tied[i].weight.value, inner);
      dropWhereZero(up[i + 1], inner);
      delta = inner;
    }
    for (let i = depth - 1; i >= 0; i--) {
      addColumns(rows, layers[i + 1], delta, tied[i].bias.gradient);
      addOuter(rows, layers[i + 1], layers[i], delta, down[i], tied[i].weight.gradient);
      if (i === 0) break;
      const outer = new Numbers(rows * layers[i]);
      times(rows, layers[i + 1], layers[i], delta, tied[i].weight.value, outer);
      dropWhereZero(down[i], outer);
      delta = outer;
    }
  }

  return {
    load: (batch) => batch,
    step(batch) {
      const rows = batch.length / layers[0];
      const down = encode(batch, rows);
      backward(down, decode(down[depth], rows), rows);
      steps++;
      for (const parameter of parameters) adamStep(parameter, steps);
    },
    loss: () => loss,
    encode: (batch) => encode(batch, batch.length / layers[0])[depth],
    weights: () =>
      Object.fromEntries(
        parameters.map(({ name, shape, value }) => [name, { shape, data: value }]),
      ),
    dispose() {},
  };
}

/** y[rows, m] = x[rows, k] times the transpose of w[m, k]. */
function timesTransposed(rows, m, k, x, w, y) {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < m; i++) {
      let sum = 0;
      for (let p = 0, xp = r * k, wp = i * k; p < k; p++) sum += x[xp++] * w[wp++];
      y[r * m + i] = sum;
    }
  }
}

/** y[rows, k] = h[rows, m] times w[m, k]; y starts as zeros. */
function times(rows, m, k, h, w, y) {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < m; i++) {
      const factor = h[r * m + i];
      for (let p = 0, yp = r * k, wp = i * k; p < k; p++) y[yp++] += factor * w[wp++];
    }
  }
}

/** g[m, k] += the transpose of h[rows, m] times d[rows, k]. */
function addOuter(rows, m, k, h, d, g) {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < m; i++) {
      const factor = h[r * m + i];
      for (let p = 0, gp = i * k, dp = r * k; p < k; p++) g[gp++] += factor * d[dp++];
    }
  }
}

function addBias(rows, cols, bias, y) {
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) y[at++] += bias[c];
  }
}

function addColumns(rows, cols, d, sums) {
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) sums[c] += d[at++];
  }
}

function rectify(y) {
  for (let i = 0; i < y.length; i++) y[i] = Math.max(y[i], 0);
}

/** Sets all but the k largest of each row to 0. */
function keepLargest(rows, cols, k, y) {
  for (let r = 0; r < rows; r++) {
    const row = y.subarray(r * cols, (r + 1) * cols);
    const least = row.slice().sort()[cols - k];
    for (let c = 0; c < cols; c++) if (row[c] < least) row[c] = 0;
  }
}

function dropWhereZero(y, d) {
  for (let i = 0; i < d.length; i++) d[i] = y[i] > 0 ? d[i] : 0;
}

function adamStep({ value, gradient, mean, square }, steps) {
  const { learningRate, beta1, beta2, epsilon } = adam;
  const rate = learningRate / (1 - beta1 ** steps);
  const correction = 1 / Math.sqrt(1 - beta2 ** steps);
  for (let i = 0; i < value.length; i++) {
    const g = gradient[i];
    const m = beta1 * mean[i] + (1 - beta1) * g;
    const v = beta2 * square[i] + (1 - beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    value[i] -= (rate * m) / (Math.sqrt(v) * correction + epsilon);
  }
}
