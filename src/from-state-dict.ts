// Makes a model from a PyTorch state dict that was saved as safetensors by
// `safetensors.torch.save_file(model.state_dict(), path)`. Pickles are not supported.

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
 * Makes a model from a state dict with weights [out, in], as in nn.Linear, of type F32, F64, F16 or BF16.
 *
 * It recognizes the names `encoder.0.weight`, `encoder.0.bias`, `decoder.0.bias`, `W.0`, `b.0` and `c.0`, with any prefix.
 * Numbers may have gaps, as in nn.Sequential, and a single layer may have no number. The decoder's layers may be numbered
 * from the code, as in nn.Sequential, or from the input, as in this package. The shapes determine the order.
 *
 * The additional tensors of this package's PyTorch module are read too: the second head of a gaussian code, scales, means,
 * thresholds and counts. For a sparse code, `config` must contain the code with its `k`.
 *
 * Tied top-k dictionaries of OpenAI's sparse_autoencoder and of EleutherAI's sae.safetensors are recognized too. `config`
 * must contain the code, `{ type: "topK", k }`; the code is centered. If the other program scales rows before its encoder,
 * the caller must scale them.
 * @throws FormatError for a file that is not such a model or whose decoder is not tied.
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

/** The options that follow from the names of the tensors and that the caller did not give. */
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
      `The file is of a sparse code and does not contain the number of kept units; config's code is ${show(code)}. Give it with config: { code: { type: "topK", k } } or "batchTopK".`,
    );
  }
  return {
    // Both scalers compute (x - center) / scale, and differ only in how they learn the two.
    ...(has("scaler.") && config.scaler === undefined ? { scaler: "standard" } : {}),
    ...(has("missing.") && (config.missing ?? "error") === "error" ? { missing: "mean" } : {}),
    ...(isGaussian && config.code === undefined ? { code: "gaussian" } : {}),
  };
}

/** The code of a dictionary: centered, with the `k` of the caller. */
function inferDictionary({ code }: Partial<ModelConfig>): Partial<ModelConfig> {
  const isSparse = typeof code === "object" && (code.type === "topK" || code.type === "batchTopK");
  if (!isSparse) {
    throw new InvalidValueError(
      `The file is a dictionary and does not contain the number of kept units; config's code is ${show(code)}. Give it with config: { code: { type: "topK", k } }. For a dictionary with relu only, k is the number of all units.`,
    );
  }
  if (code.centered === false) {
    throw new InvalidValueError(
      "The file is a dictionary that subtracts its bias from the input; config says code.centered false.",
    );
  }
  return { code: { ...code, centered: true } };
}

/** The same model with the additional tensors of the file. */
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
