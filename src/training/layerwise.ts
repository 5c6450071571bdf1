// Layer-wise pretraining (the idea of Hinton & Salakhutdinov 2006, the method of Vincent et al. 2010). Each encoding layer
// and its mirrored decoding layer are trained as a model of one layer, on the codes of the layers before. The one-layer
// model has the activations and the constraint of the two layers. Its weight and its biases are then copied to the whole
// model. Of the penalties, only l1 and l2 are used. A sparse or a gaussian code is trained as a dense code.

import { type ConstraintSpec, constraints } from "../constraints/index.ts";
import { type LossConfig, lossFunction } from "../losses/index.ts";
import type { ModelConfig, ResolvedConfig } from "../model/config.ts";
import { longForm } from "../options.ts";
import type { AbortSignalLike } from "./fit-options.ts";
import type { CorruptionSpec } from "./noise/index.ts";

/** Layer-wise pretraining (Hinton & Salakhutdinov 2006; Bengio et al. 2007). */
export interface LayerwiseOptions {
  /** Chooses layer-wise pretraining. */
  method: "layerwise";
  /** The number of epochs for each layer. Default 10. */
  epochs?: number;
  /** The number of rows per step. Default 32. */
  batchSize?: number;
  /** The learning rate. Default: the learning rate of the model's optimizer. */
  learningRate?: number;
  /** Noise on the input of each layer, as in `fit`. Default: none. */
  corruption?: CorruptionSpec;
  /** Aborting rejects with `signal.reason` after the current step. Finished layers keep their weights. Default: none. */
  signal?: AbortSignalLike;
}

/** Options of a start from principal components. */
export interface PcaOptions {
  /** Chooses the principal components of each layer's input. */
  method: "pca";
  /** Aborting rejects with `signal.reason`. Finished layers keep their weights. Default: none. */
  signal?: AbortSignalLike;
}

/** The configuration of the one-layer model for layer `i` of a model. */
export function layerConfig(config: ResolvedConfig, i: number, learningRate?: number): ModelConfig {
  const depth = config.layers.length - 1;
  const encoder = config.encoderActivations[i] ?? "linear";
  const decoder = config.decoderActivations[depth - 1 - i] ?? "linear";
  const { optimizer, bias, decoderBias, initializer, l1, l2, seed, gradient } = config;
  return {
    layers: [config.layers[i] ?? 0, config.layers[i + 1] ?? 0],
    encoderActivations: [encoder],
    decoderActivations: [decoder],
    bias,
    decoderBias,
    loss: layerLoss(config.loss, i),
    optimizer: learningRate === undefined ? optimizer : { ...optimizer, learningRate },
    initializer,
    l1,
    l2,
    seed: seed + i,
    gradient,
    ...layerConstraint(config, i),
    // The outermost layer reads the data, which may need scaling. Codes are finite and need no preparation.
    ...(i === 0 && config.scaler ? { scaler: config.scaler } : {}),
    missing: i === 0 ? config.missing : "error",
  };
}

/** The constraint, if it holds for layer `i`. */
function layerConstraint(
  { constraint }: ResolvedConfig,
  i: number,
): { constraint?: ConstraintSpec } {
  if (constraint === undefined) return {};
  const options = longForm(constraint);
  if (i > 0 && constraints.of(options).isOutermost) return {};
  return { constraint: options as ConstraintSpec };
}

/** A loss that requires an output activation fits the data only. Codes of hidden layers use mse instead. */
function layerLoss(loss: LossConfig, i: number): LossConfig {
  return i > 0 && lossFunction(loss).output !== undefined ? "mse" : loss;
}
