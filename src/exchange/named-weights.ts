// Parameters and gradients under their public names: copies them from the flat block and back. Every name and shape is
// checked.

import { onlyKeys, record, refuseStrides } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { ParameterLayout } from "../model/parameters.ts";
import { isFloat32Array } from "../platform/tags.ts";

/** A parameter: row-major `data` with `shape`. */
export interface NamedWeight {
  /** [out, in] for a weight, [units] for a bias. */
  readonly shape: readonly number[];
  /** The values, row-major. */
  readonly data: Float32Array;
}

/** Parameters by name: `encoder.{i}.weight` [layers[i+1], layers[i]], `encoder.{i}.bias`, `decoder.{i}.bias`. */
export type NamedWeights = Record<string, NamedWeight>;

/** Copies of the tensors in a flat block. */
export function nameTensors(block: Float32Array, { tensors }: ParameterLayout): NamedWeights {
  return Object.fromEntries(
    tensors.map(({ name, shape, offset, length }) => [
      name,
      { shape: [...shape], data: block.slice(offset, offset + length) },
    ]),
  );
}

/** A flat block from named tensors. All names must be present, and no others. */
export function readTensors(
  call: string,
  weights: NamedWeights,
  { tensors, blockLength }: ParameterLayout,
): Float32Array {
  const given = record(`The tensors of ${call}`, weights);
  onlyKeys(
    call,
    given,
    tensors.map(({ name }) => name),
  );
  const block = new Float32Array(blockLength);
  for (const { name, shape, length, offset } of tensors) {
    const weight = given[name];
    if (weight === undefined) throw new InvalidValueError(`${call} lacks ${show(name)}.`);
    const tensor = record(name, weight);
    refuseStrides(name, tensor);
    const { data, shape: own } = tensor;
    const isData = isFloat32Array(data) || Array.isArray(data);
    if (!isData) {
      throw new InvalidTypeError(
        `${name} must be { shape, data: Float32Array }; got ${show(weight)}.`,
      );
    }
    if (!isShape(own, shape) || data.length !== length) {
      throw new InvalidValueError(
        `${name} must have shape [${shape.join(", ")}]; got ${show(own)} with ${data.length} values.`,
      );
    }
    block.set(data, offset);
  }
  return block;
}

/** Whether `given` is an array of the numbers of `shape`. */
const isShape = (given: unknown, shape: readonly number[]): boolean =>
  Array.isArray(given) && given.length === shape.length && shape.every((n, i) => given[i] === n);
