// Exported models are checked with the rules of ONNX's checker, and compared in onnxruntime with the model.

import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { InvalidStateError, InvalidValueError, TiedAutoencoder } from "../../src/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { type OnnxRuntime, onnxCases, onnxError, onnxModel } from "../support/onnx-cases.ts";
import { checkOnnx } from "../support/onnx-checker.ts";

ort.env.wasm.numThreads = 1;

const parts = ["encoder", "decoder", "reconstruction"] as const;

describe.each(onnxCases)("%s", (_, config) => {
  test.each(parts)("%s follows the rules of the checker", (part) => {
    checkOnnx(onnxModel(config).toOnnx({ part }));
  });

  test("onnxruntime-web gives the outputs of the model within 1e-5", async () => {
    const error = await onnxError(ort as unknown as OnnxRuntime, onnxModel(config));
    expect(error).toBeLessThan(1e-5);
  });
});

describe("codes of families", () => {
  const rows = [3, 3, 3, 1, 2, 2, 2, 2];

  test("TopK keeps the lower index of equal values, as the model does", async () => {
    const model = TiedAutoencoder.createSync({
      layers: [4, 4],
      code: { type: "topK", k: 2 },
      bias: false,
      decoderBias: false,
      activation: "linear",
    });
    const identity = Float32Array.from({ length: 16 }, (_, i) => (i % 5 ? 0 : 1));
    model.setWeights({ "encoder.0.weight": { shape: [4, 4], data: identity } });
    const session = await ort.InferenceSession.create(model.toOnnx({ part: "encoder" }));
    const x = new ort.Tensor("float32", Float32Array.from(rows), [2, 4]);
    const { code } = await session.run({ input: x });
    expect([...(code!.data as Float32Array)]).toEqual([3, 3, 0, 0, 2, 2, 0, 0]);
    expect([...model.encode([rows.slice(0, 4), rows.slice(4)])]).toEqual([3, 3, 0, 0, 2, 2, 0, 0]);
  });

  test("heads adds the clamped log variance to the mean", async () => {
    const model = TiedAutoencoder.createSync({ layers: [4, 3, 2], code: "gaussian" });
    const weights = model.weights();
    weights["encoder.1.logVariance.bias"]!.data.set([-50, 0.5]);
    model.setWeights(weights);
    const bytes = model.toOnnx({ part: "encoder", heads: true });
    checkOnnx(bytes);
    const session = await ort.InferenceSession.create(bytes);
    expect(session.outputNames).toEqual(["code", "logVariance"]);
    const x = new ort.Tensor("float32", Float32Array.from(rows), [2, 4]);
    const { code, logVariance } = await session.run({ input: x });
    const expected = model.encodeDistribution([rows.slice(0, 4), rows.slice(4)]);
    expect(relativeDistance(code!.data as Float32Array, expected.mean)).toBeLessThan(1e-6);
    const theirs = logVariance!.data as Float32Array;
    expect(relativeDistance(theirs, expected.logVariance)).toBeLessThan(1e-6);
    expect(theirs[0]).toBe(-30);
  });

  test("heads is refused for a code with one head, and for other parts", () => {
    const dense = TiedAutoencoder.createSync({ layers: [4, 2] });
    expect(() => dense.toOnnx({ part: "encoder", heads: true })).toThrow(/"dense"\. Leave it out/);
    const gaussian = TiedAutoencoder.createSync({ layers: [4, 2], code: "gaussian" });
    expect(() => gaussian.toOnnx({ heads: true })).toThrow(
      /part: "encoder"; got .*"reconstruction"/,
    );
  });
});

describe("the contents of the file", () => {
  const model = TiedAutoencoder.createSync({ layers: [200, 60, 10] });
  const weights = model.weights();

  test("each tied weight once, transposed by the encoder and unchanged by the decoder", () => {
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

  test("an unknown part, an unknown option and an unfitted scaler are refused", () => {
    expect(() => model.toOnnx({ part: "codec" as "encoder" })).toThrow(InvalidValueError);
    expect(() => model.toOnnx({ opset: 17 } as object)).toThrow(/no option "opset"/);
    const scaled = TiedAutoencoder.createSync({ layers: [3, 2], scaler: "standard" });
    expect(() => scaled.toOnnx()).toThrow(InvalidStateError);
  });
});
