// The decoding half of a sparse code: y = act(S W + c), where S holds the kept values. The encoder adds the gradient of
// both uses of the tied weight, its own and the decoder's.

import { Dense, type DenseOptions, type PlannedDense } from "./dense.ts";
import { decodeLists, gradientAtLists } from "./kept-lists.ts";
import type { Address, Layer, ParameterSpec, Pass, PlannedLayer, Room } from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";
import type { PlannedSparseEncoder, SparseEncoder } from "./sparse-encoder.ts";

export class SparseDecoder implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers = [];
  readonly label: string;
  readonly dense: Dense;
  readonly #encoder: SparseEncoder;

  constructor(options: DenseOptions, encoder: SparseEncoder) {
    this.dense = new Dense({ ...options, inputGradient: false });
    this.#encoder = encoder;
    this.name = this.dense.name;
    this.inputs = this.dense.inputs;
    this.outputs = this.dense.outputs;
    this.parameters = this.dense.parameters;
    this.label = this.dense.label;
  }

  plan(room: Room): PlannedLayer {
    return new PlannedSparseDecoder(this, this.#encoder.plannedIn(room), room);
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    return this.dense.onnx(write, x, output);
  }
}

class PlannedSparseDecoder implements PlannedLayer {
  readonly #dense: PlannedDense;
  readonly #encoder: PlannedSparseEncoder;

  constructor({ dense }: SparseDecoder, encoder: PlannedSparseEncoder, room: Room) {
    this.#dense = dense.plan(room);
    this.#encoder = encoder;
  }

  forward(pass: Pass, x: Address): Address {
    // A code from a caller is a matrix, not lists.
    if (pass.fromCode) return this.#dense.forward(pass, x);
    return decodeLists(pass, this.#dense, this.#encoder.lists);
  }

  /** Returns the gradients at the kept values [count]. */
  backward(pass: Pass, dy: Address): Address {
    this.#dense.gradientAtSum(pass, dy);
    this.#encoder.decoderGradient = dy;
    return gradientAtLists(pass, this.#dense, this.#encoder.lists, dy);
  }
}
