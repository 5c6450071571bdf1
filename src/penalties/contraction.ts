// Contraction (Rifai et al. 2011): weight / B times the sum, over B rows and all encoding layers, of the squared Frobenius
// norm of the Jacobian of a layer with respect to its own input, Σⱼ act′(zⱼ)² ‖Wⱼ‖². The gradient goes through W and
// through act′, and from act′ into the earlier layers. The term is not divided by the number of columns of the data.

import { InvalidValueError, oneOf, show } from "../errors.ts";
import type { PlannedDense } from "../layers/dense.ts";
import type { Pass, Room } from "../layers/layer.ts";
import { atLeast0 } from "../options.ts";
import type { PenaltyDefinition } from "./penalty.ts";

/** Options of the penalty `"contraction"`. */
export interface ContractionOptions {
  /** Factor on the mean over rows, at least 0. */
  weight: number;
}

/** The activations that the kernel supports. */
const KNOWN = ["linear", "relu", "leakyRelu", "elu", "softplus", "sigmoid", "tanh"];

export const contraction: PenaltyDefinition<"contraction", ContractionOptions> = {
  type: "contraction",
  options: { weight: atLeast0() },
  check({ code, encoderActivations }) {
    if (code !== "dense") {
      throw new InvalidValueError(
        `The penalty "contraction" is for dense codes; the code is ${show(code)}. Take code "dense", or noise on the input (corruption) instead of the penalty.`,
      );
    }
    const unknown = encoderActivations.find((activation) => !KNOWN.includes(activation));
    if (unknown === undefined) return;
    throw new InvalidValueError(
      `The penalty "contraction" knows the activations ${oneOf(KNOWN)} in the encoder; got ${show(unknown)}. Take one of these for every encoding layer, or noise on the input (corruption) instead of the penalty.`,
    );
  },
  plan(room, { encoders }, { weight }) {
    const layers = encoders.map((layer) => new LayerContraction(room, layer, weight));
    return {
      value(pass) {
        let sum = 0;
        for (const layer of layers) sum += layer.value(pass);
        return (weight / pass.rows) * sum;
      },
      weightGradient(pass) {
        for (const layer of layers) layer.weightGradient(pass);
      },
    };
  },
};

/** The contraction of one layer. */
class LayerContraction {
  readonly #layer: PlannedDense;
  readonly #weight: number;
  /** Squared norms of the rows of W [outputs]. */
  readonly #norms: number;
  /** act′(z)² [rows, outputs] */
  readonly #squares: number;
  /** Column sums of the squares [outputs]. */
  readonly #sums: number;
  /** A placeholder for the gradient, where only the squares are needed [rows, outputs]. */
  readonly #unused: number;

  constructor(room: Room, layer: PlannedDense, weight: number) {
    const { outputs } = layer.layer;
    this.#layer = layer;
    this.#weight = weight;
    this.#norms = room.floats(outputs);
    this.#squares = room.matrix(outputs);
    this.#sums = room.floats(outputs);
    this.#unused = room.matrix(outputs);
    layer.atSum.push((pass, dz) => this.#run(pass, dz, this.#factor(pass)));
  }

  value(pass: Pass): number {
    const { kernels, rows } = pass;
    const { inputs, outputs } = this.#layer.layer;
    kernels.rowSquares(outputs, inputs, this.#layer.weight.value, inputs, this.#norms);
    this.#run(pass, this.#unused, 0);
    kernels.columnSums(rows, outputs, this.#squares, outputs, 0, this.#sums);
    return kernels.dot(outputs, this.#sums, this.#norms);
  }

  weightGradient(pass: Pass): void {
    const { inputs, outputs } = this.#layer.layer;
    const { value, gradient } = this.#layer.weight;
    const factor = this.#factor(pass);
    pass.kernels.addScaledRows(
      outputs,
      inputs,
      factor,
      this.#sums,
      value,
      inputs,
      gradient,
      inputs,
    );
  }

  /** Computes the squares, and adds `factor` · act′ act″ ‖W‖² to `dz` [rows, outputs]. */
  #run({ kernels, rows }: Pass, dz: number, factor: number): void {
    const { y, z, layer } = this.#layer;
    const { code, parameter } = layer.activation;
    const { outputs } = layer;
    const [norms, squares] = [this.#norms, this.#squares];
    kernels.contraction(code, parameter, rows, outputs, z, y, norms, factor, dz, squares);
  }

  #factor({ rows, scale }: Pass): number {
    return (2 * this.#weight * scale) / rows;
  }
}
