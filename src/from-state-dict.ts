// A PyTorch state dict, saved as safetensors, as a model. Reads no pickles:
// `safetensors.torch.save_file(model.state_dict(), path)` writes what this reads.

import { TiedAutoencoder } from "./autoencoder.ts";
import { onlyKeys, record } from "./checks.ts";
import { InvalidValueError, show } from "./errors.ts";
import type { StateDictOptions } from "./exchange/state-dict.ts";
import { decodeSafetensors } from "./formats/safetensors.ts";
import { packSafetensors } from "./formats/safetensors-pack.ts";
import type { NamedTensor, SafeTensor } from "./formats/safetensors-types.ts";
import { ROWS_SINCE_ACTIVE } from "./layers/sparse-encoder.ts";
import { type ModelConfig, runtimeOptions } from "./model/config.ts";
import { longForm } from "./options.ts";
import { bytesOf } from "./platform/tags.ts";

/**
 * Makes a model from a state dict. Recognized are `encoder.0.weight` (numbers may have gaps, as in
 * nn.Sequential, and leave out 0 for a single layer), `encoder.0.bias`, `decoder.0.bias`, `W.0`, `b.0` and
 * `c.0`, with any prefix. A decoder may count from the code, as nn.Sequential does, or from the input, as we
 * do; shapes tell. Weights are [out, in] as in nn.Linear, of F32, F64, F16 or BF16. What the PyTorch module of this
 * package holds beside weights comes along: the second head of a gaussian code, scales, means, thresholds and counts;
 * `config` says how many units of a sparse code stay. Tied top-k dictionaries of OpenAI's sparse_autoencoder and
 * EleutherAI's sae.safetensors are recognized too: `config` says the code, `{ type: "topK", k }`, which is centered; rows
 * that the other program scales before its encoder, the caller scales.
 * @throws FormatError for a file that is no such model or whose decoder is not tied.
 */
export async function fromStateDict(
  bytes: Uint8Array,
  options?: StateDictOptions,
): Promise<TiedAutoencoder> {
  const settings = record("fromStateDict's options", options) as StateDictOptions;
  onlyKeys("fromStateDict", settings, ["config", "map"]);
  const config = record("config", settings.config);
  const file = bytesOf("fromStateDict's file", bytes);
  const { readStateDict } = await import("./exchange/state-dict-read.ts");
  const { layers, weights, beside, isDictionary } = readStateDict(file, settings.map);
  const has = (side: "encoder" | "decoder") => `${side}.0.bias` in weights;
  const found = { layers, bias: has("encoder"), decoderBias: has("decoder") };
  for (const [key, value] of Object.entries(found)) {
    if (config[key] !== undefined && String(config[key]) !== String(value)) {
      throw new InvalidValueError(
        `The file has ${key} ${show(value)}; config says ${show(config[key])}.`,
      );
    }
  }
  const inferred = isDictionary
    ? inferDictionary(config)
    : inferFamily(config, Object.keys(weights), [...beside.keys()]);
  const full: ModelConfig = { ...config, ...inferred, ...found };
  const model = await TiedAutoencoder.create(full);
  model.setWeights(weights);
  return beside.size === 0 ? model : withBeside(model, beside, full);
}

/** What the file's other tensors say of the configuration, where the caller does not. */
function inferFamily(
  config: Partial<ModelConfig>,
  weights: readonly string[],
  beside: readonly string[],
): Partial<ModelConfig> {
  const has = (prefix: string) => beside.some((name) => name.startsWith(prefix));
  const code = config.code === undefined ? "dense" : longForm(config.code).type;
  const isGaussian = weights.some((name) => name.includes("logVariance"));
  if (has("code.") && code !== "topK" && code !== "batchTopK") {
    throw new InvalidValueError(
      `The file is of a sparse code, and does not say how many units stay; config's code is ${show(code)}. Say it with config: { code: { type: "topK", k } } or "batchTopK".`,
    );
  }
  return {
    // Both scalers compute (x - center) / scale, and differ only in how they learn the two.
    ...(has("scaler.") && config.scaler === undefined ? { scaler: "standard" } : {}),
    ...(has("missing.") && (config.missing ?? "error") === "error" ? { missing: "mean" } : {}),
    ...(isGaussian && config.code === undefined ? { code: "gaussian" } : {}),
  };
}

/** The code of a dictionary: centered, with as many units as the caller says. */
function inferDictionary({ code }: Partial<ModelConfig>): Partial<ModelConfig> {
  const isSparse = typeof code === "object" && (code.type === "topK" || code.type === "batchTopK");
  if (!isSparse) {
    throw new InvalidValueError(
      `The file is a dictionary and does not say how many units stay; config's code is ${show(code)}. Say it with config: { code: { type: "topK", k } }; k of all units for one with relu alone.`,
    );
  }
  if (code.centered === false) {
    throw new InvalidValueError(
      "The file is a dictionary that takes its bias out of the input; config says code.centered false.",
    );
  }
  return { code: { ...code, centered: true } };
}

/** The same model with what the file holds beside weights. */
async function withBeside(
  model: TiedAutoencoder,
  beside: ReadonlyMap<string, SafeTensor>,
  config: ModelConfig,
): Promise<TiedAutoencoder> {
  const { tensors, metadata } = decodeSafetensors(model.save());
  model.dispose();
  const all = new Map([...tensors, ...beside]);
  const named = [...all].map(([name, tensor]): NamedTensor => {
    // PyTorch counts in int64.
    const data = name === ROWS_SINCE_ACTIVE ? Uint32Array.from(tensor.data, Number) : undefined;
    return (
      data ? { name, dtype: "U32", shape: tensor.shape, data } : { name, ...tensor }
    ) as NamedTensor;
  });
  return TiedAutoencoder.load(packSafetensors(named, metadata), runtimeOptions(config));
}
