// Orthogonality: weight · ‖W Wᵀ − I‖²_F for every tied weight, with the gradient 4 weight (W Wᵀ − I) W. If a layer has more
// outputs than inputs, the term is weight · ‖Wᵀ W − I‖²_F, with the gradient 4 weight W (Wᵀ W − I).

import type { Parameter, Pass, Room } from "../layers/layer.ts";
import { atLeast0 } from "../options.ts";
import type { PenaltyDefinition } from "./penalty.ts";

/** Options of the penalty `"orthogonality"`. */
export interface OrthogonalityOptions {
  /** Factor on the squared norm, at least 0. */
  weight: number;
}

export const orthogonality: PenaltyDefinition<"orthogonality", OrthogonalityOptions> = {
  type: "orthogonality",
  options: { weight: atLeast0() },
  plan(room, { weights }, { weight }) {
    const terms = weights.map((parameter) => new WeightOrthogonality(room, parameter));
    return {
      value(pass) {
        let sum = 0;
        for (const term of terms) sum += term.value(pass, 4 * weight * pass.scale);
        return weight * sum;
      },
      weightGradient(pass) {
        for (const term of terms) term.gradient(pass);
      },
    };
  },
};

/** The term of one weight W [units, inputs]. */
class WeightOrthogonality {
  readonly #parameter: Parameter;
  readonly #units: number;
  readonly #inputs: number;
  /** W Wᵀ − I or Wᵀ W − I, [size, size] for the smaller of the two sizes. */
  readonly #gram: number;
  readonly #size: number;

  constructor(room: Room, parameter: Parameter) {
    const [units = 0, inputs = 0] = parameter.spec.shape;
    this.#parameter = parameter;
    this.#units = units;
    this.#inputs = inputs;
    this.#size = Math.min(units, inputs);
    this.#gram = room.floats(this.#size * this.#size);
    room.product(this.#size, this.#size, Math.max(units, inputs));
    room.product(units, inputs, this.#size);
  }

  /** Returns the squared norm. Keeps the matrix times `factor` for `gradient`. */
  value({ kernels, panels }: Pass, factor: number): number {
    const [units, inputs, size, gram] = [this.#units, this.#inputs, this.#size, this.#gram];
    const w = this.#parameter.value;
    if (units <= inputs) kernels.gramNT(units, inputs, w, inputs, gram, size, panels);
    else kernels.gramTN(inputs, units, w, inputs, gram, size, panels);
    return kernels.subtractIdentity(size, gram, size, factor);
  }

  gradient({ kernels, panels }: Pass): void {
    const [units, inputs, gram] = [this.#units, this.#inputs, this.#gram];
    const { value: w, gradient: dW } = this.#parameter;
    if (units <= inputs) {
      kernels.gemmNN(units, inputs, units, gram, units, w, inputs, 1, dW, inputs, panels);
    } else {
      kernels.gemmNN(units, inputs, inputs, w, inputs, gram, inputs, 1, dW, inputs, panels);
    }
  }
}
