import * as ort from "onnxruntime-web";
import { expect, test } from "vitest";
import { encodeOnnx } from "../../src/formats/onnx.ts";
import { type ActivationName, activations } from "../../src/layers/activations.ts";
import { OnnxWriter } from "../../src/layers/onnx-writer.ts";

ort.env.wasm.numThreads = 1;

/** erf by its Maclaurin series with an error of 1e-12 for |x| < 4, and +-1 elsewhere. */
function erf(x: number): number {
  if (Math.abs(x) >= 4) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];

const references: Record<ActivationName, [parameter: number, f: (x: number) => number]> = {
  linear: [0, (x) => x],
  relu: [0, (x) => Math.max(x, 0)],
  leakyRelu: [0.3, (x) => (x > 0 ? x : 0.3 * x)],
  elu: [0.7, (x) => (x > 0 ? x : 0.7 * Math.expm1(x))],
  selu: [0, (x) => scale * (x > 0 ? x : alpha * Math.expm1(x))],
  gelu: [0, (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
  geluTanh: [0, (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  silu: [0, (x) => x * sigmoid(x)],
  softplus: [0, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  sigmoid: [0, sigmoid],
  tanh: [0, Math.tanh],
};

test.each(Object.entries(references))(
  "%s in onnxruntime is the formula to 2e-6 + 1e-6 relative",
  async (type, [parameter, f]) => {
    const x = Float32Array.from({ length: 161 }, (_, i) => (i - 80) / 4);
    const write = new OnnxWriter();
    write.named(activations.of({ type }).onnx(write, "x", parameter), "y");
    const model = encodeOnnx({
      name: type,
      inputs: [{ name: "x", shape: ["batch"] }],
      outputs: [{ name: "y", shape: ["batch"] }],
      initializers: [],
      nodes: write.nodes,
    });
    const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    const { y } = await session.run({ x: new ort.Tensor("float32", x, [x.length]) });
    for (const [i, value] of (y!.data as Float32Array).entries()) {
      const expected = f(x[i]!);
      const error = Math.abs(value - expected);
      expect(error, `${type}(${x[i]}) = ${value}`).toBeLessThan(2e-6 + 1e-6 * Math.abs(expected));
    }
  },
);
