// What every family keeps: bits that depend neither on threads nor on how often a run was cut, micro-batches that are
// accumulated gradients, and files that hold all that training moves.

import { describe, expect, test } from "vitest";
import { readRows } from "../../src/data/rows.ts";
import { type FitOptions, type ModelConfig, TiedAutoencoder } from "../../src/index.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { randomRows } from "../support/random.ts";
import { sharedCore } from "../support/shared-core.ts";

const ROWS = 60;
const x = randomRows(ROWS, 12, 4);
const auxiliary = { k: 3, weight: 0.5, deadAfter: 12 };
const layers = [12, 20];

const families: [string, Partial<ModelConfig>][] = [
  ["topK", { code: { type: "topK", k: 3 } }],
  ["topK, dropout", { code: { type: "topK", k: 3 }, dropout: 0.2 }],
  [
    "topK, centered, auxiliary, unit norm",
    { code: { type: "topK", k: 2, centered: true, auxiliary }, constraint: "unitNorm" },
  ],
  [
    "topK of two layers, auxiliary",
    { layers: [12, 9, 20], code: { type: "topK", k: 3, auxiliary }, dropout: 0.1 },
  ],
  ["batchTopK, auxiliary", { code: { type: "batchTopK", k: 2, auxiliary } }],
  ["batchTopK, masked", { code: { type: "batchTopK", k: 2 }, missing: "mask" }],
  ["gaussian", { layers: [12, 9, 4], code: { type: "gaussian", beta: 0.5 }, dropout: 0.1 }],
  [
    "kl sparsity and contraction",
    {
      activation: "sigmoid",
      penalties: [
        { type: "klSparsity", rho: 0.1, weight: 0.1 },
        { type: "contraction", weight: 0.1 },
      ],
    },
  ],
  [
    "code l1, orthogonality, max norm",
    {
      penalties: [
        { type: "codeL1", weight: 0.01 },
        { type: "orthogonality", weight: 0.1 },
      ],
      constraint: { type: "maxNorm", max: 0.8 },
    },
  ],
  ["non-negative", { constraint: "nonNegative", l1: 1e-3, l2: 1e-3 }],
];

const holes = x.map((value, i) => (i % 11 === 3 ? Number.NaN : value));
const dataOf = (config: Partial<ModelConfig>) => (config.missing ? holes : x);
const configOf = (rest: Partial<ModelConfig>): ModelConfig => ({
  layers,
  optimizer: { type: "adam", learningRate: 0.01, clipNorm: 1 },
  seed: 3,
  simd: "baseline",
  ...rest,
});

describe.each(families)("%s", (_, rest) => {
  const config = configOf(rest);
  const data = dataOf(rest);

  test("has the same bits on 1, 2 and 3 threads", async () => {
    const states: Float32Array[] = [];
    for (const threads of [1, 2, 3]) {
      const core = await sharedCore(threads);
      const engine = new Engine(resolveConfig(config), core);
      engine.initialize();
      const rows = readRows("x", data, 12);
      engine.preparation.fit(rows, ROWS);
      const losses = [];
      for (let step = 0; step < 3; step++) {
        const batch = { x: rows, target: undefined, order: undefined, held: undefined };
        const loss = engine.step.train({ ...batch, first: 0, count: ROWS, checked: false }, 2);
        losses.push(loss, engine.inference.evaluate(rows, undefined));
      }
      const buffers = Object.values(engine.state.buffers).flatMap((values) => [...values]);
      const codes = engine.inference.encode(rows);
      states.push(Float32Array.from([...losses, ...engine.state.parameters, ...buffers, ...codes]));
      core.dispose();
    }
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });

  test("a run cut in two and loaded between has the bits of one that was never cut", async () => {
    const options: FitOptions = {
      epochs: 3,
      batchSize: 16,
      microBatches: 2,
      validationSplit: 0.1,
      corruption: { type: "gaussian", std: 0.1 },
    };
    const whole = TiedAutoencoder.createSync(config);
    const { history } = await whole.fit(data, options);
    for (const cut of [1, 6]) {
      const first = TiedAutoencoder.createSync(config);
      await first.fit(data, { ...options, maxSteps: cut });
      const saved = first.save({ optimizer: true });
      const second = await TiedAutoencoder.load(saved, { simd: "baseline" });
      expect(second.save({ optimizer: true })).toEqual(saved);
      const rest = await second.fit(data, { ...options, resume: true });
      expect(rest.history.valLoss!.at(-1)).toBe(history.valLoss!.at(-1));
      expect(second.save({ optimizer: true })).toEqual(whole.save({ optimizer: true }));
    }
  });

  test("micro-batches are accumulated gradients", async () => {
    const byFit = TiedAutoencoder.createSync(config);
    const byHand = TiedAutoencoder.createSync(config);
    await byFit.fit(data, { batchSize: ROWS, microBatches: 2, shuffle: false });
    byHand.fitScaler(data);
    const half = (ROWS / 2) * 12;
    const parts = [data.subarray(0, half), data.subarray(half)];
    const known = parts.map((part) => part.filter((value) => !Number.isNaN(value)).length);
    const all = known[0]! + known[1]!;
    parts.forEach((part, i) => {
      byHand.accumulateGradients(part, undefined, { scale: known[i]! / all });
    });
    byHand.applyGradients();
    expect(byFit.weights()).toEqual(byHand.weights());
  });

  test("accumulated gradients are those of the loss times the scale, summed", () => {
    // With a scale of 1/2 twice, the sum is the gradient itself: exact, since halving is.
    const once = TiedAutoencoder.createSync({ ...config, dropout: 0 });
    once.fitScaler(data);
    once.accumulateGradients(data);
    const gradients = once.gradients();
    const scaled = TiedAutoencoder.createSync({ ...config, dropout: 0 });
    scaled.fitScaler(data);
    scaled.accumulateGradients(data, undefined, { scale: -0.5 });
    for (const [name, { data: values }] of Object.entries(scaled.gradients())) {
      expect([...values], name).toEqual(
        [...gradients[name]!.data].map((value) => value * -0.5 + 0),
      );
    }
  });

  test("training lowers the loss", async () => {
    const model = TiedAutoencoder.createSync(config);
    model.fitScaler(data);
    const before = model.evaluate(data);
    await model.fit(data, { epochs: 20, batchSize: 20 });
    expect(model.evaluate(data)).toBeLessThan(before);
  });
});
