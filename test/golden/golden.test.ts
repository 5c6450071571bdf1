// The package against PyTorch, case by case, through the public API alone: outputs, loss and gradients
// within 2e-6 of the float64 numbers (relative to the largest element), parameters after ten optimizer
// steps within 3e-6. PyTorch's own float32 is up to 5e-7 away by the same measure.

import { describe, expect, test } from "vitest";
import { type NamedWeights, TiedAutoencoder } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { relativeDistance } from "../support/distance.ts";
import { type GoldenCase, goldenCases, goldenConfig, goldenWeights } from "./cases.ts";

const AT_ONCE = 2e-6;
const AFTER_TEN_STEPS = 3e-6;

function makeModel(golden: GoldenCase, simd: "baseline" | "relaxed"): TiedAutoencoder {
  const model = TiedAutoencoder.createSync({ ...goldenConfig(golden), simd });
  const weights: NamedWeights = {};
  for (const [name, { shape, data }] of Object.entries(goldenWeights(golden.init))) {
    weights[name] = { shape, data: new Float32Array(data) };
  }
  model.setWeights(weights);
  return model;
}

function batch(golden: GoldenCase, t: number): Float32Array {
  const batches = golden.batches;
  return new Float32Array(batches[t % batches.length]!.data);
}

describe.each(availableBuilds)("golden cases, %s build", (simd) => {
  describe.each(goldenCases.map((golden) => [golden.id, golden] as const))("%s", (_, golden) => {
    test("forward pass", () => {
      using model = makeModel(golden, simd);
      const x = batch(golden, 0);
      const { code, reconstruction, loss } = golden.forward_f64;
      expect(relativeDistance(model.encode(x), code.data)).toBeLessThan(AT_ONCE);
      expect(relativeDistance(model.reconstruct(x), reconstruction.data)).toBeLessThan(AT_ONCE);
      expect(relativeDistance(model.decode(model.encode(x)), reconstruction.data)).toBeLessThan(
        AT_ONCE,
      );
      expect(relativeDistance([model.evaluate(x)], [loss])).toBeLessThan(AT_ONCE);
    });

    test("gradients and their norm", () => {
      using model = makeModel(golden, simd);
      const loss = model.accumulateGradients(batch(golden, 0));
      expect(relativeDistance([loss], [golden.trainLoss_f64[0]!])).toBeLessThan(AT_ONCE);
      const gradients = model.gradients();
      const expected = goldenWeights(golden.grads_f64);
      expect(Object.keys(gradients).sort()).toEqual(Object.keys(expected).sort());
      let squares = 0;
      for (const [name, { shape, data }] of Object.entries(expected)) {
        expect(gradients[name]!.shape).toEqual(shape);
        expect(relativeDistance(gradients[name]!.data, data), name).toBeLessThan(AT_ONCE);
        for (const value of gradients[name]!.data) squares += value * value;
      }
      expect(relativeDistance([Math.sqrt(squares)], [golden.gradNorm_f64[0]!])).toBeLessThan(
        AT_ONCE,
      );
    });

    test("ten optimizer steps", () => {
      using model = makeModel(golden, simd);
      for (let t = 0; t < 10; t++) {
        model.learningRate = golden.lr[t]!;
        const loss = model.trainOnBatch(batch(golden, t));
        expect(relativeDistance([loss], [golden.trainLoss_f64[t]!])).toBeLessThan(AFTER_TEN_STEPS);
        const steps = String(t + 1) as "1" | "2" | "10";
        const after = golden.after_f64[steps];
        if (!after) continue;
        const batchLoss = model.evaluate(batch(golden, 0));
        expect(relativeDistance([batchLoss], [after.lossBatch0])).toBeLessThan(AFTER_TEN_STEPS);
        const parameters = goldenWeights(after.params ?? golden.after[steps].params);
        const weights = model.weights();
        for (const [name, { data }] of Object.entries(parameters)) {
          expect(relativeDistance(weights[name]!.data, data), name).toBeLessThan(AFTER_TEN_STEPS);
        }
      }
    });
  });
});
