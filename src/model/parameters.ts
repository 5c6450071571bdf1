// Where each named parameter is in the flat block of all of them, and where its gradient is. Every tied weight
// appears once: the decoder has its own biases and no weights. Each tensor starts on a 16-byte boundary; the
// gaps hold zeros whose gradients are zero, so that kernels may run over the whole block as one vector.

import type { KernelExports } from "../core/generated/exports.ts";
import type { Address, Layer, Parameter, ParameterSpec } from "../layers/layer.ts";

export interface Tensor {
  readonly spec: ParameterSpec;
  readonly name: string;
  readonly shape: readonly number[];
  /** Elements. */
  readonly length: number;
  /** Elements from the start of the block. */
  readonly offset: number;
}

export interface ParameterLayout {
  /** In the order of the block. */
  readonly tensors: readonly Tensor[];
  /** Elements of the whole block, gaps included: a multiple of 4. */
  readonly blockLength: number;
  /** Parameters of the model, gaps left out. */
  readonly parameterCount: number;
}

/** Lays out the parameters that layers name, in the order in which they are named first. */
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

/** A parameter and what has become of its gradient in this pass. */
interface Slot extends Parameter {
  /** Whether the gradient holds something to add to. */
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

  /** Before a backward pass: gradients are overwritten, or added to with `accumulate`. */
  beginGradients(accumulate: boolean): void {
    for (const slot of this.#slots) slot.written = accumulate;
  }

  /** 0 at the first use of a gradient in a pass, 1 at every later one. */
  beta(parameter: Parameter): number {
    const slot = parameter as Slot;
    if (slot.written) return 1;
    slot.written = true;
    return 0;
  }

  /** After a backward pass: gradients that no layer wrote are 0. */
  endGradients(kernels: KernelExports): void {
    for (const slot of this.#slots) {
      if (slot.written) continue;
      kernels.fill(slot.length, slot.gradient, 0);
      slot.written = true;
    }
  }
}
