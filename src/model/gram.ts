// The Gram step: training without the reconstruction. With a linear output, the squared error and the
// input as its own target, the outermost tied layer enters the loss only through W Wᵀ and the Gram
// matrix of what the decoder reads, so three of the five large products of a step become products of
// the code's size. Write R [B,H] for what enters the last stage, Z = X Wᵀ + b [B,H] for the first
// stage's pre-activation, W [H,D], c for the decoder's bias, and
//
//   G = W Wᵀ,  S = Rᵀ R,  u = Rᵀ 1,  v = W c,  q = Xᵀ 1,  s = 2 / (B D).
//
// From Y = R W + 1 cᵀ and loss = ‖Y - X‖² / (B D) it follows, with X Wᵀ = Z - 1 bᵀ:
//
//   B D loss = ⟨S,G⟩ + 2 u·v + B ‖c‖² - 2 ⟨R,Z⟩ + 2 u·b - 2 c·q + ‖X‖²
//   dR       = s (R G + 1 (v + b)ᵀ - Z)
//   dW       = s (S W + u cᵀ) + (dA - s R)ᵀ X     (dA: the gradient that comes back to Z)
//   dc       = s (Wᵀ u + B c - q)
//
// The price is precision: the loss is a difference of large numbers once it is small beside ‖X‖².
// docs/decisions/ has the figures.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Stage } from "./stages.ts";

/** Where the step's small matrices stand. */
interface GramBuffers {
  readonly g: number;
  readonly s: number;
  readonly u: number;
  /** v + b. */
  readonly shift: number;
  readonly q: number;
  readonly dc: number;
}

export class GramStep {
  readonly #kernels: KernelExports;
  readonly #first: Stage;
  readonly #last: Stage;
  readonly #buffers: GramBuffers;

  /** `first` encodes with the outermost weight and `last` decodes with it. */
  constructor(kernels: KernelExports, arena: Arena, first: Stage, last: Stage) {
    const units = first.outputs;
    this.#kernels = kernels;
    this.#first = first;
    this.#last = last;
    this.#buffers = {
      g: arena.reserveFloats(units * units),
      s: arena.reserveFloats(units * units),
      u: arena.reserveFloats(units),
      shift: arena.reserveFloats(units),
      q: arena.reserveFloats(first.inputs),
      dc: arena.reserveFloats(first.inputs),
    };
  }

  /**
   * Rows from which the step is less work than the direct one: the products' multiplications alone,
   * 3 B D H against 3/2 H² (B + D).
   */
  get breakEven(): number {
    const { inputs, outputs } = this.#first;
    return (inputs * outputs) / (2 * inputs - outputs);
  }

  /**
   * After the forward pass up to R: leaves dR, scaled by `scale`, at `dR`, and returns the mean loss.
   * All of [rows, units] but `x` [rows, inputs]; `squares` is ‖X‖².
   */
  forward(
    rows: number,
    scale: number,
    x: number,
    z: number,
    r: number,
    dR: number,
    squares: number,
    panels: number,
  ): number {
    const kernels = this.#kernels;
    const { inputs: width, outputs: units, weight, bias } = this.#first;
    const c = this.#last.bias;
    const { g, s, u, shift, q } = this.#buffers;
    const count = rows * units;
    kernels.gramNT(units, width, weight, width, g, units, panels);
    kernels.gramTN(units, rows, r, units, s, units, panels);
    kernels.columnSums(rows, units, r, units, 0, u);
    let total = kernels.dot(units * units, s, g) - 2 * kernels.dot(count, r, z) + squares;
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
    kernels.gemmNN(rows, units, units, r, units, g, units, 0, dR, units, panels);
    const elements = rows * width;
    kernels.gramGradient(rows, units, z, shift, (2 * scale) / elements, dR);
    return Math.max(0, total / elements);
  }

  /**
   * The gradients of the outer weight and of the decoder's bias, once dA has come back to `dA`, which
   * is written over. `x` and `dA` must have room for one row more than `rows`. `kept` is 1 to add to
   * the gradients that are there.
   */
  backward(
    rows: number,
    scale: number,
    x: number,
    r: number,
    dA: number,
    kept: number,
    panels: number,
  ): void {
    const kernels = this.#kernels;
    const { inputs: width, outputs: units, weight, dWeight } = this.#first;
    const { bias: c, dBias } = this.#last;
    const { s, u, q, dc } = this.#buffers;
    const factor = (2 * scale) / (rows * width);
    // dc = s (Wᵀ u + B c - q)
    if (c) {
      kernels.gemmNN(1, width, units, u, units, weight, width, 0, dc, width, panels);
      kernels.axpy(width, rows, c, dc);
      kernels.axpy(width, -1, q, dc);
      if (!kept) kernels.fill(width, dBias, 0);
      kernels.axpy(width, factor, dc, dBias);
    }
    // dW = s S W + [dA - s R; s uᵀ]ᵀ [X; cᵀ]: the term of the bias is one row more
    kernels.scale(units * units, s, factor);
    kernels.gemmNN(units, width, units, s, units, weight, width, kept, dWeight, width, panels);
    kernels.axpy(rows * units, -factor, r, dA);
    let steps = rows;
    if (c) {
      const rowOfD = dA + rows * units * 4;
      const rowOfX = x + rows * width * 4;
      kernels.fill(units, rowOfD, 0);
      kernels.axpy(units, factor, u, rowOfD);
      kernels.fill(width, rowOfX, 0);
      kernels.axpy(width, 1, c, rowOfX);
      steps += 1;
    }
    kernels.gemmTN(units, width, steps, dA, units, x, width, 1, dWeight, width, panels);
  }
}
