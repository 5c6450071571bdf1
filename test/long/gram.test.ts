// The Gram step on MNIST: how far its gradient is from float64 through training, and that it ends where
// the direct step ends.

import { expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { relativeDistance } from "../support/distance.ts";
import { loadMnist, mnistIsThere, mnistSkipped } from "../support/mnist.ts";
import { referenceWeightGradient } from "../support/reference/gradient.ts";

const WIDTH = 784;
const UNITS = 128;
const name = "784-128 on MNIST: gradients within 1e-4 of float64, the direct step's final loss";

test.skipIf(!mnistIsThere).each(availableBuilds)(`${name}, %s build`, async (simd) => {
  const train = loadMnist("train");
  const test = loadMnist("t10k");
  const probe = train.subarray(0, 256 * WIDTH);
  const losses: Record<string, number> = {};
  for (const gradient of ["auto", "direct"] as const) {
    const model = TiedAutoencoder.createSync({ layers: [WIDTH, UNITS], gradient, simd });
    for (let epoch = 0; epoch < 10; epoch++) {
      await model.fit(train, { epochs: epoch + 1, initialEpoch: epoch, batchSize: 256 });
      model.accumulateGradients(probe);
      const ours = model.gradients()["encoder.0.weight"]!.data;
      model.zeroGradients();
      const reference = referenceWeightGradient(model.weights(), probe, WIDTH, UNITS);
      const error = relativeDistance(ours, reference);
      expect(error).toBeLessThan(gradient === "auto" ? 1e-4 : 2e-5);
      if (epoch % 3 === 0)
        console.log(
          `${simd} ${gradient} epoch ${epoch}: gradient off by ${error.toExponential(1)}`,
        );
    }
    losses[gradient] = model.evaluate(test);
  }
  console.log(`${simd}: final test error`, losses);
  expect(Math.abs(losses.auto! / losses.direct! - 1)).toBeLessThan(0.02);
});

if (!mnistIsThere) console.log(`${name}: ${mnistSkipped}`);
