// A PyTorch state dict, saved as safetensors, as a model. Reads no pickles:
// `safetensors.torch.save_file(model.state_dict(), path)` writes what this reads.

import { TiedAutoencoder } from "../autoencoder.ts";
import { modelFromStateDict, type StateDictOptions } from "./state-dict.ts";

/**
 * Makes a model from a state dict. Recognized are `encoder.0.weight` (numbers may have gaps, as in
 * nn.Sequential, and leave out 0 for a single layer), `encoder.0.bias`, `decoder.0.bias`, `W.0`, `b.0` and
 * `c.0`, with any prefix. A decoder may count from the code, as nn.Sequential does, or from the input, as we
 * do; shapes tell. Weights are [out, in] as in nn.Linear, of F32, F64, F16 or BF16.
 * @throws FormatError for a file that is no such model or whose decoder is not tied.
 */
export function fromStateDict(
  bytes: Uint8Array,
  options?: StateDictOptions,
): Promise<TiedAutoencoder> {
  return modelFromStateDict(TiedAutoencoder.create, bytes, options);
}
