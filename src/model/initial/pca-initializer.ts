// Computes weights and biases from the data, layer by layer. The rows of each weight become the leading principal
// components of the layer's input. The encoder's bias subtracts the mean, and the decoder's bias adds it. So a linear
// model starts as PCA.
//
// Some activations are the identity for large values, as relu is for positive values. For these the encoder's bias also
// shifts the smallest weighted sum of a unit to `lift`, and the decoder's bias compensates the shift. So a relu model
// also starts as PCA, and every unit is active for every row.

import type { Rows } from "../../data/rows.ts";
import { InvalidValueError } from "../../errors.ts";
import { type ActivationOp, activationOp, activations } from "../../layers/activations.ts";
import { Center } from "../../layers/center.ts";
import { type Seed, Stream, splitSeed } from "../../math/seed.ts";
import type { Paused } from "../../platform/turns.ts";
import type { Engine } from "../engine.ts";
import type { Tensor } from "../parameters.ts";
import { type ChunkedRows, columnMeans, principalComponents } from "./principal-components.ts";

/** The standard deviation of the weights of additional units, if a layer has more units than components. */
const SPARE = 0.01;

/** The parameters of a layer of the encoder and of its mirrored layer in the decoder. */
interface LayerTensors {
  /** The number of the layer, from the input. */
  readonly index: number;
  /** The number of layers of the network before it. */
  readonly before: number;
  readonly activation: ActivationOp;
  readonly weight: Tensor;
  readonly encoderBias: Tensor | undefined;
  readonly decoderBias: Tensor | undefined;
  /** Whether the decoder's bias is subtracted from the layer's input. */
  readonly isCentered: boolean;
}

/** Sets every parameter from the rows of `x`, with pauses. */
export function* initializeFromComponents(engine: Engine, x: Rows): Paused<void> {
  const { layers, codeEnd, layout } = engine.network;
  const { encoderActivations } = engine.config;
  const tensors = new Map(layout.tensors.map((tensor) => [tensor.name, tensor]));
  const seed = splitSeed(engine.config.seed);
  for (const [index, spec] of encoderActivations.entries()) {
    const name = `encoder.${index}.weight`;
    const weight = tensors.get(name);
    // The first layer that uses the weight encodes with it.
    const before = layers.findIndex(({ parameters }) =>
      parameters.some((one) => one.name === name),
    );
    if (!weight || before < 0 || before >= codeEnd)
      throw new Error(`No layer encodes with ${name}.`);
    const activation = activationOp(spec);
    const encoderBias = tensors.get(`encoder.${index}.bias`);
    const decoderBias = tensors.get(`decoder.${index}.bias`);
    const isCentered = layers[before - 1] instanceof Center;
    const place = { index, before, activation, weight, encoderBias, decoderBias, isCentered };
    yield* initializeLayer(engine, x, place, seed);
  }
}

