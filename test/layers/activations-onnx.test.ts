import * as ort from "onnxruntime-web";
import { expect, test } from "vitest";
import { encodeOnnx } from "../../src/formats/onnx.ts";
import { type ActivationName, activations } from "../../src/layers/activations.ts";
import { OnnxWriter } from "../../src/layers/onnx-writer.ts";
import { activations as reference } from "../support/reference/activations.ts";

ort.env.wasm.numThreads = 1;

// The first parameter of the reference, for an activation that has one.
const cases = activations.all.map(
  ({ type }) => [type, reference[type as ActivationName].parameters?.[0] ?? 0] as const,
);

test.each(cases)(
  "%s in onnxruntime is the formula to 2e-6 + 1e-6 relative",
  async (type, parameter) => {
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
      const expected = reference[type as ActivationName].act(x[i]!, parameter);
      const error = Math.abs(value - expected);
      expect(error, `${type}(${x[i]}) = ${value}`).toBeLessThan(2e-6 + 1e-6 * Math.abs(expected));
    }
  },
);
