// A check of the whole model against theory: a linear tied autoencoder learns the span of
// the leading principal components (Baldi & Hornik 1989), so its error tends to the error of PCA.

import { expect, test } from "vitest";
import { loadDigits } from "../../examples/support/optdigits.mjs";
import { TiedAutoencoder } from "../../src/index.ts";
import { pcaError } from "../support/reference/pca.ts";

test("a linear tied autoencoder reaches PCA's error within 1 %", async () => {
  const { train, width } = loadDigits();
  const floor = pcaError(train, train, width, 8);
  const optimizer = { type: "adam", learningRate: 2e-2 } as const;
  const model = TiedAutoencoder.createSync({ layers: [width, 8], activation: "linear", optimizer });
  for (const learningRate of [2e-2, 5e-3, 1e-3]) {
    model.learningRate = learningRate;
    await model.fit(train, { epochs: 60, batchSize: 64 });
  }
  const error = model.evaluate(train);
  expect(error).toBeGreaterThan(floor * 0.999999);
  expect(error).toBeLessThan(floor * 1.01);
});
