// The Gram step: training without the reconstruction. With a linear output, the squared error and the input as
// the target, the outermost tied weight W enters the loss only through W Wᵀ and the Gram matrix of the last
// layer's input. So three of the five large products of a step become products of size H. Let R [B,H] be the
// input of the last layer, Z = X Wᵀ + b [B,H] the weighted sums of the first layer, W [H,D] the weight, c the
// decoder's bias, and
//
//   G = W Wᵀ,  S = Rᵀ R,  u = Rᵀ 1,  v = W c,  q = Xᵀ 1,  s = 2 / (B D).
//
// From Y = R W + 1 cᵀ and loss = ‖Y - X‖² / (B D) it follows, with X Wᵀ = Z - 1 bᵀ:
//
//   B D loss = ⟨S,G⟩ + 2 u·v + B ‖c‖² - 2 ⟨R,Z⟩ + 2 u·b - 2 c·q + ‖X‖²
//   dR       = s (R G + 1 (v + b)ᵀ - Z)
//   dW       = s (S W + u cᵀ) + (dA - s R)ᵀ X     (dA: the gradient at Z from the backward pass)
//   dc       = s (Wᵀ u + B c - q)
//
// The disadvantage is precision: where the loss is small compared with ‖X‖², it is a difference of large numbers.
// docs/decisions/040-gram-step.md has the figures.

import { Activation } from "../../assembly/ops.ts";
import { type Dense, PlannedDense } from "../layers/dense.ts";
import type { Address, Pass, PlannedLayer, Room } from "../layers/layer.ts";
import type { LossFunction } from "../losses/loss.ts";

/** The Gram step of a network that supports it. */
export class GramStep {
  readonly #first: Dense;

  private constructor(first: Dense) {
    this.#first = first;
  }

  /** The Gram step between these layers, if the output is linear and the loss is the squared error. */
  static between(
    outer: { readonly first: Dense; readonly last: Dense } | undefined,
    loss: LossFunction,
  ): GramStep | undefined {
    if (!outer) return undefined;
    const { first, last } = outer;
    const isLinear = last.activation.code === Activation.linear;
    const narrows = first.outputs <= first.inputs;
    return loss.isSquaredError && isLinear && narrows ? new GramStep(first) : undefined;
  }

  /**
   * The number of rows from which this step needs fewer multiplications than the direct step: 3/2 H² (B + D)
   * against 3 B D H.
   */
  get breakEven(): number {
    const { inputs, outputs } = this.#first;
    return (inputs * outputs) / (2 * inputs - outputs);
  }

  /** `dy` [rows, width] is the direct step's gradient at the reconstruction. This step can use that memory. */
  plan(room: Room, layers: readonly PlannedLayer[], dy: Address): PlannedGram {
    return new PlannedGram(room, layers, dy);
  }
}

export class PlannedGram {
  readonly #first: PlannedDense;
  readonly #last: PlannedDense;
  readonly #middle: readonly PlannedLayer[];
  /** Z [rows, units], in memory that the layer's output does not use. */
  readonly #z: Address;
  /** [units, units] */
  readonly #g: Address;
  /** [units, units] */
  readonly #s: Address;
  /** [units] */
  readonly #u: Address;
  /** v + b [units] */
  readonly #shift: Address;
  /** [width] */
  readonly #q: Address;
  /** [width] */
  readonly #dc: Address;
  /** dR [rows, units] */
  readonly #dR: Address;
  /** A copy of the row after X, which the step overwrites for a while [width]. */
  readonly #savedRow: Address;
  /** R [rows, units], from the last forward pass. */
  #r: Address = 0;
  #x: Address = 0;
  // Results are stored in fields: a number that a method returns would be allocated on the heap.
  #squares = Number.NaN;
  #loss = Number.NaN;

  constructor(room: Room, layers: readonly PlannedLayer[], dy: Address) {
    const [first, last] = [layers[0], layers.at(-1)];
    if (!(first instanceof PlannedDense) || !(last instanceof PlannedDense)) {
      throw new Error("The Gram step needs dense layers on the outside.");
    }
    const { inputs: width, outputs: units } = first.layer;
    this.#first = first;
    this.#last = last;
    this.#middle = layers.slice(1, -1);
    this.#z = first.z === first.y ? dy : first.z;
    this.#g = room.floats(units * units);
    this.#s = room.floats(units * units);
    this.#u = room.floats(units);
    this.#shift = room.floats(units);
    this.#q = room.floats(width);
    this.#dc = room.floats(width);
    this.#dR = room.matrix(units);
    this.#savedRow = room.floats(width);
    room.product(units, units, Math.max(width, room.rows));
    room.product(room.rows, units, units);
    room.product(units, width, room.rows + 1);
    room.product(units, width, units);
    room.product(1, units, width);
    room.product(1, width, units);
  }

  /** ‖X‖² of the last measured rows. */
  get squares(): number {
    return this.#squares;
  }

