// The judgement of an ensemble, compared with that of its models one by one, with sums in float64.

import { describe, expect, it } from "vitest";
import { TiedAutoencoder } from "../../src/autoencoder.ts";
import { EnsembleInference } from "../../src/detect/inference.ts";
import type { Member } from "../../src/detect/member.ts";
import { ledoitWolf, whitening } from "../../src/detect/statistics/covariance.ts";
import { at } from "../../src/math/order.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { squaredDistances } from "../support/mahalanobis.ts";
import { generator } from "./support/random.ts";

const width = 7;
const rows = 1300;
const random = generator(5);
const x = Float32Array.from({ length: rows * width }, () => random.normal());

async function inferenceOf(configs: ModelConfig[]) {
  const models: TiedAutoencoder[] = [];
  const members: Member[] = [];
  for (const config of configs) {
    const model = await TiedAutoencoder.create(config);
    await model.fit(x, { maxSteps: 20 });
    const codes = model.encode(x);
    const { mean, covariance } = ledoitWolf(codes, config.layers.at(-1) ?? 1);
    models.push(model);
    members.push({
      bytes: model.save(),
      state: { codeMean: mean, codeWhitening: whitening(covariance, mean.length) },
    });
  }
  return { models, members, inference: await EnsembleInference.load(members, undefined, {}) };
}

describe.each<[string, ModelConfig[]]>([
  [
    "of dense models",
    [1, 2, 3].map((seed) => ({ layers: [width, 33, 5], activation: "tanh", seed })),
  ],
  ["of one linear unit", [{ layers: [width, 1], activation: "linear" }]],
  ["of models of different shapes", [{ layers: [width, 9] }, { layers: [width, 70, 20] }]],
  [
    "of sparse and variational models",
    [
      { layers: [width, 12], code: { type: "topK", k: 3 } },
      { layers: [width, 12, 4], code: { type: "gaussian", beta: 0.1 } },
    ],
  ],
])("inference %s", async (_, configs) => {
  const { models, members, inference } = await inferenceOf(configs);

  it("has the mean judgement of its models", () => {
    const { errors, distances } = inference.judge(x);
    const each = models.map((model) => model.featureErrors(x));
    errors.forEach((error, i) => {
      const mean = each.reduce((sum, own) => sum + at(own, i) / each.length, 0);
      expect(Math.abs(error - mean)).toBeLessThan(1e-6 * (1 + mean));
    });
    const far = models.map((model, k) => {
      const { codeMean, codeWhitening } = members[k]?.state ?? { codeMean: x, codeWhitening: x };
      return squaredDistances(
        model.encode(x),
        Float64Array.from(codeMean),
        Float64Array.from(codeWhitening),
      ).map((distance) => distance / codeMean.length);
    });
    distances.forEach((distance, i) => {
      const mean = far.reduce((sum, own) => sum + at(own, i) / far.length, 0);
      expect(Math.abs(distance - mean)).toBeLessThan(2e-5 * (1 + mean));
    });
  });

  it("judges a row alone and among others equally, also by some of its models", () => {
    const all = inference.judge(x);
    for (const count of [0, 1, 2, 7, 8, 9, 511, 1023, 1024, 1025]) {
      const some = inference.judge(x.subarray(3 * width, (3 + count) * width));
      expect(some.errors).toEqual(all.errors.slice(3 * width, (3 + count) * width));
      expect(some.distances).toEqual(all.distances.slice(3, 3 + count));
    }
    const last = models.length - 1;
    const own = models[last]?.featureErrors(x) ?? new Float32Array(0);
    expect(inference.judge(x, [last]).errors).toEqual(own);
  });

  it("has the mean reconstruction of its models", () => {
    const mean = inference.reconstruct(x.subarray(0, 5 * width));
    const each = models.map((model) => model.reconstruct(x));
    mean.forEach((value, i) => {
      const expected = each.reduce((sum, own) => sum + at(own, i) / each.length, 0);
      expect(Math.abs(value - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
    });
  });

  it("reconstructs by the models that are named alone", () => {
    const last = models.length - 1;
    const own = models[last]?.reconstruct(x.subarray(0, 5 * width)) ?? [];
    inference.reconstruct(x.subarray(0, 5 * width), [last]).forEach((value, i) => {
      expect(Math.abs(value - at(own, i))).toBeLessThan(1e-6 * (1 + Math.abs(value)));
    });
  });
});
