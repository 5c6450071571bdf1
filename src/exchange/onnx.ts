// Writes a model as an ONNX graph of encode, decode or reconstruct, including the replacement of missing values and
// scaling. Every tied weight is one initializer. The encoder uses its transpose.

import type { OwnBytes } from "../arrays.ts";
import { boolean, choice, onlyKeys, record } from "../checks.ts";
import { InvalidValueError, show } from "../errors.ts";
import { encodeOnnx } from "../formats/onnx.ts";
import { Gaussian } from "../layers/gaussian.ts";
import { OnnxWriter } from "../layers/onnx-writer.ts";
import type { Engine } from "../model/engine.ts";
import { longForm } from "../options.ts";

/** The part of a model in a file. `"reconstruction"` is both halves. */
export type OnnxPart = "encoder" | "decoder" | "reconstruction";

/** Options of `toOnnx`. */
export interface OnnxOptions {
  /** The part of the model to write. Default `"reconstruction"`: both halves. */
  part?: OnnxPart;
  /**
   * Whether the encoder of a gaussian code also has the output `logVariance` [batch, code units], besides the mean,
   * which is `code`. Default false.
   */
  heads?: boolean;
}

/**
 * The model as an ONNX file (opset 17, float32, any number of rows): `input` → `reconstruction`, or with `part` one half
 * of it, `input` → `code` or `code` → `reconstruction`. All values are [batch, units], in the units of the data. Each tied
 * weight is stored once.
 * @throws InvalidStateError if a scaler is configured and not fitted.
 */
export function toOnnx(engine: Engine, options?: OnnxOptions): OwnBytes {
  engine.preparation.requireFitted();
  const { network } = engine;
  const { config, parameters, buffers, preparation = {} } = engine.state.snapshot(false);
  const settings = record("toOnnx's options", options);
  onlyKeys("toOnnx", settings, ["part", "heads"]);
  const parts: OnnxPart[] = ["encoder", "decoder", "reconstruction"];
  const part = choice("part", settings.part ?? "reconstruction", parts);
  const heads = boolean("heads", settings.heads ?? false) ? gaussianOf(engine, part) : undefined;
  const input = part === "decoder" ? "code" : "input";
  const output = part === "encoder" ? "code" : "reconstruction";
  const { "scaler.center": center, "missing.mean": mean } = preparation;
  const write = new OnnxWriter();
  let value: string = input;

  if (part !== "decoder") {
    if (mean) value = write.add("Where", [write.add("IsNaN", [value]), "missing.mean", value]);
    if (center) {
      // The centre is subtracted in two parts, because ONNX computes in float32 and columns may be far from 0.
      const near = write.add("Sub", [value, "scaler.center"]);
      const centered = write.add("Sub", [near, CENTER_REST]);
      value = write.add("Div", [centered, "scaler.scale"]);
    }
    for (const layer of network.layers.slice(0, network.codeEnd)) {
      if (layer === heads) heads.logVarianceOnnx(write, value, "logVariance");
      value = layer.onnx(write, value, layer.name);
    }
    value = write.named(value, "code");
  }
  if (part !== "encoder") {
    for (const layer of network.layers.slice(network.codeEnd)) {
      value = layer.onnx(write, value, layer.name);
    }
    if (center) {
      value = write.add("Mul", [value, "scaler.scale"]);
      value = write.add("Add", [value, "scaler.center"]);
    }
    value = write.named(value, "reconstruction");
  }

  const used = new Set(write.nodes.flatMap(({ inputs }) => inputs));
  const initializers = [
    ...network.layout.tensors.map(({ name, shape, offset, length }) => ({
      name,
      shape,
      data: parameters.subarray(offset, offset + length),
    })),
    ...Object.entries({ ...preparation, ...rest(center), ...buffers }).map(([name, data]) => ({
      name,
      shape: [data.length],
      data: Float32Array.from(data),
    })),
  ].filter(({ name }) => used.has(name));
  const shaped = (name: string) => ({
    name,
    shape: [
      "batch",
      (name === "code" || name === "logVariance" ? config.layers.at(-1) : config.layers[0]) ?? 0,
    ],
  });
  return encodeOnnx(
    {
      name: part,
      inputs: [shaped(input)],
      outputs: [shaped(output), ...(heads ? [shaped("logVariance")] : [])],
      initializers,
      nodes: write.nodes,
    },
    {
      producer: "tied-autoencoder",
      metadata: { format: "tied-autoencoder", config: JSON.stringify(config) },
    },
  );
}

/** The rounding error of the scaler's centre in float32. */
const CENTER_REST = "scaler.centerRest";

function rest(center: Float64Array | undefined): Record<string, Float64Array> {
  return center ? { [CENTER_REST]: center.map((value) => value - Math.fround(value)) } : {};
}

/** The layer with two heads. @throws InvalidValueError if there is none, or if the part does not contain it. */
function gaussianOf({ config, network }: Engine, part: OnnxPart): Gaussian {
  const layer = network.layers[network.codeEnd - 1];
  if (!(layer instanceof Gaussian)) {
    throw new InvalidValueError(
      `heads needs a gaussian code, which has two; this model's code is ${show(longForm(config.code).type)}. Leave it out.`,
    );
  }
  if (part === "encoder") return layer;
  throw new InvalidValueError(`heads goes with part: "encoder"; got part: ${show(part)}.`);
}
