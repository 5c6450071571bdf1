// The auxiliary loss for dead units (Gao et al. 2024). A unit is dead after `deadAfter` rows in which it was never kept
// with a value above 1e-3. In each row the dead units with the largest values reconstruct the residual of the other
// units. e = target − x̂ is the residual, treated as a constant. ê is the decoding of the dead units without biases. The
// term is weight · Σ(ê − e)² / Σ(e − ē)², where ē is the mean of e over the batch, one value per column. It is 0 if the
// denominator is 0 or no unit is dead. Its gradient only goes through ê.

import { activationOp } from "./activations.ts";
import type { CodeContext } from "./code.ts";
import { Dense, type DenseOptions, type PlannedDense } from "./dense.ts";
import {
  type AuxiliaryTerm,
  addProducts,
  decodeLists,
  equalLists,
  gradientAtLists,
  type KeptLists,
  type PlannedAuxiliaryTerm,
  planLists,
  type SparseSource,
} from "./kept-lists.ts";
import type { Address, Pass, Room } from "./layer.ts";
import { CategoryBlocks } from "./softmax.ts";

export interface AuxiliarySettings {
  /** The largest number of dead units that take part in a row. */
  readonly k: number;
  /** Factor on the term. */
  readonly weight: number;
  /** Number of rows without activity after which a unit is dead. */
  readonly deadAfter: number;
}

export class Auxiliary implements AuxiliaryTerm {
  readonly settings: AuxiliarySettings;
  readonly decoders: readonly Dense[];
  readonly output: DenseOptions;
  readonly masked: boolean;
  readonly categories: CodeContext["categories"];

  constructor(context: CodeContext, settings: AuxiliarySettings) {
    const { decoder, outerDecoders, masked, categories } = context;
    const options = [decoder, ...outerDecoders];
    this.settings = settings;
    this.decoders = options.map(
      (one, i) => new Dense({ ...one, inputGradient: i > 0, isOutput: false }),
    );
    this.output = options.at(-1) ?? decoder;
    this.masked = masked;
    this.categories = categories;
  }

  plan(room: Room, encoder: SparseSource): PlannedAuxiliaryTerm {
    return new PlannedAuxiliary(this, room, encoder);
  }
}

class PlannedAuxiliary implements PlannedAuxiliaryTerm {
  readonly #auxiliary: Auxiliary;
  readonly #encoder: SparseSource;
  readonly #inputs: number;
  readonly #units: number;
  readonly #width: number;
  readonly #decoders: readonly PlannedDense[];
  readonly #lists: KeptLists;
  readonly #sums: Address;
  /** Indices of the dead units [units], uint32 */
  readonly #dead: Address;
  readonly #workspace: Address;
  /** e, then e − ē [rows, width] */
  readonly #residual: Address;
  /** ê − e, then its gradient [rows, width] */
  readonly #difference: Address;
  /** [width] each */
  readonly #ones: Address;
  readonly #means: Address;
  readonly #blocks: CategoryBlocks;
  /** Listed elements of the last pass. 0 if the term is 0. */
  #count = 0;
  #k = 0;

  constructor(auxiliary: Auxiliary, room: Room, encoder: SparseSource) {
    const [units = 0, inputs = 0] = encoder.weight.spec.shape;
    this.#auxiliary = auxiliary;
    this.#encoder = encoder;
    this.#inputs = inputs;
    this.#units = units;
    this.#width = auxiliary.decoders.at(-1)?.outputs ?? 0;
    this.#decoders = auxiliary.decoders.map((layer) => layer.plan(room));
    const capacity = room.rows * Math.min(auxiliary.settings.k, units);
    this.#lists = planLists(room, units, capacity);
    this.#sums = room.floats(capacity);
    this.#dead = room.floats(units);
    this.#workspace = room.selection(2 * units);
    this.#residual = room.matrix(this.#width);
    this.#difference = room.matrix(this.#width);
    this.#ones = room.floats(this.#width);
    this.#means = room.floats(this.#width);
    this.#blocks = new CategoryBlocks(auxiliary.categories, room);
  }

