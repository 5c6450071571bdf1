// Every code at depth 1 and 2, under several activations and losses, with masks, dropout and auxiliary term: the
// gradient in float32 against central differences of the float64 reference.

import { describe, expect, test } from "vitest";
import type { ActivationSpec, CodeSpec, LossSpec, ModelConfig } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { gradientError } from "../support/gradient-error.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(4, 4, 11);
const withHoles = x.map((value, i) => (i % 7 === 3 ? Number.NaN : value));
/** Every unit that is not kept in the batch is dead. */
const auxiliary = { k: 2, weight: 0.5, deadAfter: 4 };

const sparse: [string, CodeSpec][] = [
  ["topK", { type: "topK", k: 2 }],
  ["topK, centered", { type: "topK", k: 2, centered: true }],
  ["topK, auxiliary", { type: "topK", k: 2, auxiliary }],
  ["batchTopK", { type: "batchTopK", k: 2 }],
  ["batchTopK, centered, auxiliary", { type: "batchTopK", k: 1, centered: true, auxiliary }],
];
const gaussian: [string, CodeSpec] = ["gaussian", { type: "gaussian", beta: 0.7 }];
const shapes = [
  [4, 7],
  [4, 5, 6],
];
const losses: [LossSpec, ModelConfig["outputActivation"]][] = [
  ["mse", "linear"],
  ["bce", "sigmoid"],
  [{ type: "huber", delta: 0.3 }, "tanh"],
];

describe.each(availableBuilds)("gradients within 1e-5 of differences, %s build", (simd) => {
  describe.each([...sparse, gaussian])("code %s", (name, code) => {
    describe.each(shapes)("of [%i, %i, %i]", (...layers) => {
      const base = { layers: layers.filter((n) => n > 0), code, seed: 24, simd };
      const activations: readonly ActivationSpec[] =
        name === "gaussian"
          ? ["tanh", "softplus"]
          : ["linear", "relu", "gelu", { type: "leakyRelu", slope: -0.5 }];

      test.each(activations)("activation %j", (activation) => {
        for (const [loss, outputActivation] of losses) {
          const config = { ...base, activation, loss, outputActivation } as ModelConfig;
          expect(gradientError(config, x), JSON.stringify(loss)).toBeLessThan(1e-5);
        }
      });

      test.each<[string, Partial<ModelConfig>, Float32Array]>([
        ["masked values", { missing: "mask" }, withHoles],
        ["filled in values", { missing: "mean" }, withHoles],
        ["dropout, which the code's decoder reads too", { dropout: 0.4 }, x],
        ["no bias in the encoder", { bias: false }, x],
        ["the weights' penalties", { l1: 0.01, l2: 0.02 }, x],
      ])("%s", (_, rest, rows) => {
        const config: ModelConfig = { ...base, activation: "tanh", ...rest };
        expect(gradientError(config, rows)).toBeLessThan(1e-5);
      });
    });
  });
});
