// What a program that imports the package writes. Compiled against the packed types by
// scripts/check-package.mjs, under every module resolution, without the DOM's types.

import {
  type AbortSignalLike,
  DivergenceError,
  type FitOptions,
  type History,
  type MatrixInput,
  type ModelConfig,
  type StepRecord,
  TiedAutoencoder,
} from "tied-autoencoder";
import { createKernels, type Matrix } from "tied-autoencoder/kernels";
import { TiedAutoencoder as Remote } from "tied-autoencoder/worker";

const config: ModelConfig = {
  layers: [4, 2],
  activation: { type: "leakyRelu", slope: 0.1 },
  optimizer: { type: "adamw", learningRate: 1e-3, clipNorm: 1 },
};

export async function train(x: MatrixInput, signal: AbortSignalLike): Promise<History> {
  using model = await TiedAutoencoder.create(config);
  const options: FitOptions = { epochs: 2, signal, onEpoch: ({ loss }) => loss > 0.1 };
  for await (const record of model.fitSteps([[1, 2, 3, 4]], options)) {
    const { step, loss }: StepRecord = record;
    if (step > 3 && loss < 1) break;
  }
  try {
    return await model.fit(x, options);
  } catch (error) {
    if (error instanceof DivergenceError) model.learningRate = error.loss;
    throw error;
  }
}

export async function loaded(bytes: Uint8Array, wasm: object): Promise<Float32Array> {
  const model = await TiedAutoencoder.load(bytes, { wasm, simd: "baseline" });
  return model.encode({ data: new Uint8Array(8), shape: [2, 4] });
}

export async function multiply(): Promise<Float32Array> {
  using kernels = await createKernels({ simd: "baseline" });
  using a: Matrix = kernels.matrix(2, 2, [1, 2, 3, 4]);
  return kernels.gemm(a, a, undefined, { transA: true }).toArray();
}

export async function elsewhere(x: MatrixInput): Promise<number> {
  using model = await Remote.create(config);
  await model.fit(x, { epochs: 3, onEpoch: ({ epoch }) => epoch < 2 });
  return model.evaluate(x, undefined, { transfer: true });
}

export function synchronous(wasm: object): [Uint8Array, string] {
  using model = TiedAutoencoder.createSync({ ...config, wasm });
  return [model.toOnnx({ part: "encoder" }), model.summary()];
}

// @ts-expect-error: layers is required
export const incomplete = TiedAutoencoder.create({});
// @ts-expect-error: no such activation
export const unknown = TiedAutoencoder.create({ layers: [4, 2], activation: "cube" });
