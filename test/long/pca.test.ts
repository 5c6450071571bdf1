// Initialization from principal components on MNIST, against PCA computed elsewhere in float64.

import { expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { loadMnist, mnistIsThere } from "../support/mnist.ts";

/** Mean squared error of PCA fitted on the training images, on the test images. */
const FLOORS: [units: number, error: number][] = [
  [2, 0.055669],
  [32, 0.016828],
  [128, 0.004205],
];

test.skipIf(!mnistIsThere).each(availableBuilds)(
  "a linear model of MNIST starts with the error of PCA, %s build",
  async (simd) => {
    const train = loadMnist("train");
    const images = loadMnist("t10k");
    for (const [units, error] of FLOORS) {
      const layers = [784, units];
      const model = TiedAutoencoder.createSync({ layers, activation: "linear", simd });
      await model.initializeFrom(train, { method: "pca" });
      expect(Math.abs(model.evaluate(images) / error - 1)).toBeLessThan(1e-3);
    }
  },
);
