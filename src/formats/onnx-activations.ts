// Activations in the vocabulary of ONNX opset 17, where gelu and silu are not yet one operator each.

import type { OnnxNode } from "./onnx.ts";

/** An activation by its public name; `parameter` is leakyRelu's slope or elu's alpha. */
export interface OnnxActivation {
  readonly type:
    | "linear"
    | "relu"
    | "leakyRelu"
    | "elu"
    | "selu"
    | "gelu"
    | "geluTanh"
    | "silu"
    | "softplus"
    | "sigmoid"
    | "tanh";
  readonly parameter: number;
}

/** Nodes that make `output` = activation(`input`); what they make between is named after `output`. */
export function activationNodes(
  { type, parameter }: OnnxActivation,
  input: string,
  output: string,
): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const add = (op: string, inputs: string[], attributes: OnnxNode["attributes"] = {}) => {
    const name = `${output}_${nodes.length}`;
    nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  };
  const constant = (value: number) => add("Constant", [], { value_float: { float: value } });
  const alpha = { alpha: { float: parameter } };
  /** x/2 (1 + inner), the frame of both gelus. */
  const gelu = (inner: string) =>
    add("Mul", [add("Mul", [input, constant(0.5)]), add("Add", [inner, constant(1)])]);

  switch (type) {
    case "linear":
      add("Identity", [input]);
      break;
    case "relu":
      add("Relu", [input]);
      break;
    case "leakyRelu":
      add("LeakyRelu", [input], alpha);
      break;
    case "elu":
      add("Elu", [input], alpha);
      break;
    case "selu":
      add("Selu", [input]); // its default constants are PyTorch's
      break;
    case "gelu":
      gelu(add("Erf", [add("Mul", [input, constant(Math.SQRT1_2)])]));
      break;
    case "geluTanh": {
      // tanh(sqrt(2/pi) (x + 0.044715 x^3)), the bracket as x (1 + 0.044715 x^2)
      const square = add("Mul", [input, input]);
      const bracket = add("Add", [add("Mul", [square, constant(0.044715)]), constant(1)]);
      const scaled = add("Mul", [input, constant(Math.sqrt(2 / Math.PI))]);
      gelu(add("Tanh", [add("Mul", [scaled, bracket])]));
      break;
    }
    case "silu":
      add("Mul", [input, add("Sigmoid", [input])]);
      break;
    case "softplus":
      add("Softplus", [input]);
      break;
    case "sigmoid":
      add("Sigmoid", [input]);
      break;
    case "tanh":
      add("Tanh", [input]);
      break;
  }
  return [...nodes.slice(0, -1), { ...nodes[nodes.length - 1]!, outputs: [output] }];
}
