// A model as a folder that PyTorch can run and train, on one machine or many. This module only returns the names and contents
// of the files, and the command line writes them. The main entry does not contain it.

import type { TiedAutoencoder } from "../autoencoder.ts";
import { InvalidValueError } from "../errors.ts";
import { longForm } from "../options.ts";
import { modulePy } from "./module.ts";
import { trainDdpPy } from "./train-ddp.ts";

/**
 * The files by name: the model as `TiedAutoencoder.load` reads it (also after training in PyTorch), a module that needs only
 * torch, and a script for torchrun, which also needs numpy. The optimizer starts without state there.
 * @throws InvalidValueError for a model with the loss "mixed", which the module does not have.
 */
export function encodePyTorch(model: TiedAutoencoder): Record<string, string | Uint8Array> {
  const { loss } = model.config;
  if (longForm(loss).type === "mixed") {
    throw new InvalidValueError(
      'The PyTorch folder does not have the loss "mixed". ONNX has the model as it answers: toOnnx().',
    );
  }
  return {
    "model.safetensors": model.save(),
    "tied_autoencoder.py": modulePy,
    "train_ddp.py": trainDdpPy,
  };
}
