// Layer-wise pretraining: each pair of layers is trained as a model on the codes of the layers before.

import { describe, expect, test } from "vitest";
import { loadDigits } from "../../examples/support/optdigits.mjs";
import { type ModelConfig, TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(80, 8, 6);
const options = { method: "layerwise", epochs: 3, batchSize: 16 } as const;
const make = (rest: Partial<ModelConfig> = {}) =>
  TiedAutoencoder.createSync({ layers: [8, 6, 3], activation: "tanh", ...rest });

test("equals training each pair separately, with the activations of the whole model", async () => {
  const model = make({ seed: 5 });
  await model.initializeFrom(x, options);
  const outer = make({ layers: [8, 6], encoderActivations: ["tanh"], seed: 5 });
  await outer.fit(x, { epochs: 3, batchSize: 16 });
  const codes = outer.encode(x);
  const inner = make({ layers: [6, 3], outputActivation: "tanh", seed: 6 });
  await inner.fit(codes, { epochs: 3, batchSize: 16 });
  const weights = model.weights();
  for (const part of ["encoder", "decoder"]) {
    for (const kind of ["weight", "bias"]) {
      if (part === "decoder" && kind === "weight") continue;
      expect(weights[`${part}.0.${kind}`]).toEqual(outer.weights()[`${part}.0.${kind}`]);
      expect(weights[`${part}.1.${kind}`]).toEqual(inner.weights()[`${part}.0.${kind}`]);
    }
  }
});

test("applies a constraint while it trains: unit norm to the outermost weight, others to every weight", async () => {
  for (const constraint of ["unitNorm", { type: "maxNorm", max: 0.4 }] as const) {
    const model = make({ seed: 5, constraint });
    await model.initializeFrom(x, options);
    const outer = make({ layers: [8, 6], encoderActivations: ["tanh"], seed: 5, constraint });
    await outer.fit(x, { epochs: 3, batchSize: 16 });
    const rest = constraint === "unitNorm" ? {} : { constraint };
    const inner = make({ layers: [6, 3], outputActivation: "tanh", seed: 6, ...rest });
    await inner.fit(outer.encode(x), { epochs: 3, batchSize: 16 });
    const weights = model.weights();
    expect(weights["encoder.0.weight"]).toEqual(outer.weights()["encoder.0.weight"]);
    expect(weights["encoder.1.bias"]).toEqual(inner.weights()["encoder.0.bias"]);
    expect(weights["encoder.1.weight"]).toEqual(inner.weights()["encoder.0.weight"]);
  }
});

test("repeats with the seed, and differs with another seed", async () => {
  const corruption = { type: "masking", rate: 0.2 } as const;
  const [one, two, other] = [make(), make(), make({ seed: 7 })];
  for (const model of [one, two, other]) {
    await model.initializeFrom(x, { ...options, corruption, learningRate: 0.01 });
  }
  expect(two.weights()).toEqual(one.weights());
  expect(other.weights()).not.toEqual(one.weights());
});

test("uses the statistics that the model has learned, not those of the rows", async () => {
  const scaledBy = async (seen: Float32Array, trainedOn: Float32Array) => {
    const model = make({ scaler: "standard" });
    model.fitScaler(seen);
    await model.initializeFrom(trainedOn, options);
    return model.weights();
  };
  const wide = x.map((value) => 4 * value);
  expect(await scaledBy(wide, x)).not.toEqual(await scaledBy(x, x));
  // With a factor of 4 in rows and statistics, scaled rows have the same bits.
  expect(await scaledBy(wide, wide)).toEqual(await scaledBy(x, x));
});

test("a deep model is better before and after the same training", async () => {
  const { train, width } = loadDigits();
  const deep = (): TiedAutoencoder =>
    TiedAutoencoder.createSync({
      layers: [width, 40, 20, 10, 5],
      activation: "sigmoid",
      outputActivation: "sigmoid",
      loss: "bce",
      optimizer: { type: "adam", learningRate: 3e-3 },
    });
  const [random, pretrained] = [deep(), deep()];
  await pretrained.initializeFrom(train, { method: "layerwise", epochs: 8, batchSize: 32 });
  expect(pretrained.evaluate(train)).toBeLessThan(random.evaluate(train));
  for (const model of [random, pretrained]) await model.fit(train, { epochs: 4, batchSize: 32 });
  expect(pretrained.evaluate(train)).toBeLessThan(random.evaluate(train) - 0.01);
});

describe("works with", () => {
  test.each<[string, Partial<ModelConfig>, Float32Array]>([
    ["a sparse code", { layers: [8, 6, 12], code: { type: "topK", k: 3, centered: true } }, x],
    ["a gaussian code", { code: "gaussian" }, x],
    ["a constraint, which holds afterwards", { constraint: "nonNegative" }, x],
    ["masked values", { missing: "mask" }, x.map((v, i) => (i % 9 ? v : Number.NaN))],
    ["bce, which only the outermost layer keeps", { loss: "bce", outputActivation: "sigmoid" }, x],
  ])("%s", async (_, rest, rows) => {
    const model = make(rest);
    model.fitScaler(rows);
    const before = model.weights();
    await model.initializeFrom(rows, options);
    for (const [name, { data }] of Object.entries(model.weights())) {
      const isHead = name.includes("logVariance");
      expect(data.every(Number.isFinite)).toBe(true);
      if (isHead) expect(data).toEqual(before[name]!.data);
      else expect(data).not.toEqual(before[name]!.data);
      if (rest.constraint && name.endsWith("weight")) {
        expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

describe("refuses", () => {
  test.each([
    [{ method: "rbm" }, /method.*"pca" or "layerwise"/],
    [{ method: "layerwise", steps: 3 }, /no option "steps"/],
    [{ method: "pca", epochs: 3 }, /no option "epochs"/],
    [{ method: "layerwise", epochs: -1 }, /epochs/],
    [{ method: "layerwise", batchSize: 0 }, /batchSize/],
    [{ method: "layerwise", corruption: "rain" }, /corruption/],
  ])("%j, and the weights stay", async (given, message) => {
    const model = make();
    const before = model.weights();
    await expect(model.initializeFrom(x, given as typeof options)).rejects.toThrow(message);
    expect(model.weights()).toEqual(before);
    model.trainOnBatch(x); // the model is free again
  });

  test("an abort rejects with its reason", async () => {
    const model = make();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(model.initializeFrom(x, { ...options, signal })).rejects.toThrow("enough");
    model.trainOnBatch(x);
  });

  test("a model that was disposed in between", async () => {
    const model = make();
    const work = model.initializeFrom(x, { ...options, epochs: 200 });
    model.dispose();
    await expect(work).rejects.toThrow(/disposed/);
  });
});
