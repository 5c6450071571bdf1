// Layer-wise pretraining (Hinton & Salakhutdinov 2006 in purpose, Vincent et al. 2010 in method): each pair of
// neighbouring layers is trained as a model of one layer on the codes of the layers before, with the activations that
// the two have in the whole and under its constraint; its weight and both biases are then the whole model's. Of the terms
// beside the loss, l1 and l2 take part; a sparse or a gaussian code is trained as a dense one.

import { type ConstraintSpec, constraints } from "../constraints/index.ts";
import { type LossConfig, lossFunction } from "../losses/index.ts";
import type { ModelConfig, ResolvedConfig } from "../model/config.ts";
import { longForm } from "../options.ts";
import type { AbortSignalLike } from "./fit-options.ts";
import type { CorruptionSpec } from "./noise/index.ts";

/** Layer-wise pretraining (Hinton & Salakhutdinov 2006; Bengio et al. 2007). */
export interface LayerwiseOptions {
  /** Starts from layer-wise pretraining. */
  method: "layerwise";
  /** Epochs for each layer. Default 10. */
  epochs?: number;
  /** Rows a step. Default 32. */
  batchSize?: number;
  /** Learning rate. Default: that of the model's optimizer. */
  learningRate?: number;
  /** Noise on the input of each layer, as `fit` takes it. Default: none. */
  corruption?: CorruptionSpec;
  /** Aborting rejects with `signal.reason` after the step under way; layers that were finished stay as they are. Default: none. */
  signal?: AbortSignalLike;
}

/** A start from principal components. */
export interface PcaOptions {
  /** Starts from the principal components of what enters each layer. */
  method: "pca";
  /** Aborting rejects with `signal.reason`; layers that were finished stay as they are. Default: none. */
  signal?: AbortSignalLike;
}

/** The one-layer model that stands for layer `i` of a model. */
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
    // The outermost layer sees the data as they are; codes are finite and need no preparation.
    ...(i === 0 && config.scaler ? { scaler: config.scaler } : {}),
    missing: i === 0 ? config.missing : "error",
  };
}

/** The constraint, where it holds for layer `i`. */
function layerConstraint(
  { constraint }: ResolvedConfig,
  i: number,
): { constraint?: ConstraintSpec } {
  if (constraint === undefined) return {};
  const options = longForm(constraint);
  if (i > 0 && constraints.of(options).isOutermost) return {};
  return { constraint: options as ConstraintSpec };
}

/** A loss that asks for an output is made for the data. Codes of hidden layers are plain numbers. */
function layerLoss(loss: LossConfig, i: number): LossConfig {
  return i > 0 && lossFunction(loss).output !== undefined ? "mse" : loss;
}
