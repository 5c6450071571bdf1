// Models for the ONNX tests, and the comparison for every runtime: outputs of the exported
// file against those of the model, for each part and several numbers of rows.

import { expect } from "vitest";
import { Activation } from "../../assembly/ops.ts";
import { type ActivationSpec, type ModelConfig, TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "./random.ts";

/** The common interface of onnxruntime-web and onnxruntime-node. */
export interface OnnxRuntime {
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => never;
  InferenceSession: {
    create(model: Uint8Array): Promise<{
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
      run(feeds: Record<string, never>): Promise<Record<string, { dims: unknown; data: unknown }>>;
    }>;
  };
}

const LAYERS = [
  [11, 5],
  [11, 7, 4],
  [11, 8, 6, 3],
];
const BATCHES = [1, 7, 64];

const names = Object.keys(Activation).filter((key) => Number.isNaN(Number(key)));
const specs: ActivationSpec[] = [
  ...(names as ActivationSpec[]),
  { type: "leakyRelu", slope: 0.3 },
  { type: "elu", alpha: 0.5 },
];

/** Every activation × depth, biases on and off by turns, and the models that scale and fill in. */
export const onnxCases: [string, ModelConfig][] = [
  ...specs.flatMap((activation) =>
    LAYERS.flatMap((layers) =>
      [true, false].map((bias): [string, ModelConfig] => [
        `${JSON.stringify(activation)}, ${layers.join("-")}, ${bias ? "biases" : "no biases"}`,
        { layers, activation, outputActivation: activation, bias, decoderBias: bias },
      ]),
    ),
  ),
  [
    "an activation for each layer, a bias on one side",
    {
      layers: [11, 8, 6, 3],
      encoderActivations: ["tanh", "relu", "linear"],
      decoderActivations: ["softplus", "gelu", "sigmoid"],
      bias: false,
    },
  ],
  ...(["standard", "minMax"] as const).flatMap((scaler) =>
    (["error", "mean", "mask"] as const).map((missing): [string, ModelConfig] => [
      `scaler ${scaler}, missing ${missing}`,
      { layers: [11, 7, 4], activation: "tanh", scaler, missing },
    ]),
  ),
  ["no scaler, missing mean", { layers: [11, 4], missing: "mean" }],
  ...[
    [11, 20],
    [11, 7, 20],
  ].flatMap((layers): [string, ModelConfig][] => [
    [`topK, ${layers.join("-")}`, { layers, code: { type: "topK", k: 3 } }],
    [
      `topK of negative values, centered, ${layers.join("-")}`,
      { layers, activation: "tanh", code: { type: "topK", k: 15, centered: true } },
    ],
    [
      `batchTopK, centered, ${layers.join("-")}`,
      { layers, code: { type: "batchTopK", k: 3, centered: true }, scaler: "standard" },
    ],
    [
      `gaussian, ${layers.join("-")}`,
      { layers, activation: "tanh", code: "gaussian", constraint: "unitNorm" },
    ],
  ]),
];

/** A model whose biases are not zero, fitted to data far from 0 where it scales. */
export function onnxModel(config: ModelConfig): TiedAutoencoder {
  const model = TiedAutoencoder.createSync({ ...config, seed: 5 });
  model.fitScaler(inputs(50, config));
  // A threshold that is not 0, and a decoder's bias that moves away from where it began.
  if (config.code) for (let step = 0; step < 3; step++) model.trainOnBatch(inputs(50, config));
  return model;
}

function inputs(rows: number, { layers, scaler }: ModelConfig): Float32Array {
  const width = layers[0]!;
  const x = randomRows(rows, width, rows).map((value) => 6 * value - 3);
  return scaler === undefined ? x : x.map((value, i) => value * (1 + (i % width)) + 20);
}

/** The largest difference over all parts and batches, relative to the largest element where that is above 1. */
export async function onnxError(ort: OnnxRuntime, model: TiedAutoencoder): Promise<number> {
  const { layers, missing, scaler } = model.config;
  const code = layers.at(-1)!;
  const width = layers[0]!;
  const parts = [
    ["encoder", "input", "code", width, code],
    ["decoder", "code", "reconstruction", code, width],
    ["reconstruction", "input", "reconstruction", width, width],
  ] as const;
  let worst = 0;
  for (const [part, from, to, columns, outputs] of parts) {
    const session = await ort.InferenceSession.create(model.toOnnx({ part }));
    expect([session.inputNames, session.outputNames]).toEqual([[from], [to]]);
    for (const rows of BATCHES) {
      const data = inputs(rows, { layers, ...(scaler ? { scaler } : {}) });
      if (missing !== "error") for (let i = 4; i < data.length; i += 9) data[i] = Number.NaN;
      const x = from === "code" ? model.encode(data) : data;
      const ours =
        part === "encoder"
          ? model.encode(x)
          : part === "decoder"
            ? model.decode(x)
            : model.reconstruct(x);
      const { [to]: theirs } = await session.run({
        [from]: new ort.Tensor("float32", x, [rows, columns]),
      });
      expect(theirs!.dims).toEqual([rows, outputs]);
      const values = theirs!.data as Float32Array;
      const largest = Math.max(1, ...ours.map(Math.abs));
      ours.forEach((value, i) => {
        const error = Math.abs(value - values[i]!) / largest;
        worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
      });
    }
  }
  return worst;
}
