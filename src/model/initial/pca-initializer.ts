// Weights and biases from the data, layer by layer: the rows of each weight become the leading principal
// components of what enters its layer, and the biases take the mean out on the way in and put it back on
// the way out. A linear model starts as PCA.
//
// A unit that is to be the identity for the data, as relu is for what is positive, gets a bias that moves
// its least value to `lift`, and the decoder's bias takes the lift back. A relu model then starts as PCA
// too, with every unit alive on every row; training bends it from there.

import { Activation } from "../../../assembly/ops.ts";
import type { Rows } from "../../data/rows.ts";
import { yieldToEventLoop } from "../../platform/yield.ts";
import type { ParameterLayout, Tensor } from "../layout.ts";
import type { Network } from "../network.ts";
import type { Seed } from "../seed.ts";
import { Stream } from "../seed.ts";
import type { Stage } from "../stages.ts";
import type { Staging } from "../staging.ts";
import { type ChunkedRows, columnMeans, principalComponents } from "./principal-components.ts";

/** Where units that saturate towards negative values start: this far into their straight part. */
const LIFTS: ReadonlyMap<number, number> = new Map([
  [Activation.relu, 0],
  [Activation.leakyRelu, 0],
  [Activation.elu, 0],
  [Activation.selu, 0],
  [Activation.gelu, 3],
  [Activation.geluTanh, 3],
  [Activation.silu, 3],
  [Activation.softplus, 3],
]);

/** Deviation of the weights of units beyond the data's width, which have no component to stand for. */
const SPARE = 0.01;

export interface PcaTarget {
  readonly network: Network;
  readonly staging: Staging;
  readonly layout: ParameterLayout;
  readonly seed: Seed;
  readonly arena: ChunkedRows["arena"];
  readonly kernels: ChunkedRows["kernels"];
  /** A fresh view of the block of parameters. */
  parameters(): Float32Array;
}

/** Sets every parameter from the rows of `x`. */
export async function initializeFromComponents(target: PcaTarget, x: Rows): Promise<void> {
  for (let layer = 0; layer < target.layout.weights.length; layer++) {
    await initializeLayer(target, x, layer);
  }
}

async function initializeLayer(target: PcaTarget, x: Rows, layer: number): Promise<void> {
  const { layout, network, kernels, arena, seed } = target;
  const weight = layout.weights[layer] as Tensor;
  const [units = 0, width = 0] = weight.shape;
  const encoderBias = layout.encoderBiases[layer];
  const decoderBias = layout.decoderBiases[layer];
  const data = layerInput(target, x, layer);
  // Without a decoder's bias the mean could not be put back: directions about the origin, then.
  const mean = decoderBias ? await columnMeans(data) : new Float64Array(width);
  const count = Math.min(units, width);
  const draw = layout.tensors.length + layer;
  const rows = new Float32Array(units * width);
  if (units > width) {
    data.clear();
    const spare = data.reserve(units * width);
    const deviation = SPARE / Math.sqrt(width);
    const stream = Stream.initial;
    kernels.randomNormal(
      units * width,
      spare,
      0,
      0,
      deviation,
      seed.low,
      seed.high,
      draw + layout.weights.length,
      stream,
    );
    rows.set(arena.view(spare, units * width));
  }
  rows.set(await principalComponents(data, mean, count, seed, draw));

  // What a unit gives for the mean row: minus the encoder's bias, before any lift.
  const atMean = times(rows, mean, units, width);
  const { activation } = network.stages[layer] as Stage;
  const lift = encoderBias && decoderBias ? LIFTS.get(activation.code) : undefined;
  const lifts = new Float64Array(units);
  if (lift !== undefined) {
    const least = await leastSums(data, rows, units);
    for (let i = 0; i < units; i++) {
      lifts[i] = lift - ((least[i] as number) - (atMean[i] as number));
    }
  }
  const parameters = target.parameters();
  parameters.set(rows, weight.offset);
  const bias = new Float64Array(units);
  if (encoderBias) {
    for (let i = 0; i < units; i++) bias[i] = (lifts[i] as number) - (atMean[i] as number);
    parameters.set(bias, encoderBias.offset);
  }
  if (!decoderBias) return;
  // The decoder's bias is what the mean row's code leaves to add.
  const back = Float64Array.from(mean);
  for (let i = 0; i < units; i++) {
    const code = (atMean[i] as number) + (bias[i] as number);
    for (let j = 0; j < width; j++) {
      back[j] = (back[j] as number) - code * (rows[i * width + j] as number);
    }
  }
  parameters.set(back, decoderBias.offset);
}

/** What enters layer `layer`, in chunks: the model's input, or what the layers before make of it. */
function layerInput(
  { network, staging, kernels, arena, layout }: PcaTarget,
  x: Rows,
  layer: number,
): ChunkedRows {
  const chunk = network.chunkRows(x.count);
  return {
    kernels,
    arena,
    width: layout.weights[layer]?.shape[1] as number,
    clear: () => network.clearBeside(),
    reserve: (length) => network.beside(length),
    async each(visit) {
      for (let row = 0; row < x.count; row += chunk) {
        staging.chunks(x, row, Math.min(row + chunk, x.count), (plan, _, count) => {
          visit(network.infer(plan, count, 0, layer), count);
        });
        await yieldToEventLoop();
      }
    },
  };
}

/** The least weighted sum of each unit over all rows, without bias. */
async function leastSums(
  { kernels, arena, width, clear, reserve, each }: ChunkedRows,
  weights: Float32Array,
  units: number,
): Promise<Float64Array> {
  const least = new Float64Array(units).fill(Infinity);
  await each((x, count) => {
    clear();
    const w = reserve(weights.length);
    arena.view(w, weights.length).set(weights);
    const z = reserve(count * units);
    const panels = reserve((kernels.gemmWorkspace(count, units, width) >>> 0) / 4);
    kernels.gemmNT(count, units, width, x, width, w, width, 0, z, units, panels);
    const sums = arena.view(z, count * units);
    for (let i = 0; i < sums.length; i++) {
      const unit = i % units;
      if ((sums[i] as number) < (least[unit] as number)) least[unit] = sums[i] as number;
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
    for (let j = 0; j < width; j++) sum += (rows[i * width + j] as number) * (vector[j] as number);
    result[i] = sum;
  }
  return result;
}
