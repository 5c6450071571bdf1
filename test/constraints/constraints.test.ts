// Constraints hold for initial weights, after every step and after setWeights. load changes nothing.

import { describe, expect, test } from "vitest";
import { type ConstraintSpec, TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(20, 6, 2);
const MAX = 0.4;

const norms = (model: TiedAutoencoder, layer: number) => {
  const { shape, data } = model.weights()[`encoder.${layer}.weight`]!;
  const [units = 0, inputs = 0] = shape;
  return Array.from({ length: units }, (_, u) =>
    Math.hypot(...data.subarray(u * inputs, (u + 1) * inputs)),
  );
};

const cases: [ConstraintSpec, (model: TiedAutoencoder) => void][] = [
  [
    "unitNorm",
    (model) => {
      for (const norm of norms(model, 0)) expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
    },
  ],
  [
    "nonNegative",
    (model) => {
      const { "encoder.0.weight": outer, "encoder.1.weight": inner } = model.weights();
      expect(Math.min(...outer!.data, ...inner!.data)).toBe(0);
    },
  ],
  [
    { type: "maxNorm", max: MAX },
    (model) => {
      for (const norm of [...norms(model, 0), ...norms(model, 1)]) {
        expect(norm).toBeLessThan(MAX * (1 + 1e-6));
      }
    },
  ],
];

describe.each(cases)("%j", (constraint, requireHolds) => {
  const config = { layers: [6, 5, 4], constraint, optimizer: "sgd" } as const;
  const made = () => TiedAutoencoder.createSync(config);

  test("holds for initial weights and after every step", async () => {
    const model = made();
    requireHolds(model);
    model.learningRate = 0.5;
    for (let step = 0; step < 3; step++) {
      model.trainOnBatch(x);
      requireHolds(model);
    }
    model.accumulateGradients(x);
    model.applyGradients();
    requireHolds(model);
    await model.initializeFrom(x, { method: "pca" });
    requireHolds(model);
  });

  test("is applied to the weights of setWeights", () => {
    const model = made();
    const weights = model.weights();
    for (const { data } of Object.values(weights))
      for (let i = 0; i < data.length; i++) data[i] = 3 - i;
    model.setWeights(weights);
    requireHolds(model);
    expect(model.weights()["encoder.0.bias"]!.data[0]).toBe(3);
  });

  test("load changes no weight", async () => {
    const model = made();
    model.trainOnBatch(x);
    const loaded = await TiedAutoencoder.load(model.save());
    expect(loaded.weights()).toEqual(model.weights());
  });
});

test("unit norm removes the component of a gradient along its row before clipping, not before gradients()", () => {
  const config = { layers: [6, 4], constraint: "unitNorm", activation: "linear" } as const;
  const clipNorm = 0.01;
  const model = TiedAutoencoder.createSync({
    ...config,
    optimizer: { type: "sgd", learningRate: 1, clipNorm },
  });
  model.accumulateGradients(x);
  const { "encoder.0.weight": g, ...biases } = model.gradients();
  const before = model.weights()["encoder.0.weight"]!.data;
  const projected = Array.from(g!.data);
  for (let u = 0; u < 4; u++) {
    let dot = 0;
    for (let j = 0; j < 6; j++) dot += g!.data[u * 6 + j]! * before[u * 6 + j]!;
    expect(Math.abs(dot)).toBeGreaterThan(1e-4);
    for (let j = 0; j < 6; j++) projected[u * 6 + j]! -= dot * before[u * 6 + j]!;
  }
  const norm = Math.hypot(...projected, ...Object.values(biases).flatMap(({ data }) => [...data]));
  model.applyGradients();
  const moved = Array.from(before, (w, i) => w - (clipNorm / (norm + 1e-6)) * projected[i]!);
  const after = model.weights()["encoder.0.weight"]!.data;
  for (let u = 0; u < 4; u++) {
    const row = moved.slice(u * 6, u * 6 + 6);
    const length = Math.hypot(...row);
    row.forEach((value, j) => {
      expect(after[u * 6 + j]).toBeCloseTo(value / length, 6);
    });
  }
});

test.each([
  [{ type: "maxNorm", max: 0 }, /constraint\.max must be/],
  [{ type: "maxNorm" }, /constraint\.max must be/],
  ["orthogonal", /constraint.*"unitNorm", "nonNegative"/],
  [{ type: "nonNegative", max: 1 }, /no option "max"/],
])("%j is refused", (constraint, message) => {
  const make = () =>
    TiedAutoencoder.createSync({ layers: [3, 2], constraint: constraint as ConstraintSpec });
  expect(make).toThrow(message);
});
