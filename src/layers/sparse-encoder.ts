// The encoding half of a sparse code: a dense product, an activation, and the selection of the elements to keep. The
// code is then stored as lists by rows: the kept elements of row r are starts[r] to starts[r + 1] - 1 in `indices`
// (units, ascending) and `values`. The backward pass only works on kept units, and adds the gradients of both uses of
// the tied weight in one pass over its rows.

import { gradientNeedsInput } from "../../assembly/ops.ts";
import { Dense, type DenseOptions } from "./dense.ts";
import {
  type AuxiliaryTerm,
  addProducts,
  equalLists,
  type KeptLists,
  type PlannedAuxiliaryTerm,
  planLists,
  type SparseSource,
} from "./kept-lists.ts";
import type {
  Address,
  BufferSpec,
  CodeMatrix,
  Layer,
  Parameter,
  ParameterSpec,
  Pass,
  PlannedLayer,
  Room,
} from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

/** A kept unit with a value above this is active. */
const ACTIVE = 1e-3;
/** The weight of a new value in the running mean of the threshold of batch top-k. */
const RATE = 0.01;

/** Names of the buffers that training updates besides the parameters. */
export const ROWS_SINCE_ACTIVE = "code.rowsSinceActive";
export const THRESHOLD = "code.threshold";

export interface SparseEncoderOptions {
  /** The encoding layer of a dense code in this place. */
  readonly dense: DenseOptions;
  /** Kept units per row. */
  readonly k: number;
  /** Whether to select k · B values of the whole batch instead of k values of each row. */
  readonly ofBatch: boolean;
  /** Whether the decoder reads the lists. Otherwise it reads a matrix. */
  readonly decodesSparsely: boolean;
  readonly auxiliary: AuxiliaryTerm | undefined;
  /** Rows without activity after which a unit is dead. */
  readonly deadAfter: number;
}

export class SparseEncoder implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers: readonly BufferSpec[];
  readonly label: string;
  readonly options: SparseEncoderOptions;
  readonly dense: Dense;
  readonly #planned = new WeakMap<Room, PlannedSparseEncoder>();

  constructor(options: SparseEncoderOptions) {
    const dense = new Dense(options.dense);
    this.options = options;
    this.dense = dense;
    this.name = dense.name;
    this.inputs = dense.inputs;
    this.outputs = dense.outputs;
    this.parameters = dense.parameters;
    this.label = `${dense.label}, ${options.ofBatch ? "batchTopK" : "topK"}(${options.k})`;
    const idle: BufferSpec = { name: ROWS_SINCE_ACTIVE, type: "U32", length: dense.outputs };
    const threshold: BufferSpec = { name: THRESHOLD, type: "F32", length: 1 };
    this.buffers = options.ofBatch ? [idle, threshold] : [idle];
  }

  plan(room: Room): PlannedSparseEncoder {
    const planned = new PlannedSparseEncoder(this, room);
    this.#planned.set(room, planned);
    return planned;
  }

  /** The encoder's plan that was made with `room`. */
  plannedIn(room: Room): PlannedSparseEncoder {
    const planned = this.#planned.get(room);
    if (!planned) throw new Error("A sparse decoder is planned before its encoder.");
    return planned;
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    const h = this.dense.onnxValue(write, x);
    if (this.options.ofBatch) {
      const isKept = write.add("Greater", [h, THRESHOLD]);
      return write.named(write.add("Where", [isKept, h, write.constant(0)]), output);
    }
    const [values, indices] = write.topK(h, this.options.k);
    const zeros = write.add("Mul", [h, write.constant(0)]);
    const kept = write.add("ScatterElements", [zeros, indices, values], { axis: { int: 1 } });
    return write.named(kept, output);
  }
}

export class PlannedSparseEncoder implements PlannedLayer, SparseSource {
  readonly lists: KeptLists;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  /** The number of kept elements of the last forward pass. */
  count = 0;
  /** The gradient at the decoder's sums [rows, inputs], for the decoder's use of the weight. 0 for a dense decoder. */
  decoderGradient: Address = 0;
  /** The values before the selection [rows, units]. */
  readonly h: Address;
  readonly #layer: SparseEncoder;
  /** The weighted sums [rows, units] if the derivative of the activation reads them. Otherwise the same as `h`. */
  readonly #z: Address;
  /** The code as a matrix [rows, units], or 0 if no matrix is needed. */
  readonly #matrix: Address;
  /** The weighted sums of the kept elements [count], or 0 if they are not needed. */
  readonly #sums: Address;
  readonly #dx: Address;
  readonly #workspace: Address;
  readonly #capacity: number;
  readonly #idle: Address;
  readonly #threshold: Address;
  readonly #auxiliary: PlannedAuxiliaryTerm | undefined;
  #x: Address = 0;

