// A PyTorch state dict, saved as safetensors, as a model of either form.

import { onlyKeys, record } from "../../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import type { Autoencoder } from "../autoencoder-base.ts";
import type { ModelConfig } from "../config.ts";

export interface StateDictOptions {
  /**
   * What the file does not say: activations, loss, optimizer, and where the model runs. Layers and biases
   * are the file's; given here, they must agree with it.
   */
  config?: Partial<ModelConfig>;
  /**
   * The file's name of each tensor by ours, `{ "encoder.0.weight": "enc.fc.weight", … }`, for names that
   * are not recognized. Tensors it does not mention are left alone; `decoder.{i}.weight` may be among those
   * it does, and must then be the transpose of `encoder.{i}.weight`.
   */
  map?: Readonly<Record<string, string>>;
}

/** See from-state-dict.ts; `create` makes the model of the entry. */
export async function modelFromStateDict<Model extends Autoencoder>(
  create: (config: ModelConfig) => Promise<Model>,
  bytes: Uint8Array,
  options: StateDictOptions | undefined,
): Promise<Model> {
  const settings = record("fromStateDict's options", options) as StateDictOptions;
  onlyKeys("fromStateDict", settings, ["config", "map"]);
  const config = record("config", settings.config);
  if (!(bytes instanceof Uint8Array)) {
    throw new InvalidTypeError(
      `fromStateDict needs the file's bytes as a Uint8Array; got ${show(bytes)}.`,
    );
  }
  const { readStateDict } = await import("./state-dict-read.ts");
  const { layers, weights } = readStateDict(bytes, settings.map);
  const has = (side: "encoder" | "decoder") => `${side}.0.bias` in weights;
  const found = { layers, bias: has("encoder"), decoderBias: has("decoder") };
  for (const [key, value] of Object.entries(found)) {
    if (config[key] !== undefined && String(config[key]) !== String(value)) {
      throw new InvalidValueError(
        `The file has ${key} ${show(value)}; config says ${show(config[key])}.`,
      );
    }
  }
  const model = await create({ ...config, ...found });
  model.setWeights(weights);
  return model;
}
