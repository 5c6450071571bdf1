// The options for reading a PyTorch state dict that was saved as safetensors.

import type { ModelConfig } from "../model/config.ts";

/** Options of `fromStateDict`: information that the file does not contain. */
export interface StateDictOptions {
  /**
   * Activations, loss, optimizer, and the options that configure where the model runs. Layers and biases come from the
   * file. If they are given here, they must agree with the file. Default: the defaults of a model.
   */
  config?: Partial<ModelConfig>;
  /**
   * The name of each tensor in the file by its name in this package, `{ "encoder.0.weight": "enc.fc.weight", … }`, for
   * names that are not recognized. Tensors that it does not mention are ignored. If it contains `decoder.{i}.weight`,
   * that must be the transpose of `encoder.{i}.weight`. Default: names are recognized.
   */
  map?: Readonly<Record<string, string>>;
}
