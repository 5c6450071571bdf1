// Every activation × loss × parameter: the gradient that the package computes in float32 against
// central differences of a float64 reference written from the definition.

import { describe, expect, test } from "vitest";
import { Activation, Loss } from "../../assembly/ops.ts";
import type { ActivationName, LossName, LossSpec, ModelConfig } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { gradientError } from "../support/gradient-error.ts";
import { randomRows } from "../support/random.ts";

const names = <Name>(codes: object) =>
  Object.keys(codes).filter((key) => !/^\d/.test(key)) as Name[];
const x = randomRows(6, 5, 11);

describe.each(availableBuilds)(
  "gradients against finite differences within 1e-5, %s build",
  (simd) => {
    describe.each(names<LossName>(Loss))("loss %s", (loss) => {
      // With a small delta there are elements on both sides of it.
      const spec = (
        loss === "huber"
          ? { type: loss, delta: 0.3 }
          : loss === "smoothL1"
            ? { type: loss, beta: 0.3 }
            : loss
      ) as LossSpec;

      test.each(names<ActivationName>(Activation))("activation %s on every layer", (activation) => {
        const outputActivation = loss === "bce" ? "sigmoid" : activation;
        const config = {
          layers: [5, 4, 3],
          activation,
          outputActivation,
          loss: spec,
          seed: 21,
          simd,
        };
        expect(gradientError(config, x)).toBeLessThan(1e-5);
      });
    });

    test.each<[string, Partial<ModelConfig>]>([
      ["no bias", { bias: false, decoderBias: false }],
      ["encoder biases alone", { decoderBias: false }],
      ["decoder biases alone", { bias: false }],
      ["penalties", { l1: 0.01, l2: 0.02 }],
      ["one layer", { layers: [5, 2] }],
      ["a code wider than the input", { layers: [5, 9] }],
      ["four layers", { layers: [5, 4, 3, 2, 1] }],
      ["a leaky relu that turns over", { activation: { type: "leakyRelu", slope: -0.5 } }],
    ])("%s", (_, rest) => {
      const config: ModelConfig = {
        layers: [5, 4, 3],
        activation: "tanh",
        seed: 22,
        simd,
        ...rest,
      };
      expect(gradientError(config, x)).toBeLessThan(1e-5);
    });

    test("a target other than the input", () => {
      const target = randomRows(6, 5, 12);
      expect(gradientError({ layers: [5, 3], activation: "silu", simd }, x, target)).toBeLessThan(
        1e-5,
      );
    });
  },
);