  /** The term, after the forward pass: `y` is the reconstruction, or its logits [rows, width]. */
  loss(pass: Pass, y: Address, target: Address): number {
    const { kernels, rows } = pass;
    const { k, weight, deadAfter } = this.#auxiliary.settings;
    const units = this.#units;
    this.#count = 0;
    const dead = kernels.listIdle(units, this.#encoder.idle, deadAfter, this.#dead) >>> 0;
    if (dead === 0) return 0;
    const kept = Math.min(k, dead);
    this.#k = kept;
    equalLists(pass.arena, this.#lists.starts, rows, kept);
    const { indices, values } = this.#lists;
    kernels.topKAmong(
      rows,
      units,
      kept,
      this.#encoder.h,
      this.#dead,
      dead,
      indices,
      values,
      this.#workspace,
    );

    // e = target − x̂
    const width = this.#width;
    const count = rows * width;
    const [e, d, ones, means] = [this.#residual, this.#difference, this.#ones, this.#means];
    const { code, parameter } = activationOp(
      pass.logits ? this.#auxiliary.output.activation : "linear",
    );
    kernels.biasActivation(code, parameter, 1, count, y, 0, e);
    if (pass.logits && this.#auxiliary.categories.length > 0) this.#blocks.apply(pass, width, e);
    kernels.scale(count, e, -1);
    kernels.axpy(count, 1, target, e);
    if (this.#auxiliary.masked) clearUnknown(pass, count, target, e);

    // ê − e
    pass.withoutBias = true;
    const { logits } = pass;
    pass.logits = false;
    let x = 0;
    this.#decoders.forEach((decoder, i) => {
      x = i === 0 ? decodeLists(pass, decoder, this.#lists) : decoder.forward(pass, x);
    });
    pass.withoutBias = false;
    pass.logits = logits;
    kernels.biasActivation(0, 0, 1, count, x, 0, d);
    kernels.axpy(count, -1, e, d);
    if (this.#auxiliary.masked) clearUnknown(pass, count, target, d);
    const error = kernels.sumSquares(count, d);

    // e − ē
    kernels.columnSums(rows, width, e, width, 0, means);
    kernels.scale(width, means, -1 / rows);
    kernels.fill(width, ones, 1);
    kernels.affineColumns(rows, width, e, ones, means, e);
    const spread = kernels.sumSquares(count, e);
    if (!(spread > 0)) return 0;
    kernels.scale(count, d, (2 * weight * pass.scale) / spread);
    this.#count = rows * this.#k;
    return (weight * error) / spread;
  }

  /** Adds the gradients of the term. `x` is the encoder's input, and `dx` the gradient at `x`, or 0 if not needed. */
  backward(pass: Pass, x: Address, dx: Address): void {
    if (this.#count === 0) return;
    const { kernels, rows } = pass;
    const [first, ...outer] = this.#decoders;
    if (!first) return;
    pass.withoutBias = true;
    const { logits } = pass;
    pass.logits = false;
    let d = this.#difference;
    for (let i = outer.length - 1; i >= 0; i--) d = outer[i]?.backward(pass, d) ?? d;
    first.gradientAtSum(pass, d);
    pass.withoutBias = false;
    pass.logits = logits;
    gradientAtLists(pass, first, this.#lists, d);
    this.#encoder.gradientAtSum(pass, this.#lists, this.#count, this.#sums);
    const { starts, indices, values, gradients } = this.#lists;
    const { weight } = this.#encoder;
    addProducts(pass, weight, this.#lists, 1, values, d, gradients, x);
    const inputs = this.#inputs;
    if (dx !== 0)
      kernels.sparseNN(
        rows,
        inputs,
        starts,
        indices,
        gradients,
        weight.value,
        inputs,
        1,
        dx,
        inputs,
      );
  }
}

/** Sets the values to 0 where the target is missing (NaN). */
function clearUnknown({ arena }: Pass, count: number, target: Address, values: Address): void {
  const { heap } = arena;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(heap[target / 4 + i])) heap[values / 4 + i] = 0;
  }
}
