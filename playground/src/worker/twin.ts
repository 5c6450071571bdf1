// The untied twin: it starts from the tied model's weights, has its own decoder, and trains on the same rows with the same
// optimizer. The page shows its parameters, its loss and the distance between its two sets of weights.

import type { TwinFrame, Weight } from "../protocol.ts";
import { normalFrom, randomFrom } from "../random.ts";
import type { Activation, Settings } from "../settings.ts";
import { forward, gradients, type PlainLayer, transposed } from "./plain.ts";

/** The tied model's parameters, layer by layer from input to code. */
export interface TiedLayer {
  readonly weight: Weight;
  readonly bias: Float32Array;
  /** Bias of the decoder's mirror layer, [inputs]. */
  readonly decoderBias: Float32Array;
}

/** The network as plain layers. The decoder's weights are copies of the encoder's, transposed. */
export function unrolled(tied: readonly TiedLayer[], activation: Activation): PlainLayer[] {
  const encoder = tied.map(({ weight, bias }) => ({
    units: weight.units,
    inputs: weight.inputs,
    weight: Float64Array.from(weight.values),
    bias: Float64Array.from(bias),
    activation,
  }));
  const decoder = tied.map(({ weight, decoderBias }, i) => ({
    units: weight.inputs,
    inputs: weight.units,
    weight: transposed(weight.values, weight.units, weight.inputs),
    bias: Float64Array.from(decoderBias),
    activation: i === 0 ? ("linear" as const) : activation,
  }));
  return [...encoder, ...decoder.reverse()];
}

/** The gradient of a tied layer's weights from each use, the encoder and the decoder. */
export function halves(
  tied: readonly TiedLayer[],
  activation: Activation,
  batch: Float64Array,
  rows: number,
): { encoder: Float64Array; decoder: Float64Array }[] {
  const layers = unrolled(tied, activation);
  const { weights } = gradients(layers, batch, batch, rows);
  return tied.map(({ weight }, i) => {
    const decoder = weights[layers.length - 1 - i] ?? new Float64Array(0);
    return {
      encoder: weights[i] ?? new Float64Array(0),
      decoder: transposed(decoder, weight.inputs, weight.units),
    };
  });
}

/** First and second moments of Adam, for every tensor. */
interface Moments {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

export class Twin {
  readonly #layers: PlainLayer[];
  readonly #depth: number;
  readonly #moments: Moments[];
  readonly #settings: Settings;
  #steps = 0;
  readonly #random: () => number;
  /** Losses since the last frame. */
  #sum = 0;
  #count = 0;

  constructor(tied: readonly TiedLayer[], settings: Settings) {
    this.#layers = unrolled(tied, settings.activation);
    this.#depth = tied.length;
    this.#settings = settings;
    this.#random = randomFrom(settings.seed + 1);
    this.#moments = this.#layers.flatMap(({ weight, bias }) =>
      [weight, bias].map(({ length }) => ({
        first: new Float64Array(length),
        second: new Float64Array(length),
      })),
    );
  }

  /** One step on `batchSize` rows drawn at random from `values` [count, columns]. */
  step(values: Float64Array, columns: number, rate: number, noise: number): void {
    const count = values.length / columns;
    const rows = Math.min(this.#settings.batchSize, count);
    const target = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      const at = Math.floor(this.#random() * count) * columns;
      target.set(values.subarray(at, at + columns), r * columns);
    }
    const input =
      noise > 0 ? target.map((value) => value + noise * normalFrom(this.#random)) : target;
    const { loss, weights, biases } = gradients(this.#layers, input, target, rows);
    this.#sum += loss;
    this.#count++;
    this.#steps++;
    this.#layers.forEach(({ weight, bias }, l) => {
      this.#update(weight, weights[l], this.#moments[2 * l], rate);
      this.#update(bias, biases[l], this.#moments[2 * l + 1], rate);
    });
  }

  #update(
    parameter: Float64Array,
    gradient: Float64Array | undefined,
    moments: Moments | undefined,
    rate: number,
  ): void {
    if (!gradient || !moments) return;
    const { first, second } = moments;
    const [correct1, correct2] = [1 - 0.9 ** this.#steps, 1 - 0.999 ** this.#steps];
    const isPlain = this.#settings.optimizer === "sgd";
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i] ?? 0;
      if (isPlain) {
        parameter[i] = (parameter[i] ?? 0) - rate * g;
        continue;
      }
      const m = 0.9 * (first[i] ?? 0) + 0.1 * g;
      const v = 0.999 * (second[i] ?? 0) + 0.001 * g * g;
      first[i] = m;
      second[i] = v;
      parameter[i] =
        (parameter[i] ?? 0) - (rate * (m / correct1)) / (Math.sqrt(v / correct2) + 1e-8);
    }
  }

  frame(row: Float64Array): TwinFrame {
    const encoder = this.#layers.slice(0, this.#depth);
    const decoder = this.#layers.slice(this.#depth).reverse();
    let [apart, size] = [0, 0];
    const turned = decoder.map(({ weight, units, inputs }) => transposed(weight, units, inputs));
    encoder.forEach(({ weight }, l) => {
      for (let i = 0; i < weight.length; i++) {
        const [w, d] = [weight[i] ?? 0, turned[l]?.[i] ?? 0];
        apart += (w - d) ** 2;
        size += w * w;
      }
    });
    const { values } = forward(this.#layers, row, 1);
    const loss = this.#count > 0 ? this.#sum / this.#count : Number.NaN;
    this.#sum = 0;
    this.#count = 0;
    return {
      loss,
      distance: Math.sqrt(apart / (size || 1)),
      parameters: this.#layers.reduce(
        (sum, { weight, bias }) => sum + weight.length + bias.length,
        0,
      ),
      encoder: encoder.map(({ units, inputs, weight }) => ({
        units,
        inputs,
        values: Float32Array.from(weight),
      })),
      decoder: encoder.map(({ units, inputs }, l) => ({
        units,
        inputs,
        values: Float32Array.from(turned[l] ?? []),
      })),
      output: Float32Array.from(values.at(-1) ?? []),
    };
  }
}
