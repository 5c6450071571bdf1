// A dense autoencoder in plain loops, for two things that the package does not have: an untied twin, whose decoder has its own
// weights, and the gradient of a tied weight from each of its two uses.

import type { Activation } from "../settings.ts";

/** One layer: y = f(x Wᵀ + b), W [units, inputs]. */
export interface PlainLayer {
  readonly units: number;
  readonly inputs: number;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly activation: Activation;
}

interface Pass {
  /** Input of each layer, and the last output. */
  readonly values: readonly Float64Array[];
  /** Sums of each layer before its activation. */
  readonly sums: readonly Float64Array[];
}

export interface Gradients {
  readonly loss: number;
  readonly weights: readonly Float64Array[];
  readonly biases: readonly Float64Array[];
}

/** All layers on a batch [rows, inputs]. */
export function forward(layers: readonly PlainLayer[], x: Float64Array, rows: number): Pass {
  const values = [x];
  const sums: Float64Array[] = [];
  let input = x;
  for (const { units, inputs, weight, bias, activation } of layers) {
    const before = new Float64Array(rows * units);
    for (let r = 0; r < rows; r++) {
      for (let u = 0; u < units; u++) {
        let sum = bias[u] ?? 0;
        const [a, b] = [r * inputs, u * inputs];
        for (let i = 0; i < inputs; i++) sum += (input[a + i] ?? 0) * (weight[b + i] ?? 0);
        before[r * units + u] = sum;
      }
    }
    const output = before.map((z) => activate(activation, z));
    sums.push(before);
    values.push(output);
    input = output;
  }
  return { values, sums };
}

/** Gradients of the mean squared error against `target`. */
export function gradients(
  layers: readonly PlainLayer[],
  x: Float64Array,
  target: Float64Array,
  rows: number,
): Gradients {
  const { values, sums } = forward(layers, x, rows);
  const output = values.at(-1) ?? x;
  let loss = 0;
  let delta = new Float64Array(output.length);
  for (let i = 0; i < output.length; i++) {
    const difference = (output[i] ?? 0) - (target[i] ?? 0);
    loss += difference * difference;
    delta[i] = (2 * difference) / output.length;
  }
  const weights: Float64Array[] = [];
  const biases: Float64Array[] = [];
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l];
    const [input, before] = [values[l], sums[l]];
    if (!layer || !input || !before) break;
    const { units, inputs, weight, activation } = layer;
    for (let i = 0; i < delta.length; i++)
      delta[i] = (delta[i] ?? 0) * slope(activation, before[i] ?? 0);
    const gradient = new Float64Array(units * inputs);
    const bias = new Float64Array(units);
    const below = new Float64Array(rows * inputs);
    for (let r = 0; r < rows; r++) {
      for (let u = 0; u < units; u++) {
        const d = delta[r * units + u] ?? 0;
        bias[u] = (bias[u] ?? 0) + d;
        for (let i = 0; i < inputs; i++) {
          gradient[u * inputs + i] =
            (gradient[u * inputs + i] ?? 0) + d * (input[r * inputs + i] ?? 0);
          below[r * inputs + i] = (below[r * inputs + i] ?? 0) + d * (weight[u * inputs + i] ?? 0);
        }
      }
    }
    weights.unshift(gradient);
    biases.unshift(bias);
    delta = below;
  }
  return { loss: loss / output.length, weights, biases };
}

/** [units, inputs] as [inputs, units]. */
export function transposed(values: ArrayLike<number>, units: number, inputs: number): Float64Array {
  const turned = new Float64Array(units * inputs);
  for (let u = 0; u < units; u++) {
    for (let i = 0; i < inputs; i++) turned[i * units + u] = values[u * inputs + i] ?? 0;
  }
  return turned;
}

function activate(activation: Activation, z: number): number {
  switch (activation) {
    case "linear":
      return z;
    case "relu":
      return z > 0 ? z : 0;
    case "tanh":
      return Math.tanh(z);
    case "sigmoid":
      return 1 / (1 + Math.exp(-z));
    case "gelu":
      return 0.5 * z * (1 + geluTanh(z));
  }
}

/** The derivative at z. */
function slope(activation: Activation, z: number): number {
  switch (activation) {
    case "linear":
      return 1;
    case "relu":
      return z > 0 ? 1 : 0;
    case "tanh":
      return 1 - Math.tanh(z) ** 2;
    case "sigmoid": {
      const y = 1 / (1 + Math.exp(-z));
      return y * (1 - y);
    }
    case "gelu": {
      const t = geluTanh(z);
      const inner = GELU * (1 + 3 * 0.044715 * z * z);
      return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * inner;
    }
  }
}

const GELU = Math.sqrt(2 / Math.PI);

/** The inner tangent of gelu in its tanh form, which the package calls geluTanh. */
function geluTanh(z: number): number {
  return Math.tanh(GELU * (z + 0.044715 * z ** 3));
}
