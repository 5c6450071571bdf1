// The Gram step gives the loss and the gradient of the direct step. It is only taken where it is faster
// and precise.

import { describe, expect, test } from "vitest";
import { type ModelConfig, type NamedWeights, TiedAutoencoder } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { relativeDistance } from "../support/distance.ts";
import { gradientError } from "../support/gradient-error.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(9, 6, 31);

describe.each(availableBuilds)(
  "the Gram step within 1e-5 of finite differences, %s build",
  (simd) => {
    test.each<[string, Partial<ModelConfig>]>([
      ["one layer", { layers: [6, 4] }],
      ["two layers", { layers: [6, 5, 3] }],
      ["three layers", { layers: [6, 5, 4, 2] }],
      ["as many units as inputs", { layers: [6, 6] }],
      ["no bias", { bias: false, decoderBias: false }],
      ["encoder biases alone", { decoderBias: false }],
      ["decoder biases alone", { bias: false }],
      ["an activation that keeps its input", { activation: "gelu" }],
      ["a linear code", { encoderActivations: ["tanh", "linear"] }],
      ["penalties", { l1: 0.01, l2: 0.02 }],
    ])("%s", (_, rest) => {
      const config: ModelConfig = {
        layers: [6, 4, 3],
        activation: "tanh",
        gradient: "gram",
        simd,
        ...rest,
      };
      expect(gradientError(config, x)).toBeLessThan(1e-5);
    });
  },
);

/** The largest difference between two sets of gradients, relative to the largest element of each array. */
function distance(a: NamedWeights, b: NamedWeights): number {
  return Math.max(...Object.keys(b).map((name) => relativeDistance(a[name]!.data, b[name]!.data)));
}

describe("the choice of the step", () => {
  const layers = [24, 8];
  const rows = randomRows(40, 24, 5);
  const make = (rest: Partial<ModelConfig>) => TiedAutoencoder.createSync({ layers, ...rest });

  test("gradients accumulate over both Gram and direct batches", () => {
    const [gram, direct] = [
      make({ gradient: "gram", dropout: 0.3 }),
      make({ gradient: "direct", dropout: 0.3 }),
    ];
    for (const model of [gram, direct]) {
      for (const half of [rows.subarray(0, 480), rows.subarray(480)]) {
        model.accumulateGradients(half, undefined, { scale: 0.5 });
      }
    }
    expect(distance(gram.gradients(), direct.gradients())).toBeLessThan(1e-5);
  });

  test("auto takes the Gram step above break-even, if a loss is known", () => {
    const [auto, direct, gram] = [
      make({}),
      make({ gradient: "direct" }),
      make({ gradient: "gram" }),
    ];
    const step = (model: TiedAutoencoder, batch: Float32Array) => {
      model.accumulateGradients(batch);
      const gradients = model.gradients();
      model.zeroGradients();
      return gradients;
    };
    // Before the first batch no loss is known. A batch of 4 is below break-even (24 · 8 / 40 rows).
    expect(step(auto, rows)).toEqual(step(direct, rows));
    expect(step(auto, rows)).toEqual(step(gram, rows));
    expect(step(auto, rows.subarray(0, 96))).toEqual(step(direct, rows.subarray(0, 96)));
    expect(step(auto, rows)).toEqual(step(gram, rows));
  });

  test("auto returns to the direct step when the loss is tiny compared with the data", () => {
    // Rows of rank 8 around a distant mean. A linear code reconstructs them nearly exactly.
    const easy = Float32Array.from({ length: 40 * 24 }, (_, i) => 3 + Math.sin((i % 24) * 0.1));
    const optimizer = { type: "adam", learningRate: 0.01 } as const;
    const auto = make({ activation: "linear", optimizer });
    const direct = make({ activation: "linear", gradient: "direct", optimizer });
    for (let t = 0; t < 400; t++) auto.trainOnBatch(easy);
    expect(auto.evaluate(easy)).toBeLessThan(1e-3 * 9);
    direct.setWeights(auto.weights());
    auto.accumulateGradients(easy);
    direct.accumulateGradients(easy);
    expect(auto.gradients()).toEqual(direct.gradients());
  });

  test("another target, another loss, another output and a wide code take the direct step", () => {
    const target = randomRows(40, 24, 6);
    const cases: [Partial<ModelConfig>, Float32Array | undefined][] = [
      [{}, target],
      [{ loss: "huber" }, undefined],
      [{ outputActivation: "tanh" }, undefined],
      [{ layers: [24, 30] }, undefined],
    ];
    for (const [rest, other] of cases) {
      const [gram, direct] = [
        make({ ...rest, gradient: "gram" }),
        make({ ...rest, gradient: "direct" }),
      ];
      for (const model of [gram, direct]) model.accumulateGradients(rows, other);
      expect(gram.gradients()).toEqual(direct.gradients());
    }
  });

  test("the choice is saved: a resumed run takes the same steps", async () => {
    const whole = make({});
    for (let t = 0; t < 3; t++) whole.trainOnBatch(rows);
    const resumed = await TiedAutoencoder.load(whole.save({ optimizer: true }));
    for (let t = 0; t < 3; t++) expect(resumed.trainOnBatch(rows)).toBe(whole.trainOnBatch(rows));
    expect(resumed.weights()).toEqual(whole.weights());
  });
});
