// A model as an ONNX graph: what encode, decode and reconstruct compute, filling in and scaling included.
// Every tied weight is one initializer, which the encoder reads transposed and the decoder as it stands.

import { choice, onlyKeys, record } from "../checks.ts";
import { encodeOnnx, type OnnxNode } from "../formats/onnx.ts";
import { activationNodes } from "../formats/onnx-activations.ts";
import { type ActivationSpec, activationOp } from "../model/config.ts";
import type { Engine } from "../model/engine.ts";
import { layoutParameters, type Tensor } from "../model/layout.ts";

/** Which half of the model a file holds, or both. */
export type OnnxPart = "encoder" | "decoder" | "reconstruction";

export interface OnnxOptions {
  /** Default `"reconstruction"`. */
  part?: OnnxPart;
}

/**
 * The model as an ONNX file (opset 17, float32, any number of rows): `input` → `reconstruction`, or with
 * `part` one half of it, `input` → `code` or `code` → `reconstruction`, each [batch, units]. In the data's
 * units; each tied weight stands once in the file.
 * @throws InvalidStateError when a scaler is configured and has seen no data.
 */
export function toOnnx(engine: Engine, options?: OnnxOptions): Uint8Array {
  engine.preparation.requireFitted();
  const { config, parameters, preparation = {} } = engine.checkpoint(false);
  const settings = record("toOnnx's options", options);
  onlyKeys("toOnnx", settings, ["part"]);
  const parts: OnnxPart[] = ["encoder", "decoder", "reconstruction"];
  const part = choice("part", settings.part ?? "reconstruction", parts);

  const { layers, bias, decoderBias, encoderActivations, decoderActivations } = config;
  const depth = layers.length - 1;
  const layout = layoutParameters(layers, bias, decoderBias);
  const { "scaler.center": center, "missing.mean": mean } = preparation;
  const nodes: OnnxNode[] = [];
  const input = part === "decoder" ? "code" : "input";
  let value: string = input;

  /** value = op(inputs), under a name of its own where `output` gives none. */
  const add = (op: string, inputs: string[], output = `value.${nodes.length}`) => {
    nodes.push({ op, inputs, outputs: [output] });
    value = output;
  };
  /** One linear map and its activation, which makes `output`. */
  const stage = (
    { name }: Tensor,
    transB: number,
    biasTensor: Tensor | undefined,
    spec: ActivationSpec,
    output: string,
  ) => {
    const inputs = biasTensor ? [value, name, biasTensor.name] : [value, name];
    const sum = `${output}.sum`;
    nodes.push({ op: "Gemm", inputs, outputs: [sum], attributes: { transB: { int: transB } } });
    nodes.push(...activationNodes(activationOp(spec), sum, output));
    value = output;
  };

  if (part !== "decoder") {
    if (mean) {
      add("IsNaN", [value]);
      add("Where", [value, "missing.mean", input]);
    }
    if (center) {
      add("Sub", [value, "scaler.center"]);
      add("Div", [value, "scaler.scale"]);
    }
    layout.weights.forEach((weight, i) => {
      const output = i === depth - 1 ? "code" : `encoder.${i}`;
      stage(weight, 1, layout.encoderBiases[i], encoderActivations[i] as ActivationSpec, output);
    });
  }
  if (part !== "encoder") {
    for (let i = depth - 1; i >= 0; i--) {
      const output = i > 0 || center ? `decoder.${i}` : "reconstruction";
      const activation = decoderActivations[depth - 1 - i] as ActivationSpec;
      stage(layout.weights[i] as Tensor, 0, layout.decoderBiases[i], activation, output);
    }
    if (center) {
      add("Mul", [value, "scaler.scale"]);
      add("Add", [value, "scaler.center"], "reconstruction");
    }
  }

  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = [
    ...layout.tensors.map(({ name, shape, offset, length }) => ({
      name,
      shape,
      data: parameters.subarray(offset, offset + length),
    })),
    ...Object.entries(preparation).map(([name, data]) => ({ name, shape: [data.length], data })),
  ].filter(({ name }) => used.has(name));
  const shaped = (name: string) => ({
    name,
    shape: ["batch", (name === "code" ? layers[depth] : layers[0]) as number],
  });
  return encodeOnnx(
    { name: part, inputs: [shaped(input)], outputs: [shaped(value)], initializers, nodes },
    {
      producer: "tied-autoencoder",
      metadata: { format: "tied-autoencoder", config: JSON.stringify(config) },
    },
  );
}
