// A PyTorch state dict, saved as safetensors, as a model. Reads no pickles:
// `safetensors.torch.save_file(model.state_dict(), path)` writes what this reads.

import { TiedAutoencoder } from "./autoencoder.ts";
import { onlyKeys, record } from "./checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "./errors.ts";
import type { StateDictOptions } from "./exchange/state-dict.ts";

/**
 * Makes a model from a state dict. Recognized are `encoder.0.weight` (numbers may have gaps, as in
 * nn.Sequential, and leave out 0 for a single layer), `encoder.0.bias`, `decoder.0.bias`, `W.0`, `b.0` and
 * `c.0`, with any prefix. A decoder may count from the code, as nn.Sequential does, or from the input, as we
 * do; shapes tell. Weights are [out, in] as in nn.Linear, of F32, F64, F16 or BF16.
 * @throws FormatError for a file that is no such model or whose decoder is not tied.
 */
export async function fromStateDict(
  bytes: Uint8Array,
  options?: StateDictOptions,
): Promise<TiedAutoencoder> {
  const settings = record("fromStateDict's options", options) as StateDictOptions;
  onlyKeys("fromStateDict", settings, ["config", "map"]);
  const config = record("config", settings.config);
  if (!(bytes instanceof Uint8Array)) {
    throw new InvalidTypeError(
      `fromStateDict needs the file's bytes as a Uint8Array; got ${show(bytes)}.`,
    );
  }
  const { readStateDict } = await import("./exchange/state-dict-read.ts");
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
  const model = await TiedAutoencoder.create({ ...config, ...found });
  model.setWeights(weights);
  return model;
}
