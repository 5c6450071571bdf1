// A PyTorch state dict, saved as safetensors, as the configuration and the weights of a model.

import type { ModelConfig } from "../model/config.ts";

/** What `fromStateDict` cannot read from the file. */
export interface StateDictOptions {
  /**
   * What the file does not say: activations, loss, optimizer, and where the model runs. Layers and biases
   * are the file's; given here, they must agree with it. Default: the defaults of a model.
   */
  config?: Partial<ModelConfig>;
  /**
   * The file's name of each tensor by ours, `{ "encoder.0.weight": "enc.fc.weight", … }`, for names that
   * are not recognized. Tensors it does not mention are left alone; `decoder.{i}.weight` may be among those
   * it does, and must then be the transpose of `encoder.{i}.weight`. Default: names are recognized.
   */
  map?: Readonly<Record<string, string>>;
}
