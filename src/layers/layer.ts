// What a network is made of. A layer says what parameters it has and how it is written elsewhere; planned for
// a number of rows it has its buffers and computes. One forward serves training and inference.
//
// All matrices are row-major float32 in the arena, named by their byte address.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

/** A byte address in the arena; 0 stands for "none". */
export type Address = number;

/** A parameter. Layers that share one, as tied layers do, name the same. */
export interface ParameterSpec {
  /** Its public name, as in `encoder.0.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Penalties and constraints act on tied weights only. */
  readonly kind: "tiedWeight" | "weight" | "bias";
  /** Inputs of the linear map that it belongs to: what its initial values are scaled by. */
  readonly fanIn: number;
}

/** A parameter in the arena. */
export interface Parameter {
  readonly spec: ParameterSpec;
  readonly length: number;
  readonly value: Address;
  readonly gradient: Address;
}

/** Numbers beside the parameters that training moves without a gradient; saved with the model. */
export interface BufferSpec {
  readonly name: string;
  /** Float32 or uint32 values. */
  readonly type: "F32" | "U32";
  readonly length: number;
}

/** What a forward or backward pass needs to know. One object serves all passes of a plan. */
export interface Pass {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  /** Rows of this pass, at most those of the plan. */
  rows: number;
  /** Layers draw noise, count and keep what the backward pass needs. */
  training: boolean;
  /** The last layer leaves out its activation: the loss reads logits. */
  logits: boolean;
  /** The loss will be asked for: layers keep what their own part of it needs. */
  wantsLoss: boolean;
  /** Layers leave out their biases. */
  withoutBias: boolean;
  /** The pass starts at the code, which a caller gave. */
  fromCode: boolean;
  /** The optimizer step, and the rows of it that earlier passes took: they name random draws. */
  step: number;
  firstRow: number;
  /** Factor on all gradients. */
  scale: number;
  /** Workspace of matrix products. */
  readonly panels: Address;
  /**
   * 0 if the gradient of `parameter` is to be overwritten, 1 if it is to be added to. The first use in a pass
   * writes, unless gradients accumulate; every later use adds.
   */
  beta(parameter: Parameter): number;
}

/** Room for the buffers of a plan. */
export interface Room {
  /** Most rows of a pass. */
  readonly rows: number;
  readonly training: boolean;
  /**
   * A matrix [rows, columns] for the output of a layer: its own in training, where the backward pass reads it;
   * one of two that alternate in inference.
   */
  output(columns: number): Address;
  /** A matrix [rows, columns] of one's own. */
  matrix(columns: number): Address;
  /** Room for `length` float32 values that does not depend on the rows. */
  floats(length: number): Address;
  /** Announces a matrix product [m, k] · [k, n], whose workspace is shared. */
  product(m: number, n: number, k: number): void;
  /** Workspace to select the largest of `count` elements with. */
  selection(count: number): Address;
  parameter(name: string): Parameter;
  buffer(name: string): Address;
}

/** The code of a pass as a matrix [rows, columns]: for a sparse code the values that were kept. */
export interface CodeMatrix {
  readonly address: Address;
  readonly columns: number;
}

/** A layer with buffers. */
export interface PlannedLayer {
  /** The output, where the layer may be the last that encodes. */
  readonly code?: CodeMatrix;
  /** Output [rows, outputs] of the input `x` [rows, inputs]. */
  forward(pass: Pass, x: Address): Address;
  /**
   * Takes the gradient at the output, which it may overwrite, back to the input; adds the gradients of the
   * layer's parameters. 0 where nobody asked for the gradient at the input.
   */
  backward(pass: Pass, dy: Address): Address;
  /**
   * The layer's own part of the total loss, after the forward pass of the whole network: `y` is the
   * reconstruction and `target` what it should be [rows, width]. Its gradient enters in `backward`.
   */
  ownLoss?: ((pass: Pass, y: Address, target: Address) => number) | undefined;
}

export interface Layer {
  /** As in `encoder.0`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers: readonly BufferSpec[];
  /** What a summary says of the layer beside its shape: its activation, its selection. */
  readonly label: string;
  plan(room: Room): PlannedLayer;
  /** Writes the layer to ONNX, as inference runs it: the name of the output for the input `x`. */
  onnx(write: OnnxWriter, x: string, output: string): string;
}
