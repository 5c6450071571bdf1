// Exported models under the rules of ONNX's checker, and in onnxruntime beside the model itself.

import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { InvalidStateError, InvalidValueError, TiedAutoencoder } from "../../src/index.ts";
import { type OnnxRuntime, onnxCases, onnxError, onnxModel } from "../support/onnx-cases.ts";
import { checkOnnx } from "../support/onnx-checker.ts";

ort.env.wasm.numThreads = 1;

const parts = ["encoder", "decoder", "reconstruction"] as const;

describe.each(onnxCases)("%s", (_, config) => {
  test.each(parts)("%s keeps the checker's rules", (part) => {
    checkOnnx(onnxModel(config).toOnnx({ part }));
  });

  test("onnxruntime-web gives the model's outputs within 1e-5", async () => {
    const error = await onnxError(ort as unknown as OnnxRuntime, onnxModel(config));
    expect(error).toBeLessThan(1e-5);
  });
});

describe("what the file holds", () => {
  const model = TiedAutoencoder.createSync({ layers: [200, 60, 10] });
  const weights = model.weights();

  test("each tied weight once, read transposed by the encoder and as it stands by the decoder", () => {
    const bytes = model.toOnnx({ part: "reconstruction" });
    const { graph } = checkOnnx(bytes);
    const named = Object.fromEntries(
      graph.initializer.map(({ name, dims, rawData }) => [
        name,
        { shape: dims, data: new Float32Array(rawData.slice().buffer) },
      ]),
    );
    expect(named).toEqual(weights);
    const uses = graph.node
      .filter(({ opType }) => opType === "Gemm")
      .map(({ input, attribute }) => [input[1], input[2], attribute[0]!.name, attribute[0]!.i]);
    expect(uses).toEqual([
      ["encoder.0.weight", "encoder.0.bias", "transB", 1],
      ["encoder.1.weight", "encoder.1.bias", "transB", 1],
      ["encoder.1.weight", "decoder.1.bias", "transB", 0],
      ["encoder.0.weight", "decoder.0.bias", "transB", 0],
    ]);
    const floats = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes.length).toBeLessThan(4 * floats + 2500);
  });

  test("only what its part uses, and the configuration", () => {
    const names = (part: (typeof parts)[number]) =>
      checkOnnx(model.toOnnx({ part })).graph.initializer.map(({ name }) => name);
    expect(names("encoder").some((name) => name.startsWith("decoder"))).toBe(false);
    expect(names("decoder").some((name) => name.endsWith("bias") && /^enc/.test(name))).toBe(false);
    const { metadataProps, producerName } = checkOnnx(model.toOnnx());
    const metadata = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    expect(metadata.format).toBe("tied-autoencoder");
    expect(JSON.parse(metadata.config!)).toEqual(model.config);
    expect(producerName).toBe("tied-autoencoder");
  });

  test("the reconstruction is the default, and its code can be asked for by name", () => {
    expect(model.toOnnx()).toEqual(model.toOnnx({ part: "reconstruction" }));
    const { graph } = checkOnnx(model.toOnnx());
    expect(graph.node.some(({ output }) => output[0] === "code")).toBe(true);
  });

  test("a part that is none, an unknown option and an unfitted scaler are refused", () => {
    expect(() => model.toOnnx({ part: "codec" as "encoder" })).toThrow(InvalidValueError);
    expect(() => model.toOnnx({ opset: 17 } as object)).toThrow(/no option "opset"/);
    const scaled = TiedAutoencoder.createSync({ layers: [3, 2], scaler: "standard" });
    expect(() => scaled.toOnnx()).toThrow(InvalidStateError);
  });
});
