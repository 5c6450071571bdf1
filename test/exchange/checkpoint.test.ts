import { describe, expect, test } from "vitest";
import { decodeCheckpoint } from "../../src/exchange/checkpoint-read.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { FormatError, type OptimizerSpec, TiedAutoencoder } from "../../src/index.ts";
import { finish } from "../../src/platform/turns.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(40, 6, 1);
const layers = [6, 4, 2];

const optimizers: OptimizerSpec[] = [
  { type: "sgd", learningRate: 0.1 },
  { type: "sgd", learningRate: 0.1, momentum: 0.9, nesterov: true },
  { type: "adam", clipNorm: 0.1 },
  { type: "adamw", weightDecay: 0.1 },
  { type: "rmsprop", centered: true, momentum: 0.5 },
  { type: "adagrad", learningRate: 0.05 },
];

describe("save and load", () => {
  test("a loaded model has the same configuration and bit-identical weights", async () => {
    const model = TiedAutoencoder.createSync({
      layers,
      encoderActivations: [{ type: "elu", alpha: 0.5 }, "tanh"],
      decoderBias: false,
      loss: { type: "huber", delta: 0.3 },
      seed: 9,
    });
    const copy = await TiedAutoencoder.load(model.save());
    expect(copy.config).toEqual(model.config);
    expect(copy.weights()).toEqual(model.weights());
    expect(copy.reconstruct(x)).toEqual(model.reconstruct(x));
  });

  test.each(optimizers)(
    "training resumes with bit-identical results with $type",
    async (optimizer) => {
      const whole = TiedAutoencoder.createSync({ layers, optimizer, dropout: 0.2 });
      for (let t = 0; t < 4; t++) whole.trainOnBatch(x);
      whole.learningRate = 0.003;
      const resumed = await TiedAutoencoder.load(whole.save({ optimizer: true }));
      expect(resumed.stepCount).toBe(4);
      expect(resumed.learningRate).toBe(0.003);
      for (let t = 0; t < 4; t++) expect(resumed.trainOnBatch(x)).toBe(whole.trainOnBatch(x));
      expect(resumed.weights()).toEqual(whole.weights());
    },
  );

  test("the file contains each tied weight once, under its public name", () => {
    const { tensors, metadata } = decodeSafetensors(TiedAutoencoder.createSync({ layers }).save());
    const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      "encoder.0.weight": [4, 6],
      "encoder.0.bias": [4],
      "decoder.0.bias": [6],
      "encoder.1.weight": [2, 4],
      "encoder.1.bias": [2],
      "decoder.1.bias": [4],
    });
    expect(JSON.parse(metadata.config!)).toMatchObject({ layers, loss: "mse" });
  });

  /** The file of a small model with its tensors or metadata changed. */
  function tampered(change: (file: ReturnType<typeof decodeSafetensors>) => void): Uint8Array {
    const file = decodeSafetensors(TiedAutoencoder.createSync({ layers }).save());
    change(file);
    const tensors = [...file.tensors].map(([name, tensor]) => ({ name, ...tensor }));
    return encodeSafetensors(tensors, file.metadata);
  }

  test.each<[string, Uint8Array, RegExp]>([
    [
      "nothing",
      new Uint8Array(0),
      /^TiedAutoencoder.load expects a file that save\(\) wrote for a model; got an empty file\.$/,
    ],
    ["a table", new TextEncoder().encode("a,b\n1,2\n"), /; got text that looks like CSV\.$/],
    ["JSON", new TextEncoder().encode('{"layers":[1]}'), /; got JSON text\.$/],
    ["a ZIP archive", new TextEncoder().encode("PK\x03\x04…"), /; got a ZIP archive\.$/],
    ["bytes", Uint8Array.of(1, 2, 3), /; got binary data of an unknown kind\.$/],
    [
      "a detector",
      encodeSafetensors([], { format: "tied-autoencoder-detector" }),
      /; got a detector, use AnomalyDetector.load\.$/,
    ],
    [
      "a truncated file",
      TiedAutoencoder.createSync({ layers }).save().subarray(0, -1),
      /^The file is damaged: tensor .*: is the file whole\?$/,
    ],
    ["text", new TextEncoder().encode("<!doctype html><html>"), /; got a web page\.$/],
    [
      "somebody else's safetensors",
      encodeSafetensors([]),
      /; got a safetensors file that this package did not write; fromStateDict reads weights\.$/,
    ],
    [
      "a newer version",
      tampered(({ metadata }) => Object.assign(metadata, { version: "3" })),
      /version "3"; this release reads versions 1 to 2/,
    ],
    [
      "a missing tensor",
      tampered(({ tensors }) => tensors.delete("encoder.1.bias")),
      /lacks the tensor "encoder.1.bias"/,
    ],
    [
      "a tensor too many",
      tampered(({ tensors }) => tensors.set("extra", tensors.get("encoder.0.bias")!)),
      /holds a tensor "extra"/,
    ],
    [
      "a wrong shape",
      tampered(({ tensors }) => tensors.set("encoder.1.bias", tensors.get("encoder.0.bias")!)),
      /"encoder.1.bias" has shape \[4\].*\[2\]/,
    ],
    [
      "a broken configuration",
      tampered(({ metadata }) => Object.assign(metadata, { config: "{" })),
      /config must be a JSON object/,
    ],
  ])("%s is a FormatError that says what is wrong", async (_, bytes, message) => {
    await expect(TiedAutoencoder.load(bytes)).rejects.toThrow(FormatError);
    await expect(TiedAutoencoder.load(bytes)).rejects.toThrow(message);
  });

  test.each<[string, string, RegExp]>([
    ["a layer without units", '{"layers":[0,1]}', /configuration is not valid: layers\[0\] must/],
    [
      "layers without weights in the file",
      '{"layers":[100000,100000]}',
      /"encoder.0.weight" has shape \[4, 6\]; its configuration asks for \[100000, 100000\]/,
    ],
    ["more layers than there may be", `{"layers":[${"1,".repeat(1e6)}1]}`, /up to 10000 layers/],
    [
      "layers that lie deep in arrays",
      `{"layers":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      /layers needs at least the input's units and the code's.*got \[\[an array of 1\]\]/,
    ],
    [
      "a setting that lies deep in objects",
      `{"layers":[6,4,2],"loss":${'{"type":'.repeat(20_000)}1${"}".repeat(20_000)}}`,
      /loss.type must be "mse"/,
    ],
  ])("%s in a file is a FormatError, before anything is made", async (_, config, message) => {
    const bytes = tampered(({ metadata, tensors }) => {
      Object.assign(metadata, { config });
      if (config.includes("100000")) {
        for (const name of tensors.keys()) if (/1\./.test(name)) tensors.delete(name);
      }
    });
    await expect(TiedAutoencoder.load(bytes)).rejects.toThrow(FormatError);
    await expect(TiedAutoencoder.load(bytes)).rejects.toThrow(message);
  });
});

test("reading a large model pauses, and checks what it has copied by then", () => {
  using model = TiedAutoencoder.createSync({
    layers: [2048, 1024],
    bias: false,
    decoderBias: false,
  });
  model.trainOnBatch(new Float32Array(2048).fill(1));
  const bytes = model.save({ optimizer: true });
  const reading = decodeCheckpoint(bytes);
  let pauses = 0;
  while (!reading.next().done) pauses++;
  expect(pauses).toBe(6); // two for the weights, and for each of Adam's moments

  const changed = decodeCheckpoint(bytes);
  changed.next();
  bytes.fill(0xff, bytes.length - 16); // NaN, of a moment that is not read yet
  expect(() => finish(changed)).toThrow(/must hold finite numbers/);
});
