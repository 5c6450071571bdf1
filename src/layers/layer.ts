// The interface of layers. A layer describes its parameters and its form in ONNX. A planned layer has buffers for a
// number of rows, and computes. One forward pass serves training and inference.
//
// All matrices are row-major float32 in the arena. They are passed by their byte address.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

/** A byte address in the arena. 0 means "none". */
export type Address = number;

/** A parameter. Layers that share a parameter, such as tied layers, refer to it by the same name. */
export interface ParameterSpec {
  /** Its public name, for example `encoder.0.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Penalties and constraints only act on tied weights. */
  readonly kind: "tiedWeight" | "weight" | "bias";
  /** The number of inputs of its linear map. Initial values are scaled by it. */
  readonly fanIn: number;
}

/** A parameter in the arena. */
export interface Parameter {
  readonly spec: ParameterSpec;
  readonly length: number;
  readonly value: Address;
  readonly gradient: Address;
}

/** Values besides the parameters that training updates without a gradient. They are saved with the model. */
export interface BufferSpec {
  readonly name: string;
  /** Float32 or uint32 values. */
  readonly type: "F32" | "U32";
  readonly length: number;
}

/** The settings of a forward or backward pass. One object serves all passes of a plan. */
export interface Pass {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  /** Rows of this pass, at most those of the plan. */
  rows: number;
  /** Whether layers draw noise, update their buffers and keep what the backward pass needs. */
  training: boolean;
  /** Whether the last layer skips its activation, because the loss reads logits. */
  logits: boolean;
  /** Whether the loss will be computed, so that layers compute their own part of it. */
  wantsLoss: boolean;
  /** Whether layers skip their biases. */
  withoutBias: boolean;
  /** Whether the pass starts at a code that the caller gave. */
  fromCode: boolean;
  /** The optimizer step, and how many of its rows earlier passes took. Random draws depend on both. */
  step: number;
  firstRow: number;
  /** Factor on all gradients. */
  scale: number;
  /** The workspace of matrix products. */
  readonly panels: Address;
  /**
   * 0 if the gradient of `parameter` must be overwritten, 1 if it must be added to. The first use in a pass
   * overwrites, unless gradients accumulate. Every later use adds.
   */
  beta(parameter: Parameter): number;
}

/** Allocates the buffers of a plan. */
export interface Room {
  /** The largest number of rows of a pass. */
  readonly rows: number;
  readonly training: boolean;
  /**
   * A matrix [rows, columns] for the output of a layer. In training it is a separate matrix, because the backward
   * pass reads it. In inference it is one of two matrices that layers use in turn.
   */
  output(columns: number): Address;
  /** A separate matrix [rows, columns]. */
  matrix(columns: number): Address;
  /** Room for `length` float32 values. */
  floats(length: number): Address;
  /** Makes the shared workspace large enough for a matrix product [m, k] · [k, n]. */
  product(m: number, n: number, k: number): void;
  /** Workspace for selecting the largest of `count` elements. */
  selection(count: number): Address;
  parameter(name: string): Parameter;
  buffer(name: string): Address;
}

/** The code of a pass as a matrix [rows, columns]. For a sparse code it holds the kept values only. */
export interface CodeMatrix {
  readonly address: Address;
  readonly columns: number;
}

/** A layer with buffers. */
export interface PlannedLayer {
  /** The code, for a layer that can be the last encoding layer. */
  readonly code?: CodeMatrix;
  /** Output [rows, outputs] of the input `x` [rows, inputs]. */
  forward(pass: Pass, x: Address): Address;
  /**
   * Returns the gradient at the input, and adds the gradients of the layer's parameters. `dy` is the gradient at the
   * output, which may be overwritten. Returns 0 if the gradient at the input is not needed.
   */
  backward(pass: Pass, dy: Address): Address;
  /**
   * The layer's own term of the total loss, after the forward pass of the whole network. `y` is the
   * reconstruction and `target` its target [rows, width]. `backward` adds the gradient of the term.
   */
  ownLoss?: ((pass: Pass, y: Address, target: Address) => number) | undefined;
}

export interface Layer {
  /** For example `encoder.0`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers: readonly BufferSpec[];
  /** What a summary shows besides the shape: the activation, the selection. */
  readonly label: string;
  plan(room: Room): PlannedLayer;
  /** Adds the layer in inference mode to an ONNX graph. Returns the name of its output for the input `x`. */
  onnx(write: OnnxWriter, x: string, output: string): string;
}
