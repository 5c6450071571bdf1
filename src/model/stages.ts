// The network as a row of stages, each a linear map and its activation. A model of n layers has 2n:
// stage s < n encodes with weight s, stage 2n-1-i decodes with weight i. The decoder has no weights of
// its own; stages s and 2n-1-s name the same weight and the same gradient.

import { gradientNeedsInput } from "../../assembly/ops.ts";
import {
  type ActivationName,
  activationOp,
  type ResolvedConfig,
  type ResolvedOp,
} from "./config.ts";
import type { ParameterLayout, Tensor } from "./layout.ts";

/** Addresses are bytes in the arena; 0 stands for no bias. */
export interface Stage {
  /** Multiplies by Wᵀ (encoder) rather than by W (decoder). */
  readonly encodes: boolean;
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: number;
  readonly bias: number;
  readonly dWeight: number;
  readonly dBias: number;
  readonly activation: ResolvedOp<ActivationName>;
  /** The derivative is taken at the pre-activation, which must then be kept beside the output. */
  readonly keepsInput: boolean;
}

/** The stages of a model whose parameters and gradients stand at these addresses. */
export function buildStages(
  config: ResolvedConfig,
  layout: ParameterLayout,
  parameters: number,
  gradients: number,
): readonly Stage[] {
  const depth = layout.weights.length;
  const stage = (layer: number, encodes: boolean): Stage => {
    const weight = layout.weights[layer] as Tensor;
    const [units = 0, inputs = 0] = weight.shape;
    const bias = (encodes ? layout.encoderBiases : layout.decoderBiases)[layer];
    const activation = activationOp(
      (encodes ? config.encoderActivations[layer] : config.decoderActivations[depth - 1 - layer]) ??
        "linear",
    );
    return {
      encodes,
      inputs: encodes ? inputs : units,
      outputs: encodes ? units : inputs,
      weight: parameters + weight.offset * 4,
      bias: bias ? parameters + bias.offset * 4 : 0,
      dWeight: gradients + weight.offset * 4,
      dBias: bias ? gradients + bias.offset * 4 : 0,
      activation,
      keepsInput: gradientNeedsInput(activation.code, activation.parameter),
    };
  };
  const layers = Array.from({ length: depth }, (_, i) => i);
  return [...layers.map((i) => stage(i, true)), ...layers.reverse().map((i) => stage(i, false))];
}
