// The tied autoencoder in float64, in plain loops, straight from its definition: the reference that
// finite differences are taken of. It shares nothing with src/ but the configuration's shape.

import type { ActivationSpec, NamedWeights, ResolvedConfig } from "../../../src/index.ts";
import { activations } from "./activations.ts";
import { losses } from "./losses.ts";

type Weights = Record<string, { data: ArrayLike<number> }>;

/** Mean loss of a batch plus penalties. `x` and `target` are row-major with layers[0] columns. */
export function referenceLoss(
  config: ResolvedConfig,
  weights: Weights | NamedWeights,
  x: ArrayLike<number>,
  target: ArrayLike<number> = x,
): number {
  const { layers, loss } = config;
  const depth = layers.length - 1;
  const width = layers[0]!;
  const lossName = typeof loss === "string" ? loss : loss.type;
  const lossParameter =
    typeof loss === "string"
      ? 0
      : ("delta" in loss ? loss.delta : 0) || ("beta" in loss ? loss.beta : 0) || 0;
  let sum = 0;
  for (let row = 0; row < x.length / width; row++) {
    let h = Array.from({ length: width }, (_, j) => x[row * width + j]!);
    for (let i = 0; i < depth; i++) {
      const z = affine(h, weights, i, layers[i]!, layers[i + 1]!, true);
      h = z.map((value) => act(config.encoderActivations[i]!, value));
    }
    for (let i = depth - 1; i >= 0; i--) {
      const z = affine(h, weights, i, layers[i]!, layers[i + 1]!, false);
      const takesLogits = i === 0 && lossName === "bce";
      h = takesLogits ? z : z.map((value) => act(config.decoderActivations[depth - 1 - i]!, value));
    }
    h.forEach((y, j) => {
      sum += losses[lossName].value(y, target[row * width + j]!, lossParameter);
    });
  }
  let penalty = 0;
  for (let i = 0; i < depth; i++) {
    for (const w of Array.from(weights[`encoder.${i}.weight`]!.data)) {
      penalty += config.l1 * Math.abs(w) + config.l2 * w * w;
    }
  }
  return sum / x.length + penalty;
}

/** h Wᵀ + b on the way in, h W + c on the way out; W is [units, inputs]. */
function affine(
  h: number[],
  weights: Weights,
  layer: number,
  inputs: number,
  units: number,
  encodes: boolean,
): number[] {
  const w = weights[`encoder.${layer}.weight`]!.data;
  const bias = weights[`${encodes ? "encoder" : "decoder"}.${layer}.bias`]?.data;
  return Array.from({ length: encodes ? units : inputs }, (_, j) => {
    let z = bias?.[j] ?? 0;
    h.forEach((value, k) => {
      z += value * (encodes ? w[j * inputs + k]! : w[k * inputs + j]!);
    });
    return z;
  });
}

function act(spec: ActivationSpec, z: number): number {
  if (typeof spec === "string") return activations[spec].act(z, 0);
  const parameter = ("slope" in spec ? spec.slope : 0) || ("alpha" in spec ? spec.alpha : 0) || 0;
  return activations[spec.type].act(z, parameter);
}
