// The structural rules of ONNX's own checker and shape inference, for the operators that a tied
// autoencoder uses: https://onnx.ai/onnx/repo-docs/IR.html. Reads the file through the published schema, so
// that nothing of our writer is trusted. Stricter in one point: nothing may be unused.

import onnxProto from "onnx-proto";

const { ModelProto } = onnxProto.onnx;

type Decoded = ReturnType<typeof decode>;
type Shape = readonly (number | string)[];

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly ints?: readonly number[];
}

interface Value {
  readonly type: "float" | "bool" | "int64";
  readonly shape: Shape;
}

const FLOAT = 1;
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** The numbers of inputs each operator takes in opset 17, and its attributes with their types. */
const OPERATORS: Record<string, { inputs: number[]; attributes?: Record<string, number> }> = {
  Add: { inputs: [2] },
  Clip: { inputs: [1, 2, 3] },
  Constant: {
    inputs: [0],
    attributes: { value_float: ATTRIBUTE_FLOAT, value_ints: ATTRIBUTE_INTS },
  },
  Div: { inputs: [2] },
  Elu: { inputs: [1], attributes: { alpha: ATTRIBUTE_FLOAT } },
  Erf: { inputs: [1] },
  Gemm: {
    inputs: [2, 3],
    attributes: {
      alpha: ATTRIBUTE_FLOAT,
      beta: ATTRIBUTE_FLOAT,
      transA: ATTRIBUTE_INT,
      transB: ATTRIBUTE_INT,
    },
  },
  Greater: { inputs: [2] },
  Identity: { inputs: [1] },
  IsNaN: { inputs: [1] },
  LeakyRelu: { inputs: [1], attributes: { alpha: ATTRIBUTE_FLOAT } },
  Mul: { inputs: [2] },
  Relu: { inputs: [1] },
  ScatterElements: { inputs: [3], attributes: { axis: ATTRIBUTE_INT } },
  Selu: { inputs: [1], attributes: { alpha: ATTRIBUTE_FLOAT, gamma: ATTRIBUTE_FLOAT } },
  Sigmoid: { inputs: [1] },
  Softplus: { inputs: [1] },
  Sub: { inputs: [2] },
  Tanh: { inputs: [1] },
  TopK: { inputs: [2], attributes: { axis: ATTRIBUTE_INT } },
  Where: { inputs: [3] },
};

/** A decoded file, typed as far as the checks need it. */
export function decode(bytes: Uint8Array) {
  return ModelProto.toObject(ModelProto.decode(bytes), {
    longs: Number,
    arrays: true,
  }) as {
    irVersion: number;
    producerName: string;
    opsetImport: { domain?: string; version: number }[];
    metadataProps: { key: string; value: string }[];
    graph: {
      name: string;
      input: RawValue[];
      output: RawValue[];
      initializer: { name: string; dims: number[]; dataType: number; rawData: Uint8Array }[];
      node: {
        name: string;
        opType: string;
        domain?: string;
        input: string[];
        output: string[];
        attribute: Attribute[];
      }[];
    };
  };
}

interface RawValue {
  name: string;
  type: {
    tensorType: { elemType: number; shape: { dim: { dimValue?: number; dimParam?: string }[] } };
  };
}

