// The elementwise activations: their names, their parameters and how ONNX writes them. The formulas are in
// assembly/activation.ts. A new activation is a row in `Activation` (assembly/ops.ts), its formula there, and an
// object here.

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
  /** The kernels' number for it. */
  readonly code: Activation;
  /** The kernels' one parameter; 0 where there is none. */
  parameter(options: Resolved<Options>): number;
  /** The activation of the value `x` in ONNX; gelu and silu are not yet one operator each. */
  onnx(write: OnnxWriter, x: string, parameter: number): string;
  /**
   * Where a start from principal components puts the least value of a unit, so that the unit passes its values
   * on nearly unchanged; absent where no shift does that.
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

/** x/2 (1 + inner), the frame of both gelus. */
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
  /** Minus the limit towards negative infinity. Default 1. */
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
      // tanh(√(2/π) (x + 0.044715 x³)), the bracket written as x (1 + 0.044715 x²)
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

/** An activation with its parameter filled in; by its name alone where it has none. */
export type ActivationConfig = ResolvedOf<Activations> | ActivationName;

/** An activation as the kernels take it. */
export interface ActivationOp {
  readonly type: ActivationName;
  readonly code: Activation;
  readonly parameter: number;
}

/** Checks an activation and fills in its parameter. */
export function resolveActivation(where: string, spec: unknown): ActivationConfig {
  return shortForm(activations.resolve(where, spec));
}

/** The kernels' view of a resolved activation. */
export function activationOp(config: ActivationConfig): ActivationOp {
  const spec = typeof config === "string" ? { type: config } : config;
  const definition = activations.of(spec);
  return { type: spec.type, code: definition.code, parameter: definition.parameter(spec) };
}
