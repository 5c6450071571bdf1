// The elementwise activations: their names, their parameters and their form in ONNX. The formulas are in
// assembly/activation.ts. A new activation needs an op code in assembly/ops.ts, its formula in
// assembly/activation.ts, and an object here.

import { Activation } from "../../assembly/ops.ts";
import {
  type Definition,
  type NameOf,
  number,
  Registry,
  type Resolved,
  type ResolvedOf,
  type SpecOf,
  shortForm,
} from "../options.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

export interface ActivationDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** The op code of the kernels. */
  readonly code: Activation;
  /** The parameter of the kernels. 0 if the activation has none. */
  parameter(options: Resolved<Options>): number;
  /** Adds the nodes of act(x) to an ONNX graph. gelu and silu have no operator of their own in opset 17. */
  onnx(write: OnnxWriter, x: string, parameter: number): string;
  /**
   * The smallest weighted sum of a unit after a start from principal components. The start shifts biases so that
   * the activation is nearly the identity for all values of a unit. Absent if no shift can do that.
   */
  readonly lift?: number;
}

type AnyActivation = ActivationDefinition<string, object>;

function plain<Type extends string>(
  type: Type,
  code: Activation,
  onnx: AnyActivation["onnx"],
  lift?: number,
): ActivationDefinition<Type, object> {
  return {
    type,
    options: {},
    code,
    parameter: () => 0,
    onnx,
    ...(lift === undefined ? {} : { lift }),
  };
}

const operator =
  (op: string): AnyActivation["onnx"] =>
  (write, x) =>
    write.add(op, [x]);

/** x/2 (1 + inner), the common part of both gelus. */
function gelu(write: OnnxWriter, x: string, inner: string): string {
  return write.add("Mul", [
    write.add("Mul", [x, write.constant(0.5)]),
    write.add("Add", [inner, write.constant(1)]),
  ]);
}

/** Options of the activation `"leakyRelu"`. */
export interface LeakyReluOptions {
  /** Slope below 0. Default 0.01. */
  slope?: number;
}

/** Options of the activation `"elu"`. */
export interface EluOptions {
  /** The output tends to -alpha as the input tends to negative infinity. Default 1. */
  alpha?: number;
}

const leakyRelu: ActivationDefinition<"leakyRelu", LeakyReluOptions> = {
  type: "leakyRelu",
  options: { slope: number(0.01) },
  code: Activation.leakyRelu,
  parameter: ({ slope }) => slope,
  onnx: (write, x, slope) => write.add("LeakyRelu", [x], { alpha: { float: slope } }),
  lift: 0,
};

const elu: ActivationDefinition<"elu", EluOptions> = {
  type: "elu",
  options: { alpha: number(1) },
  code: Activation.elu,
  parameter: ({ alpha }) => alpha,
  onnx: (write, x, alpha) => write.add("Elu", [x], { alpha: { float: alpha } }),
  lift: 0,
};

const definitions = [
  plain("linear", Activation.linear, operator("Identity")),
  plain("relu", Activation.relu, operator("Relu"), 0),
  leakyRelu,
  elu,
  plain("selu", Activation.selu, operator("Selu"), 0), // ONNX's default constants are PyTorch's
  plain(
    "gelu",
    Activation.gelu,
    (write, x) =>
      gelu(write, x, write.add("Erf", [write.add("Mul", [x, write.constant(Math.SQRT1_2)])])),
    3,
  ),
  plain(
    "geluTanh",
    Activation.geluTanh,
    (write, x) => {
      // tanh(√(2/π) (x + 0.044715 x³)), with the sum written as x (1 + 0.044715 x²)
      const square = write.add("Mul", [x, x]);
      const bracket = write.add("Add", [
        write.add("Mul", [square, write.constant(0.044715)]),
        write.constant(1),
      ]);
      const scaled = write.add("Mul", [x, write.constant(Math.sqrt(2 / Math.PI))]);
      return gelu(write, x, write.add("Tanh", [write.add("Mul", [scaled, bracket])]));
    },
    3,
  ),
  plain("silu", Activation.silu, (write, x) => write.add("Mul", [x, write.add("Sigmoid", [x])]), 3),
  plain("softplus", Activation.softplus, operator("Softplus"), 3),
  plain("sigmoid", Activation.sigmoid, operator("Sigmoid")),
  plain("tanh", Activation.tanh, operator("Tanh")),
];
type Activations = (typeof definitions)[number];

export const activations = new Registry<AnyActivation, Activations>("activation", definitions);

/** The name of an activation. */
export type ActivationName = NameOf<Activations>;

/** An activation by name, or with its parameter. */
export type ActivationSpec = SpecOf<Activations>;

/** An activation with its parameter filled in, or only its name if it has no parameter. */
export type ActivationConfig = ResolvedOf<Activations> | ActivationName;

/** An activation in the form that the kernels take. */
export interface ActivationOp {
  readonly type: ActivationName;
  readonly code: Activation;
  readonly parameter: number;
}

/** Checks an activation and fills in its parameter. */
export function resolveActivation(where: string, spec: unknown): ActivationConfig {
  return shortForm(activations.resolve(where, spec));
}

/** A resolved activation in the form that the kernels take. */
export function activationOp(config: ActivationConfig): ActivationOp {
  const spec = typeof config === "string" ? { type: config } : config;
  const definition = activations.of(spec);
  return { type: spec.type, code: definition.code, parameter: definition.parameter(spec) };
}