  constructor(layer: SparseEncoder, room: Room) {
    const { options, dense } = layer;
    const { inputs, outputs: units, activation } = dense;
    const { rows, training } = room;
    const { k, ofBatch } = options;
    this.#layer = layer;
    this.weight = room.parameter(options.dense.weight.name);
    this.bias = options.dense.bias && room.parameter(options.dense.bias.name);
    this.h = room.output(units);
    const needsSum = training && gradientNeedsInput(activation.code, activation.parameter);
    this.#z = needsSum ? room.matrix(units) : this.h;
    this.#capacity = ofBatch && !training ? rows * units : rows * k;
    this.lists = planLists(room, units, this.#capacity);
    this.#sums = needsSum ? room.floats(this.#capacity) : 0;
    if (!training) this.#matrix = this.h;
    else this.#matrix = options.decodesSparsely ? 0 : room.matrix(units);
    this.#dx = training && options.dense.inputGradient ? room.matrix(inputs) : 0;
    this.#workspace = room.selection(ofBatch && training ? rows * units : units);
    this.#idle = room.buffer(ROWS_SINCE_ACTIVE);
    this.#threshold = ofBatch ? room.buffer(THRESHOLD) : 0;
    this.#auxiliary = training ? options.auxiliary?.plan(room, this) : undefined;
    const term = this.#auxiliary;
    this.ownLoss = term && ((pass, y, target) => term.loss(pass, y, target));
    room.product(rows, units, inputs);
  }

  readonly ownLoss: PlannedLayer["ownLoss"];

  /** The kept values, or the matrix if the decoder reads a matrix. */
  get code(): CodeMatrix {
    return this.#matrix === 0
      ? { address: this.lists.values, columns: this.#layer.options.k }
      : { address: this.#matrix, columns: this.#layer.outputs };
  }

  /** Rows since each unit was active [units], uint32 */
  get idle(): Address {
    return this.#idle;
  }

  forward(pass: Pass, x: Address): Address {
    const { kernels, rows, panels } = pass;
    const { inputs, outputs: units, activation } = this.#layer.dense;
    const { value: weight } = this.weight;
    const [z, h] = [this.#z, this.h];
    this.#x = x;
    kernels.gemmNT(rows, units, inputs, x, inputs, weight, inputs, 0, z, units, panels);
    const { code, parameter } = activation;
    kernels.biasActivation(code, parameter, rows, units, z, this.bias?.value ?? 0, h);
    this.#select(pass);
    if (pass.training) this.#observe(pass);
    return this.#matrix === 0 ? this.lists.values : this.#matrix;
  }

  backward(pass: Pass, dy: Address): Address {
    const { kernels, rows } = pass;
    const { inputs, outputs: units } = this.#layer.dense;
    const { starts, indices, values, gradients } = this.lists;
    if (this.#matrix !== 0) kernels.sparseGather(rows, starts, indices, dy, units, gradients);
    this.gradientAtSum(pass, this.lists, this.count, this.#sums);
    const x = this.#x;
    const dX = this.decoderGradient;
    // A sparse decoder leaves its own use of the weight, values · dX, to this pass.
    const beta = pass.beta(this.weight);
    if (dX === 0) addProducts(pass, this.weight, this.lists, beta, gradients, x, 0, 0);
    else addProducts(pass, this.weight, this.lists, beta, values, dX, gradients, x);
    const dx = this.#dx;
    if (dx !== 0) {
      const weight = this.weight.value;
      kernels.sparseNN(rows, inputs, starts, indices, gradients, weight, inputs, 0, dx, inputs);
    }
    this.#auxiliary?.backward(pass, x, dx);
    return dx;
  }

  gradientAtSum(pass: Pass, lists: KeptLists, count: number, sums: Address): void {
    const { kernels, rows } = pass;
    const { outputs: units, activation } = this.#layer.dense;
    const { starts, indices, values, gradients, unitStarts, entryRows, entries } = lists;
    if (this.#z !== this.h) kernels.sparseGather(rows, starts, indices, this.#z, units, sums);
    const { code, parameter } = activation;
    kernels.activationGradient(code, parameter, count, sums, values, gradients, gradients);
    kernels.invertLists(rows, units, starts, indices, unitStarts, entryRows, entries);
    if (!this.bias) return;
    const beta = pass.beta(this.bias);
    kernels.sparseColumnSums(units, unitStarts, entries, gradients, beta, this.bias.gradient);
  }

  /** Lists the elements of `h` to keep, and writes the code as a matrix if one is needed. */
  #select({ kernels, rows, training, arena }: Pass): void {
    const { k, ofBatch } = this.#layer.options;
    const units = this.#layer.outputs;
    const { starts, indices, values } = this.lists;
    const [h, out, workspace] = [this.h, this.#matrix, this.#workspace];
    this.count = k * rows;
    if (!ofBatch) {
      equalLists(arena, starts, rows, k);
      kernels.topK(rows, units, k, h, out, indices, values, workspace);
    } else if (training) {
      kernels.topK(1, rows * units, this.count, h, out, indices, values, workspace);
      kernels.rowStarts(rows, units, this.count, indices, starts);
    } else {
      const threshold = arena.heap[this.#threshold / 4] ?? 0;
      const room = this.#capacity;
      this.count =
        kernels.keepAbove(rows, units, threshold, h, out, starts, indices, values, room) >>> 0;
    }
  }

  /** Updates the counts of rows without activity, and the threshold. */
  #observe({ kernels, rows, arena }: Pass): void {
    const { indices, values } = this.lists;
    const units = this.#layer.outputs;
    kernels.countIdle(rows, units, this.count, indices, values, ACTIVE, this.#idle);
    if (this.#threshold === 0) return;
    const smallest = kernels.smallestPositive(this.count, values);
    if (smallest === 0) return;
    const at = this.#threshold / 4;
    const threshold = arena.heap[at] ?? 0;
    arena.heap[at] = threshold === 0 ? smallest : threshold + RATE * (smallest - threshold);
  }
}
