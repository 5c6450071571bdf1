// A model as a folder that PyTorch can run and train, on one machine or many. This module only returns the names and contents
// of the files, and the command line writes them. The main entry does not contain it.

import type { TiedAutoencoder } from "../autoencoder.ts";
import { InvalidValueError, show } from "../errors.ts";
import type { ResolvedConfig } from "../model/config.ts";
import { longForm } from "../options.ts";
import { modulePy, supported } from "./module.ts";
import { trainDdpPy } from "./train-ddp.ts";

/**
 * The files by name: the model as `TiedAutoencoder.load` reads it (also after training in PyTorch), a module that needs only
 * torch, and a script for torchrun, which also needs numpy. The optimizer starts without state there.
 * @throws InvalidValueError for a model with a part that the module does not have, such as the loss "mixed".
 */
export function encodePyTorch(model: TiedAutoencoder): Record<string, string | Uint8Array> {
  checkSupported(model.config);
  return {
    "model.safetensors": model.save(),
    "tied_autoencoder.py": modulePy,
    "train_ddp.py": trainDdpPy,
  };
}

function checkSupported(config: ResolvedConfig): void {
  const { constraint, scaler } = config;
  const used = {
    activation: [...config.encoderActivations, ...config.decoderActivations],
    loss: [config.loss],
    optimizer: [config.optimizer],
    code: [config.code],
    penalty: config.penalties,
    constraint: constraint === undefined ? [] : [constraint],
    scaler: scaler === undefined ? [] : [scaler],
  } satisfies Record<keyof typeof supported, readonly (string | { readonly type: string })[]>;
  for (const [kind, specs] of Object.entries(used)) {
    const names: readonly string[] = supported[kind as keyof typeof supported];
    for (const spec of specs) {
      const { type } = longForm<{ readonly type: string }>(spec);
      if (names.includes(type)) continue;
      throw new InvalidValueError(
        `The PyTorch folder does not have the ${kind} ${show(type)}. ONNX has the model as it answers: toOnnx().`,
      );
    }
  }
}