/** @throws Error that says which rule a file breaks. Returns what it decoded. */
export function checkOnnx(bytes: Uint8Array): Decoded {
  const model = decode(bytes);
  const { graph } = model;
  const rule = (holds: boolean, message: string) => {
    if (!holds) throw new Error(`ONNX: ${message}`);
  };
  rule(model.irVersion >= 8 && model.irVersion <= 10, `IR version ${model.irVersion}`);
  rule(model.opsetImport.length === 1, "expected one operator set");
  rule((model.opsetImport[0]?.domain ?? "") === "", "expected the standard domain");
  rule(model.opsetImport[0]?.version === 17, `opset ${model.opsetImport[0]?.version}`);
  const keys = model.metadataProps.map(({ key }) => key);
  rule(new Set(keys).size === keys.length, "metadata keys must differ");
  rule(graph.name !== "", "the graph must have a name");
  rule(graph.input.length > 0 && graph.output.length > 0, "inputs and outputs must exist");

  const known = new Map<string, Value>();
  const unused = new Set<string>();
  const make = (name: string, value: Value) => {
    rule(name !== "" && !known.has(name), `"${name}" is made twice or unnamed`);
    known.set(name, value);
    unused.add(name);
  };
  for (const { name, type } of graph.input) make(name, declared(type));
  for (const { name, dims, dataType, rawData } of graph.initializer) {
    rule(dataType === FLOAT, `initializer "${name}" has type ${dataType}`);
    const size = 4 * dims.reduce((product, n) => product * n, 1);
    rule(rawData.length === size, `"${name}" holds ${rawData.length} bytes, its shape ${size}`);
    make(name, { type: "float", shape: dims });
  }

  const nodeNames = new Set<string>();
  for (const node of graph.node) {
    const { name, opType, input, output, attribute } = node;
    rule(name !== "" && !nodeNames.has(name), `node name "${name}" is empty or repeated`);
    nodeNames.add(name);
    const operator = OPERATORS[opType];
    rule(
      operator !== undefined && (node.domain ?? "") === "",
      `the operator ${opType} is not in the list of test/support/onnx-checker.ts`,
    );
    rule(operator!.inputs.includes(input.length), `${name} has ${input.length} inputs`);
    rule(output.length === (opType === "TopK" ? 2 : 1), `${name} has ${output.length} outputs`);
    const attributes = attribute.map((one) => one.name);
    rule(new Set(attributes).size === attributes.length, `${name} repeats an attribute`);
    for (const one of attribute) {
      rule(operator!.attributes?.[one.name] === one.type, `${name} has no attribute ${one.name}`);
    }
    const values = input.map((used) => {
      rule(known.has(used), `${name} uses "${used}", which nothing before it makes`);
      unused.delete(used);
      return known.get(used) as Value;
    });
    const made = infer(node, values);
    make(output[0] as string, made);
    if (opType === "TopK") make(output[1] as string, { ...made, type: "int64" });
  }

  for (const { name, type } of graph.output) {
    rule(known.has(name), `nothing makes the output "${name}"`);
    unused.delete(name);
    const [made, said] = [known.get(name), declared(type)].map((value) => JSON.stringify(value));
    rule(made === said, `the output "${name}" is ${made}, declared as ${said}`);
  }
  rule(unused.size === 0, `unused: ${[...unused].join(", ")}`);
  return model;
}

function declared({ tensorType: { elemType, shape } }: RawValue["type"]): Value {
  if (elemType !== FLOAT) throw new Error(`ONNX: element type ${elemType}`);
  return { type: "float", shape: shape.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue!) };
}

function infer(node: Decoded["graph"]["node"][number], inputs: readonly Value[]): Value {
  const { name, opType, attribute } = node;
  const [a, b, c] = inputs;
  const type = (index: number) => inputs[index]?.type;
  const fail = () => {
    throw new Error(`ONNX: ${name} cannot take ${JSON.stringify(inputs)}`);
  };
  if (opType === "Constant") {
    const { ints } = attribute[0]!;
    // A list of one number, which is how TopK takes k: here its shape stands for its value.
    return ints?.length ? { type: "int64", shape: [ints[0]!] } : { type: "float", shape: [] };
  }
  if (opType === "Greater" && type(0) === "float" && type(1) === "float") {
    return { type: "bool", shape: broadcast(name, inputs) };
  }
  if (opType === "TopK") {
    if (type(0) !== "float" || type(1) !== "int64") fail();
    return { type: "float", shape: [a!.shape[0]!, b!.shape[0]!] };
  }
  if (opType === "ScatterElements") {
    if (type(0) !== "float" || type(1) !== "int64" || type(2) !== "float") fail();
    if (String(b!.shape) !== String(c!.shape)) fail();
    return a!;
  }
  if (opType === "IsNaN" && type(0) === "float") return { type: "bool", shape: a!.shape };
  if (opType === "Where") {
    if (type(0) !== "bool" || type(1) !== "float" || type(2) !== "float") fail();
    return { type: "float", shape: broadcast(name, inputs) };
  }
  if (inputs.some((value) => value.type !== "float")) fail();
  if (opType !== "Gemm") return { type: "float", shape: broadcast(name, inputs) };
  const flag = (key: string) => attribute.find((one) => one.name === key)?.i ?? 0;
  if (a!.shape.length !== 2 || b!.shape.length !== 2) fail();
  const [m, k] = flag("transA") ? [...a!.shape].reverse() : a!.shape;
  const [k2, n] = flag("transB") ? [...b!.shape].reverse() : b!.shape;
  if (k !== k2) fail();
  const shape = [m!, n!];
  if (c && JSON.stringify(broadcast(name, [{ type: "float", shape }, c])) !== JSON.stringify(shape))
    fail();
  return { type: "float", shape };
}

function broadcast(name: string, values: readonly Value[]): Shape {
  const rank = Math.max(...values.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = values
      .map(({ shape }) => shape[i - rank + shape.length])
      .filter((size) => size !== undefined && size !== 1);
    if (new Set(sizes).size > 1) throw new Error(`ONNX: ${name} cannot broadcast its inputs`);
    return sizes[0] ?? 1;
  });
}
