import onnxProto from "onnx-proto";
import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/errors.ts";
import { encodeOnnx, type OnnxGraph, type OnnxNode } from "../../src/formats/onnx.ts";

const { ModelProto } = onnxProto.onnx;
ort.env.wasm.numThreads = 1;

/** One tied layer as encoder and decoder: y = relu(x W^T + b) W + c, W stored once. */
const graph: OnnxGraph = {
  name: "tied",
  inputs: [{ name: "x", shape: ["batch", 3] }],
  outputs: [
    { name: "h", shape: ["batch", 2] },
    { name: "y", shape: ["batch", 3] },
  ],
  initializers: [
    { name: "W", shape: [2, 3], data: new Float32Array([1, 2, 3, -4, 5, 0.5]) },
    { name: "b", shape: [2], data: new Float32Array([0.25, -1]) },
    { name: "c", shape: [3], data: new Float32Array([0, 1, 2]) },
  ],
  nodes: [
    {
      op: "Gemm",
      inputs: ["x", "W", "b"],
      outputs: ["z"],
      attributes: { transB: { int: 1 }, alpha: { float: 1 } },
    },
    { op: "Relu", inputs: ["z"], outputs: ["h"] },
    { op: "Gemm", inputs: ["h", "W", "c"], outputs: ["y"] },
  ],
};

async function run(model: Uint8Array, x: number[], width: number) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const shape = [x.length / width, width];
  return session.run({ x: new ort.Tensor("float32", Float32Array.from(x), shape) });
}

describe("encodeOnnx", () => {
  test("can be read completely with the published schema", () => {
    const metadata = { "naïve key": "value 😀" };
    const info = { opset: 20, producer: "tied", producerVersion: "1.2.3", metadata };
    const model = ModelProto.toObject(ModelProto.decode(encodeOnnx(graph, info)), {
      longs: Number,
      bytes: Array,
    });
    const floats = (data: Float32Array) => [...new Uint8Array(data.buffer)];
    const value = (name: string, width: number) => ({
      name,
      type: {
        tensorType: { elemType: 1, shape: { dim: [{ dimParam: "batch" }, { dimValue: width }] } },
      },
    });
    expect(model).toEqual({
      irVersion: 9,
      producerName: "tied",
      producerVersion: "1.2.3",
      opsetImport: [{ version: 20 }],
      metadataProps: [{ key: "naïve key", value: "value 😀" }],
      graph: {
        name: "tied",
        input: [value("x", 3)],
        output: [value("h", 2), value("y", 3)],
        initializer: graph.initializers.map(({ name, shape, data }) => ({
          name,
          dims: shape,
          dataType: 1,
          rawData: floats(data),
        })),
        node: [
          {
            name: "Gemm_0",
            opType: "Gemm",
            input: ["x", "W", "b"],
            output: ["z"],
            attribute: [
              { name: "transB", type: 2, i: 1 },
              { name: "alpha", type: 1, f: 1 },
            ],
          },
          { name: "Relu_1", opType: "Relu", input: ["z"], output: ["h"] },
          { name: "Gemm_2", opType: "Gemm", input: ["h", "W", "c"], output: ["y"] },
        ],
      },
    });
  });

  test("writes every kind of attribute, negative and large numbers included", () => {
    const ints = [0, 1, -1, 127, 128, -129, 2 ** 31, -(2 ** 40), Number.MAX_SAFE_INTEGER];
    const floats = [0, -0.1, 1e38, 1 / 0];
    const attributes = {
      int: { int: -7 },
      float: { float: -0.1 },
      ints: { ints },
      floats: { floats },
      string: { string: "né" },
      empty: { ints: [] },
    };
    const node: OnnxNode = { op: "Any", inputs: ["x", ""], outputs: ["h", "y"], attributes };
    const model = ModelProto.decode(encodeOnnx({ ...graph, initializers: [], nodes: [node] }));
    expect(ModelProto.toObject(model, { longs: Number, bytes: Array }).graph.node[0]).toEqual({
      name: "Any_0",
      opType: "Any",
      input: ["x", ""],
      output: ["h", "y"],
      attribute: [
        { name: "int", type: 2, i: -7 },
        { name: "float", type: 1, f: Math.fround(-0.1) },
        { name: "ints", type: 7, ints },
        { name: "floats", type: 6, floats: floats.map(Math.fround) },
        { name: "string", type: 3, s: [...new TextEncoder().encode("né")] },
        { name: "empty", type: 7 },
      ],
    });
  });

  test("runs in onnxruntime, with any number of rows", async () => {
    const model = encodeOnnx(graph);
    const { h, y } = await run(model, [1, -1, 2, 0, 0, 0], 3);
    expect([...h!.dims, ...y!.dims]).toEqual([2, 2, 2, 3]);
    // Row 1: z = [5 + 0.25, -8 - 1]; row 2: z = b.
    expect([...(h!.data as Float32Array)]).toEqual([5.25, 0, 0.25, 0]);
    expect([...(y!.data as Float32Array)]).toEqual([5.25, 11.5, 17.75, 0.25, 1.5, 2.75]);
    expect((await run(model, [1, 1, 1], 3)).h!.dims).toEqual([1, 2]);
  });

  test("stores weights once and unchanged", () => {
    const data = new Float32Array(100_000).fill(Math.PI);
    const big = {
      ...graph,
      initializers: [...graph.initializers, { name: "V", shape: [100_000], data }],
    };
    expect(encodeOnnx(big).length - encodeOnnx(graph).length).toBeLessThan(400_050);
  });

  const { initializers, nodes } = graph;
  test.each<[string, Partial<OnnxGraph>, RegExp]>([
    ["a name twice", { initializers: [...initializers, initializers[0]!] }, /"W" is made twice/],
    ["an empty name", { inputs: [{ name: "", shape: [] }] }, /"" is made twice or unnamed/],
    ["nodes out of order", { nodes: [...nodes].reverse() }, /Gemm uses "h" before it is made/],
    ["an output that is not made", { outputs: [{ name: "q", shape: [] }] }, /the output uses "q"/],
    [
      "data unlike its shape",
      { initializers: [{ ...initializers[0]!, shape: [2, 2] }] },
      /"W": 6 elements are not of shape \[2,2\]/,
    ],
  ])("refuses %s", (_, change, message) => {
    expect(() => encodeOnnx({ ...graph, ...change })).toThrow(InvalidValueError);
    expect(() => encodeOnnx({ ...graph, ...change })).toThrow(message);
  });
});
