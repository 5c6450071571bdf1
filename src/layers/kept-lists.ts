// Lists of the kept elements of a sparse code, and how a decoding layer uses them in its forward and its backward pass.
// The elements of row r are starts[r] to starts[r + 1] - 1 in `indices` (units, ascending) and `values`.

import { Activation } from "../../assembly/ops.ts";
import type { Arena } from "../core/arena.ts";
import type { PlannedDense } from "./dense.ts";
import type { Address, Parameter, Pass, Room } from "./layer.ts";

/** Kept elements by rows, and the arrays that the backward pass computes from them. */
export interface KeptLists {
  /** [rows + 1], uint32 */
  readonly starts: Address;
  /** Units [count], uint32 */
  readonly indices: Address;
  /** [count] */
  readonly values: Address;
  /** Gradients at the values, later at their weighted sums [count]. */
  readonly gradients: Address;
  /** The lists by units: [units + 1], [count], [count], uint32 */
  readonly unitStarts: Address;
  readonly entryRows: Address;
  readonly entries: Address;
}

/** The parts of the encoder that an auxiliary term uses. */
export interface SparseSource {
  /** The activated values before the selection [rows, units]. */
  readonly h: Address;
  /** Rows since each unit was active [units], uint32 */
  readonly idle: Address;
  readonly weight: Parameter;
  /**
   * Turns the gradients at listed values into gradients at their weighted sums, adds the gradient of the bias, and
   * transposes the lists. `sums` is room for the weighted sums of the listed elements, if the activation needs them.
   */
  gradientAtSum(pass: Pass, lists: KeptLists, count: number, sums: Address): void;
}

/** A term of the loss that uses units that were not kept. */
export interface AuxiliaryTerm {
  plan(room: Room, source: SparseSource): PlannedAuxiliaryTerm;
}

export interface PlannedAuxiliaryTerm {
  /** The term, after the forward pass: `y` is the reconstruction, or its logits [rows, width]. */
  loss(pass: Pass, y: Address, target: Address): number;
  /** Adds the gradients of the term. `x` is the encoder's input, and `dx` the gradient at `x`, or 0 if not needed. */
  backward(pass: Pass, x: Address, dx: Address): void;
}

/** Room for lists of `capacity` elements. */
export function planLists(room: Room, units: number, capacity: number): KeptLists {
  const training = room.training;
  return {
    starts: room.floats(room.rows + 1),
    indices: room.floats(capacity),
    values: room.floats(capacity),
    gradients: training ? room.floats(capacity) : 0,
    unitStarts: training ? room.floats(units + 1) : 0,
    entryRows: training ? room.floats(capacity) : 0,
    entries: training ? room.floats(capacity) : 0,
  };
}

/** Writes the starts of lists of `k` elements each. This is done in every pass, because plans overlap in memory. */
export function equalLists({ wordHeap }: Arena, starts: Address, rows: number, k: number): void {
  const at = starts / 4;
  for (let row = 0; row <= rows; row++) wordHeap[at + row] = row * k;
}

/** y = act(S W + c), where S holds the listed values. */
export function decodeLists(pass: Pass, dense: PlannedDense, lists: KeptLists): Address {
  const { kernels, rows } = pass;
  const { outputs, activation, options } = dense.layer;
  const { starts, indices, values } = lists;
  const { z, y } = dense;
  kernels.sparseNN(
    rows,
    outputs,
    starts,
    indices,
    values,
    dense.weight.value,
    outputs,
    0,
    z,
    outputs,
  );
  const code = pass.logits && options.isOutput ? Activation.linear : activation.code;
  const bias = dense.bias && !pass.withoutBias ? dense.bias.value : 0;
  kernels.biasActivation(code, activation.parameter, rows, outputs, z, bias, y);
  return y;
}

/** The gradients at the listed values, computed from the gradient at the decoder's weighted sums. */
export function gradientAtLists(
  { kernels, rows }: Pass,
  dense: PlannedDense,
  { starts, indices, gradients }: KeptLists,
  dz: Address,
): Address {
  const { outputs } = dense.layer;
  const weight = dense.weight.value;
  kernels.sampledNT(rows, outputs, starts, indices, dz, outputs, weight, outputs, gradients);
  return gradients;
}

/**
 * dW = beta dW + the sum over listed elements of a · A[row], and b · B[row] unless `rowsB` is 0, in row [unit] of dW
 * [units, inputs]. `a` and `b` hold a number for each element, and `rowsA` and `rowsB` are matrices [rows, inputs].
 */
export function addProducts(
  { kernels }: Pass,
  { spec, gradient }: Parameter,
  { unitStarts, entryRows, entries }: KeptLists,
  beta: number,
  a: Address,
  rowsA: Address,
  b: Address,
  rowsB: Address,
): void {
  const [units = 0, n = 0] = spec.shape;
  kernels.sparseTN(
    units,
    n,
    unitStarts,
    entryRows,
    entries,
    a,
    rowsA,
    n,
    b,
    rowsB,
    n,
    beta,
    gradient,
    n,
  );
}