  /** Computes the sum of squares of `x` [rows, width]. */
  measure({ kernels, rows }: Pass, x: Address): void {
    this.#squares = kernels.sumSquares(rows * this.#first.layer.inputs, x);
  }

  /** The mean loss of the last forward pass. */
  get loss(): number {
    return this.#loss;
  }

  /**
   * The forward pass of `x` [rows, width] up to R. Computes the mean loss and dR. `measure` must be called before.
   */
  forward(pass: Pass, x: Address): void {
    const { kernels, rows, scale, panels } = pass;
    const { inputs: width, outputs: units } = this.#first.layer;
    let r = this.#first.forwardBy(pass, x, this.#z);
    for (const layer of this.#middle) r = layer.forward(pass, r);
    this.#x = x;
    this.#r = r;
    const weight = this.#first.weight.value;
    const bias = this.#first.bias?.value ?? 0;
    const c = this.#last.bias?.value ?? 0;
    const [z, g, s, u, shift, q] = [this.#z, this.#g, this.#s, this.#u, this.#shift, this.#q];
    kernels.gramNT(units, width, weight, width, g, units, panels);
    kernels.gramTN(units, rows, r, units, s, units, panels);
    kernels.columnSums(rows, units, r, units, 0, u);
    const count = rows * units;
    let total = kernels.dot(units * units, s, g) - 2 * kernels.dot(count, r, z) + this.#squares;
    if (c) {
      kernels.columnSums(rows, width, x, width, 0, q);
      kernels.gemmNT(1, units, width, c, width, weight, width, 0, shift, units, panels);
      total += 2 * kernels.dot(units, u, shift);
      total += rows * kernels.sumSquares(width, c) - 2 * kernels.dot(width, c, q);
    } else {
      kernels.fill(units, shift, 0);
    }
    if (bias) {
      kernels.axpy(units, 1, bias, shift);
      total += 2 * kernels.dot(units, u, bias);
    }
    const dR = this.#dR;
    kernels.gemmNN(rows, units, units, r, units, g, units, 0, dR, units, panels);
    const elements = rows * width;
    kernels.gramGradient(rows, units, z, shift, (2 * scale) / elements, dR);
    this.#loss = Math.max(0, total / elements);
  }

  /** The backward pass from dR. Adds the gradients of all parameters. */
  backward(pass: Pass): void {
    let d = this.#dR;
    for (let i = this.#middle.length - 1; i >= 0; i--) d = this.#middle[i]?.backward(pass, d) ?? d;
    this.#first.gradientAtSum(pass, d);
    this.#outerGradients(pass, d);
  }

  /** The gradients of the outer weight and of the decoder's bias, from dA, which is overwritten. */
  #outerGradients(pass: Pass, dA: Address): void {
    const { kernels, rows, scale, panels } = pass;
    const { inputs: width, outputs: units } = this.#first.layer;
    const { value: weight, gradient: dW } = this.#first.weight;
    const bias = this.#last.bias;
    const [x, r, s, u, q, dc] = [this.#x, this.#r, this.#s, this.#u, this.#q, this.#dc];
    const factor = (2 * scale) / (rows * width);
    // dc = s (Wᵀ u + B c - q)
    if (bias) {
      const { value: c, gradient: dBias } = bias;
      kernels.gemmNN(1, width, units, u, units, weight, width, 0, dc, width, panels);
      kernels.axpy(width, rows, c, dc);
      kernels.axpy(width, -1, q, dc);
      if (pass.beta(bias) === 0) kernels.fill(width, dBias, 0);
      kernels.axpy(width, factor, dc, dBias);
    }
    // dW = s S W + [dA - s R; s uᵀ]ᵀ [X; cᵀ]: the term of the bias is one additional row
    kernels.scale(units * units, s, factor);
    const beta = pass.beta(this.#first.weight);
    kernels.gemmNN(units, width, units, s, units, weight, width, beta, dW, width, panels);
    kernels.axpy(rows * units, -factor, r, dA);
    if (!bias) {
      kernels.gemmTN(units, width, rows, dA, units, x, width, 1, dW, width, panels);
      return;
    }
    // After the rows of X there may be other rows of the batch. The overwritten row is restored afterwards.
    const rowOfX = x + rows * width * 4;
    const rowOfD = dA + rows * units * 4;
    copy(pass, width, rowOfX, this.#savedRow);
    kernels.fill(width, rowOfX, 0);
    kernels.axpy(width, 1, bias.value, rowOfX);
    kernels.fill(units, rowOfD, 0);
    kernels.axpy(units, factor, u, rowOfD);
    kernels.gemmTN(units, width, rows + 1, dA, units, x, width, 1, dW, width, panels);
    copy(pass, width, this.#savedRow, rowOfX);
  }
}

/** Copies `length` values. */
function copy({ kernels }: Pass, length: number, from: Address, to: Address): void {
  kernels.biasActivation(Activation.linear, 0, 1, length, from, 0, to);
}
