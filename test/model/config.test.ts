import { describe, expect, test } from "vitest";
import {
  InvalidTypeError,
  InvalidValueError,
  type ModelConfig,
  TiedAutoencoder,
} from "../../src/index.ts";

/** A small model with the other options `rest`. */
const small = (rest: object) => ({ layers: [4, 2], ...rest });

describe("configuration", () => {
  test("defaults are filled in and frozen", () => {
    const { config } = TiedAutoencoder.createSync({ layers: [8, 4, 2] });
    expect(config).toEqual({
      layers: [8, 4, 2],
      encoderActivations: ["relu", "relu"],
      decoderActivations: ["relu", "linear"],
      bias: true,
      decoderBias: true,
      loss: "mse",
      optimizer: {
        type: "adam",
        learningRate: 1e-3,
        weightDecay: 0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
      },
      initializer: "torchLinear",
      code: "dense",
      penalties: [],
      dropout: 0,
      l1: 0,
      l2: 0,
      missing: "error",
      seed: 42,
      gradient: "auto",
    });
    expect(Object.isFrozen(config) && Object.isFrozen(config.layers)).toBe(true);
  });

  test("defaults of every optimizer are PyTorch's, except for the learning rate", () => {
    const resolved = (type: "sgd" | "adamw" | "rmsprop" | "adagrad") =>
      TiedAutoencoder.createSync(small({ optimizer: type })).config.optimizer;
    const common = { learningRate: 1e-3, weightDecay: 0 };
    const average = { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false };
    expect(resolved("sgd")).toEqual({ type: "sgd", ...common, momentum: 0, nesterov: false });
    expect(resolved("adamw")).toMatchObject({ weightDecay: 0.01, beta1: 0.9, beta2: 0.999 });
    expect(resolved("rmsprop")).toEqual({ type: "rmsprop", ...common, ...average });
    expect(resolved("adagrad")).toEqual({ type: "adagrad", ...common, epsilon: 1e-10 });
  });

  test("an explicit list of activations overrides the others, from input to code and from code to output", () => {
    const { config } = TiedAutoencoder.createSync({
      layers: [6, 4, 2],
      activation: "tanh",
      encoderActivations: ["relu", "linear"],
      decoderActivations: [{ type: "leakyRelu" }, "sigmoid"],
    });
    expect(config.encoderActivations).toEqual(["relu", "linear"]);
    expect(config.decoderActivations).toEqual([{ type: "leakyRelu", slope: 0.01 }, "sigmoid"]);
  });

  const wrongKinds: [string, unknown, RegExp][] = [
    ["no configuration", undefined, /must be an object.*got undefined/],
    ["no layers", {}, /layers must be an array.*got undefined/],
    ["units as text", { layers: ["4", 2] }, /layers\[0\] must be a number; got "4"/],
    ["bias as text", small({ bias: "no" }), /bias must be true or false; got "no"/],
  ];
  const wrongValues: [string, unknown, RegExp][] = [
    ["empty layers", { layers: [] }, /at least the input's units and the code's.*got \[\]/],
    ["one layer", { layers: [4] }, /got \[4\]/],
    ["zero units", { layers: [4, 0] }, /layers\[1\] must be a whole number of at least 1; got 0/],
    ["fractional units", { layers: [4.5, 2] }, /layers\[0\].*got 4.5/],
    ["an unknown option", small({ lr: 1 }), /no option "lr"; it takes layers, /],
    [
      "an unknown activation",
      small({ activation: "swish" }),
      /activation must be "linear".*got "swish"/,
    ],
    ["another's parameter", small({ activation: { type: "elu", slope: 1 } }), /no option "slope"/],
    ["a short list", small({ encoderActivations: [] }), /must hold 1 activations.*got 0/],
    ["an unknown loss", small({ loss: "l2" }), /loss must be "mse", "mae".*got "l2"/],
    [
      "a Huber delta of 0",
      small({ loss: { type: "huber", delta: 0 } }),
      /loss.delta must be greater than 0; got 0/,
    ],
    [
      "bce without a sigmoid",
      small({ loss: "bce" }),
      /needs outputActivation "sigmoid".*got "linear"/,
    ],
    [
      "a negative rate",
      small({ optimizer: { type: "adam", learningRate: -1 } }),
      /learningRate must be a finite number of at least 0; got -1/,
    ],
    [
      "an unknown optimizer",
      small({ optimizer: "downhill" }),
      /optimizer must be "sgd", "adam".*got "downhill"/,
    ],
    [
      "another's option",
      small({ optimizer: { type: "sgd", beta1: 0.9 } }),
      /optimizer "sgd" has no option "beta1"/,
    ],
    [
      "Nesterov alone",
      small({ optimizer: { type: "sgd", nesterov: true } }),
      /needs a momentum greater than 0/,
    ],
    ["dropout of 1", small({ dropout: 1 }), /dropout must be at least 0 and less than 1; got 1/],
    ["a negative penalty", small({ l1: -1 }), /l1 must be a finite number of at least 0; got -1/],
    ["a NaN", small({ l2: Number.NaN }), /l2 must be .*got NaN/],
    ["a fractional seed", small({ seed: 0.5 }), /seed must be a whole number/],
    [
      "an unknown build",
      small({ simd: "avx" }),
      /simd must be "auto", "baseline" or "relaxed"; got "avx"/,
    ],
  ];

  test.each(wrongKinds)("%s is a TypeError with a clear message", async (_, config, message) => {
    expect(() => TiedAutoencoder.createSync(config as ModelConfig)).toThrow(InvalidTypeError);
    await expect(TiedAutoencoder.create(config as ModelConfig)).rejects.toThrow(message);
  });

  test.each(wrongValues)("%s is a RangeError with a clear message", async (_, config, message) => {
    expect(() => TiedAutoencoder.createSync(config as ModelConfig)).toThrow(InvalidValueError);
    await expect(TiedAutoencoder.create(config as ModelConfig)).rejects.toThrow(message);
  });

  test("a model too large for one memory is refused with its size", () => {
    expect(() => TiedAutoencoder.createSync({ layers: [100_000, 20_000] })).toThrow(
      /need \d+\.\d GiB of memory; a WebAssembly memory holds 4.0 GiB/,
    );
  });
});
