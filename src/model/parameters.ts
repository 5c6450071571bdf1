// The layout of the parameters and their gradients, each in one flat block. Every tied weight appears once: the decoder
// has its own biases but no weights. Each tensor starts at a 16-byte boundary. The gaps and their gradients are zero, so
// kernels may treat the whole block as one vector.

import type { KernelExports } from "../core/generated/exports.ts";
import type { Address, Layer, Parameter, ParameterSpec } from "../layers/layer.ts";

export interface Tensor {
  readonly spec: ParameterSpec;
  readonly name: string;
  readonly shape: readonly number[];
  /** The number of elements. */
  readonly length: number;
  /** The offset from the start of the block, in elements. */
  readonly offset: number;
}

export interface ParameterLayout {
  /** In the order of the block. */
  readonly tensors: readonly Tensor[];
  /** The number of elements of the whole block including gaps. A multiple of 4. */
  readonly blockLength: number;
  /** The number of parameters of the model, without gaps. */
  readonly parameterCount: number;
}

/** Lays out the parameters of `layers`, in the order of their first use. */
export function layoutParameters(layers: Iterable<Layer>): ParameterLayout {
  const tensors = new Map<string, Tensor>();
  let blockLength = 0;
  let parameterCount = 0;
  for (const { parameters } of layers) {
    for (const spec of parameters) {
      const { name, shape } = spec;
      if (tensors.has(name)) continue;
      const length = shape.reduce((product, size) => product * size, 1);
      tensors.set(name, { spec, name, shape, length, offset: blockLength });
      blockLength += Math.ceil(length / 4) * 4;
      parameterCount += length;
    }
  }
  return { tensors: [...tensors.values()], blockLength, parameterCount };
}

/** A parameter, and the state of its gradient in the current pass. */
interface Slot extends Parameter {
  /** Whether the gradient was written, so that later uses must add to it. */
  written: boolean;
}

/** The parameters in the arena. */
export class Parameters {
  readonly #slots: readonly Slot[];
  readonly #byName: ReadonlyMap<string, Slot>;

  /** `values` and `gradients` are the addresses of the two blocks. */
  constructor({ tensors }: ParameterLayout, values: Address, gradients: Address) {
    this.#slots = tensors.map(({ spec, length, offset }) => ({
      spec,
      length,
      value: values + offset * 4,
      gradient: gradients + offset * 4,
      written: false,
    }));
    this.#byName = new Map(this.#slots.map((slot) => [slot.spec.name, slot]));
  }

  get(name: string): Parameter {
    const slot = this.#byName.get(name);
    if (!slot) throw new Error(`The model has no parameter ${name}.`);
    return slot;
  }

  /** All parameters of a kind. */
  ofKind(kind: ParameterSpec["kind"]): Parameter[] {
    return this.#slots.filter(({ spec }) => spec.kind === kind);
  }

  /** Starts a backward pass. Gradients are overwritten, or with `accumulate` added to. */
  beginGradients(accumulate: boolean): void {
    for (const slot of this.#slots) slot.written = accumulate;
  }

  /** 0 for the first use of a gradient in a pass, 1 for every later use. */
  beta(parameter: Parameter): number {
    const slot = parameter as Slot;
    if (slot.written) return 1;
    slot.written = true;
    return 0;
  }

  /** Ends a backward pass. Sets gradients that no layer wrote to 0. */
  endGradients(kernels: KernelExports): void {
    for (const slot of this.#slots) {
      if (slot.written) continue;
      kernels.fill(slot.length, slot.gradient, 0);
      slot.written = true;
    }
  }
}
