// Every penalty on every kind of layer that it supports: loss and gradient against the float64 reference.

import { describe, expect, test } from "vitest";
import type { ModelConfig, PenaltySpec } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { gradientError } from "../support/gradient-error.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(6, 5, 11);

const cases: [PenaltySpec, Partial<ModelConfig>[]][] = [
  [{ type: "l1", weight: 0.05 }, [{}, { code: { type: "topK", k: 1 } }]],
  [{ type: "l2", weight: 0.05 }, [{}, { code: { type: "gaussian", beta: 1 } }]],
  [{ type: "klSparsity", rho: 0.1, weight: 0.3 }, [{ activation: "sigmoid" }, {}]],
  [
    { type: "codeL1", weight: 0.2 },
    [
      {},
      { activation: "relu", layers: [5, 7] },
      { code: { type: "topK", k: 2, centered: true } },
      { code: { type: "batchTopK", k: 2 }, layers: [5, 8] },
    ],
  ],
  [
    { type: "contraction", weight: 0.3 },
    (["linear", "relu", "leakyRelu", "elu", "softplus", "sigmoid", "tanh"] as const).map(
      (activation) => ({ activation }),
    ),
  ],
  [
    { type: "orthogonality", weight: 0.1 },
    [{}, { layers: [5, 9] }, { layers: [5, 5] }, { code: { type: "gaussian", beta: 1 } }],
  ],
];

describe.each(availableBuilds)("within 1e-5 of differences, %s build", (simd) => {
  describe.each(cases)("%j", (penalty, configs) => {
    const base: ModelConfig = { layers: [5, 4, 3], activation: "tanh", seed: 25, simd };

    test.each(configs)("%j", (rest) => {
      const config = { ...base, penalties: [penalty], ...rest };
      expect(gradientError(config, x)).toBeLessThan(1e-5);
    });

    test("in the Gram step", () => {
      const config = { ...base, penalties: [penalty], gradient: "gram" } as const;
      expect(gradientError(config, x)).toBeLessThan(1e-4);
    });
  });

  test("all compatible penalties together", () => {
    const penalties: PenaltySpec[] = cases.map(([penalty]) => penalty);
    const config: ModelConfig = { layers: [5, 4, 3], activation: "tanh", penalties, simd };
    expect(gradientError({ ...config, dropout: 0.3 }, x)).toBeLessThan(1e-5);
    const masked = x.map((value, i) => (i % 7 === 3 ? Number.NaN : value));
    expect(gradientError({ ...config, missing: "mask" }, masked)).toBeLessThan(1e-5);
  });
});
