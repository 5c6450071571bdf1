// How parameters start. Draws come from the core's counter-based generator, keyed by the seed and the
// tensor's place, so a model starts with the same bits on every host.

import type { Arena } from "../../core/arena.ts";
import type { KernelExports } from "../../core/generated/exports.ts";
import type { ParameterLayout, Tensor } from "../layout.ts";
import { type Seed, Stream } from "../seed.ts";
import { orthogonalize } from "./orthogonal.ts";

export type InitializerName =
  | "torchLinear"
  | "xavierUniform"
  | "xavierNormal"
  | "heUniform"
  | "heNormal"
  | "orthogonal";

export const initializerNames: readonly InitializerName[] = [
  "torchLinear",
  "xavierUniform",
  "xavierNormal",
  "heUniform",
  "heNormal",
  "orthogonal",
];

/**
 * Fills the block of parameters at `address`.
 *
 * `torchLinear` is what nn.Linear draws: weights and biases uniform in ±1/√fan-in, the decoder's bias
 * with the fan-in of the decoder's map. The others draw weights as in the papers they are named after
 * (Glorot & Bengio 2010; He et al. 2015, gain √2; Saxe et al. 2014) and start biases at zero.
 */
export function initializeParameters(
  kernels: KernelExports,
  arena: Arena,
  address: number,
  layout: ParameterLayout,
  initializer: InitializerName,
  seed: Seed,
): void {
  kernels.fill(layout.blockLength, address, 0);
  const at = (tensor: Tensor) => address + tensor.offset * 4;
  const uniform = (tensor: Tensor, bound: number) =>
    kernels.randomUniform(
      tensor.length,
      at(tensor),
      0,
      -bound,
      bound,
      seed.low,
      seed.high,
      layout.tensors.indexOf(tensor),
      Stream.initial,
    );
  const normal = (tensor: Tensor, deviation: number) =>
    kernels.randomNormal(
      tensor.length,
      at(tensor),
      0,
      0,
      deviation,
      seed.low,
      seed.high,
      layout.tensors.indexOf(tensor),
      Stream.initial,
    );

  layout.weights.forEach((weight, i) => {
    const [units = 1, inputs = 1] = weight.shape;
    switch (initializer) {
      case "torchLinear": {
        uniform(weight, 1 / Math.sqrt(inputs));
        const encoderBias = layout.encoderBiases[i];
        const decoderBias = layout.decoderBiases[i];
        if (encoderBias) uniform(encoderBias, 1 / Math.sqrt(inputs));
        if (decoderBias) uniform(decoderBias, 1 / Math.sqrt(units));
        break;
      }
      case "xavierUniform":
        uniform(weight, Math.sqrt(6 / (inputs + units)));
        break;
      case "xavierNormal":
        normal(weight, Math.sqrt(2 / (inputs + units)));
        break;
      case "heUniform":
        uniform(weight, Math.sqrt(6 / inputs));
        break;
      case "heNormal":
        normal(weight, Math.sqrt(2 / inputs));
        break;
      case "orthogonal":
        normal(weight, 1);
        orthogonalize(arena.view(at(weight), weight.length), units, inputs);
        break;
    }
  });
}