function* initializeLayer(engine: Engine, x: Rows, place: LayerTensors, seed: Seed): Paused<void> {
  const { weight, encoderBias, decoderBias, activation, isCentered } = place;
  const { kernels } = engine.core;
  const { arena } = engine;
  const [units = 0, width = 0] = weight.shape;
  // Until the new bias is known, nothing is subtracted from the input.
  if (isCentered && decoderBias)
    engine.state.parameters.set(new Float32Array(width), decoderBias.offset);
  const data = layerInput(engine, x, place);
  // Without a decoder's bias the mean cannot be added back. Then the components are directions from the origin.
  const mean = decoderBias ? yield* columnMeans(data) : new Float64Array(width);
  const count = Math.min(units, width);
  const { tensors } = engine.network.layout;
  const draw = tensors.length + place.index;
  const rows = new Float32Array(units * width);
  if (units > width) {
    data.clear();
    const spare = data.reserve(units * width);
    const deviation = SPARE / Math.sqrt(width);
    const { low, high } = seed;
    const spareDraw = draw + engine.config.layers.length - 1;
    const length = units * width;
    kernels.randomNormal(length, spare, 0, 0, deviation, low, high, spareDraw, Stream.initial);
    rows.set(arena.view(spare, units * width));
  }
  rows.set(yield* principalComponents(data, mean, count, seed, draw));
  if (!rows.every(Number.isFinite)) {
    throw new InvalidValueError(
      `The principal components of ${x.name} overflow float32 at layer ${place.index}; scale the data first, or give the model a scaler. The weights of this layer are as they were.`,
    );
  }

  // The weighted sums for the mean row. Without a lift, the encoder's bias is minus these sums.
  const atMean = times(rows, mean, units, width);
  const { lift } = activations.of(activation);
  const lifts = new Float64Array(units);
  if (lift !== undefined && encoderBias && decoderBias) {
    const least = yield* leastSums(data, rows, units);
    for (let i = 0; i < units; i++) lifts[i] = lift - ((least[i] ?? 0) - (atMean[i] ?? 0));
  }
  const { parameters } = engine.state;
  parameters.set(rows, weight.offset);
  const bias = new Float64Array(units);
  if (encoderBias || isCentered) {
    for (let i = 0; i < units; i++) bias[i] = (lifts[i] ?? 0) - (atMean[i] ?? 0);
  }
  if (encoderBias) parameters.set(bias, encoderBias.offset);
  if (!decoderBias) return;
  // The decoder's bias is the mean row minus the decoding of its code.
  const back = Float64Array.from(mean);
  for (let i = 0; i < units; i++) {
    const code = (atMean[i] ?? 0) + (bias[i] ?? 0);
    for (let j = 0; j < width; j++) {
      back[j] = (back[j] ?? 0) - code * (rows[i * width + j] ?? 0);
    }
  }
  parameters.set(back, decoderBias.offset);
  if (!isCentered || !encoderBias) return;
  // The layer computes W (x − c) + b. It must equal the intended W x + b, so W c is added to b.
  const shift = times(rows, back, units, width);
  for (let i = 0; i < units; i++) bias[i] = (bias[i] ?? 0) + (shift[i] ?? 0);
  parameters.set(bias, encoderBias.offset);
}

/** The input of a layer in chunks: the output of the layers before it. */
function layerInput(engine: Engine, x: Rows, { before, weight }: LayerTensors): ChunkedRows {
  const { workspace, staging, inference, arena, core } = engine;
  const chunk = workspace.chunkRows(x.count);
  return {
    kernels: core.kernels,
    arena,
    width: weight.shape[1] ?? 0,
    clear: () => workspace.clearBeside(),
    reserve: (length) => workspace.beside(length),
    *each(visit, pieces = () => 1) {
      for (let row = 0; row < x.count; row += chunk) {
        const end = Math.min(row + chunk, x.count);
        for (let piece = 0; piece < pieces(end - row); piece++) {
          staging.chunks(x, row, end, (plan, _, count) => {
            visit(inference.run(plan, count, 0, before), count, piece);
          });
          yield;
        }
      }
    },
  };
}

/** The smallest weighted sum of each unit over all rows, without bias. */
function* leastSums(
  { kernels, arena, width, clear, reserve, each }: ChunkedRows,
  weights: Float32Array,
  units: number,
): Paused<Float64Array> {
  const least = new Float64Array(units).fill(Infinity);
  yield* each((x, count) => {
    clear();
    const w = reserve(weights.length);
    arena.view(w, weights.length).set(weights);
    const z = reserve(count * units);
    const panels = reserve((kernels.gemmWorkspace(count, units, width) >>> 0) / 4);
    kernels.gemmNT(count, units, width, x, width, w, width, 0, z, units, panels);
    const sums = arena.view(z, count * units);
    for (let i = 0; i < sums.length; i++) {
      const unit = i % units;
      least[unit] = Math.min(least[unit] ?? Infinity, sums[i] ?? Infinity);
    }
  });
  return least;
}

/** The product of a [units, width] matrix and a vector. */
function times(
  rows: Float32Array,
  vector: Float64Array,
  units: number,
  width: number,
): Float64Array {
  const result = new Float64Array(units);
  for (let i = 0; i < units; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (rows[i * width + j] ?? 0) * (vector[j] ?? 0);
    result[i] = sum;
  }
  return result;
}
