// The initializers of parameters. Random values come from the core's counter-based generator and depend on the seed and
// the index of the tensor. So a model starts with the same bits on every host.

import type { Arena } from "../../core/arena.ts";
import type { KernelExports } from "../../core/generated/exports.ts";
import type { Address, ParameterSpec } from "../../layers/layer.ts";
import { type Seed, Stream } from "../../math/seed.ts";
import { type Definition, type NameOf, Registry } from "../../options.ts";
import type { ParameterLayout } from "../parameters.ts";
import { orthogonalize } from "./orthogonal.ts";

/** Draws the values of one tensor. */
interface Draw {
  uniform(bound: number): void;
  normal(deviation: number): void;
  /** Makes the rows orthonormal, or the columns if there are more rows than columns. */
  orthogonalize(): void;
}

interface Initializer<Type extends string> extends Definition<Type, object> {
  /** Draws a weight [units, inputs]. */
  weight(draw: Draw, units: number, inputs: number): void;
  /** Draws a bias. Absent if biases start at 0. */
  bias?(draw: Draw, spec: ParameterSpec): void;
}

function define<Type extends string>(
  type: Type,
  weight: Initializer<Type>["weight"],
  bias?: Initializer<Type>["bias"],
): Initializer<Type> {
  return { type, options: {}, weight, ...(bias && { bias }) };
}

const definitions = [
  // As in nn.Linear: weights and biases are uniform in ±1/√fan-in, with the fan-in of their linear map.
  define(
    "torchLinear",
    (draw, _, inputs) => draw.uniform(1 / Math.sqrt(inputs)),
    (draw, { fanIn }) => draw.uniform(1 / Math.sqrt(fanIn)),
  ),
  // Glorot & Bengio 2010.
  define("xavierUniform", (draw, units, inputs) => draw.uniform(Math.sqrt(6 / (inputs + units)))),
  define("xavierNormal", (draw, units, inputs) => draw.normal(Math.sqrt(2 / (inputs + units)))),
  // He et al. 2015, gain √2.
  define("heUniform", (draw, _, inputs) => draw.uniform(Math.sqrt(6 / inputs))),
  define("heNormal", (draw, _, inputs) => draw.normal(Math.sqrt(2 / inputs))),
  // Saxe et al. 2014.
  define("orthogonal", (draw) => {
    draw.normal(1);
    draw.orthogonalize();
  }),
];
type Initializers = (typeof definitions)[number];

export const initializers = new Registry<Initializer<string>, Initializers>(
  "initializer",
  definitions,
);

/** The name of an initializer. */
export type InitializerName = NameOf<Initializers>;

/** Fills the block of parameters at `address`. */
export function initializeParameters(
  kernels: KernelExports,
  arena: Arena,
  address: Address,
  { tensors, blockLength }: ParameterLayout,
  name: InitializerName,
  { low, high }: Seed,
): void {
  const initializer = initializers.of({ type: name });
  kernels.fill(blockLength, address, 0);
  tensors.forEach(({ spec, length, offset }, index) => {
    const at = address + offset * 4;
    const [units = 1, inputs = 1] = spec.shape;
    const stream = Stream.initial;
    const draw: Draw = {
      uniform: (bound) =>
        kernels.randomUniform(length, at, 0, -bound, bound, low, high, index, stream),
      normal: (deviation) =>
        kernels.randomNormal(length, at, 0, 0, deviation, low, high, index, stream),
      orthogonalize: () => orthogonalize(arena.view(at, length), units, inputs),
    };
    if (spec.kind === "bias") initializer.bias?.(draw, spec);
    else initializer.weight(draw, units, inputs);
  });
}
