// Mixtures of codes, penalties, constraints, depths, optimizers and masked values against PyTorch's autograd in float64:
// inference, the gradient of the first step and ten steps. Through the public API, except that the noise of a gaussian
// code is given at its layer.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import { nameTensors } from "../../src/exchange/named-weights.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { Gaussian } from "../../src/layers/gaussian.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { availableBuilds } from "../support/builds.ts";
import { relativeDistance } from "../support/distance.ts";
import { type FamilyCase, familyConfig, familyWeights } from "./cases.ts";

const AT_ONCE = 3e-6;
const AFTER_TEN_STEPS = 1e-5;

const cases: FamilyCase[] = JSON.parse(
  readFileSync(new URL("mixtures.json", import.meta.url), "utf8"),
);

/** What the test asks of a model, whichever way it was made. */
interface Model {
  encode(x: Float32Array): ArrayLike<number>;
  evaluate(x: Float32Array): number;
  /** Gradients of a batch at the first step, by name. */
  gradients(x: Float32Array): Record<string, { data: ArrayLike<number> }>;
  weights(): Record<string, { data: ArrayLike<number> }>;
  /** One step; its loss. */
  train(x: Float32Array, learningRate: number): number;
  readonly threshold: number;
}

function byTheApi(golden: FamilyCase, simd: "baseline" | "relaxed", seen: Float32Array): Model {
  const make = () => {
    const model = TiedAutoencoder.createSync({ ...familyConfig(golden), simd });
    model.fitScaler(seen);
    const named = Object.entries(familyWeights(golden.init, golden.config.dims.length - 1));
    model.setWeights(
      Object.fromEntries(
        named.map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data) }]),
      ),
    );
    return model;
  };
  const model = make();
  return {
    encode: (x) => model.encode(x),
    evaluate: (x) => model.evaluate(x),
    gradients(x) {
      using other = make();
      other.accumulateGradients(x);
      return other.gradients();
    },
    weights: () => model.weights(),
    train(x, learningRate) {
      model.learningRate = learningRate;
      return model.trainOnBatch(x);
    },
    get threshold() {
      return model.codeThreshold;
    },
  };
}

function byItsParts(golden: FamilyCase, simd: "baseline" | "relaxed", seen: Float32Array): Model {
  const engine = new Engine(resolveConfig(familyConfig(golden)), loadCoreSync({ simd }));
  const width = golden.config.dims[0];
  const rows = (x: Float32Array) => readRows("x", x, width);
  const all = rows(seen);
  engine.preparation.fit(all, all.count);
  const { layout } = engine.network;
  const named = familyWeights(golden.init, golden.config.dims.length - 1);
  for (const { name, offset } of layout.tensors) {
    engine.state.parameters.set(named[name]!.data, offset);
  }
  const layer = engine.network.layers.find((one) => one instanceof Gaussian)!;
  layer.noise = ({ arena, step }, epsilon) => {
    const { data } = golden.noise![step]!;
    arena.view(epsilon, data.length).set(data);
  };
  const batch = (x: Float32Array) => {
    const read = rows(x);
    const rest = { target: undefined, order: undefined, held: undefined, checked: false };
    return { ...rest, x: read, first: 0, count: read.count };
  };
  return {
    encode: (x) => engine.inference.encode(rows(x)),
    evaluate: (x) => engine.inference.evaluate(rows(x), undefined),
    gradients(x) {
      engine.step.accumulate(batch(x), 1);
      engine.step.forgetGradients();
      return nameTensors(engine.state.gradients, layout);
    },
    weights: () => nameTensors(engine.state.parameters, layout),
    train(x, learningRate) {
      engine.step.progress.learningRate = learningRate;
      engine.step.train(batch(x));
      return engine.step.loss;
    },
    threshold: 0,
  };
}

test("there are cases", () => expect(cases).toHaveLength(16));

describe.each(availableBuilds)("%s build", (simd) => {
  test.each(cases.map((golden) => [golden.id, golden] as const))("%s", (_, golden) => {
    const depth = golden.config.dims.length - 1;
    const batches = golden.batches.map(({ data }) =>
      Float32Array.from(data, (value) => value ?? Number.NaN),
    );
    const seen = Float32Array.from(batches.flatMap((batch) => [...batch]));
    const [first] = batches as [Float32Array];
    const make = golden.config.code?.type === "gaussian" ? byItsParts : byTheApi;
    const model = make(golden, simd, seen);
    const { inference_f64, grads_f64, trainLoss_f64, threshold_f64, lr } = golden;
    expect(relativeDistance(model.encode(first), inference_f64.code.data)).toBeLessThan(AT_ONCE);
    expect(relativeDistance([model.evaluate(first)], [inference_f64.loss])).toBeLessThan(AT_ONCE);
    const gradients = model.gradients(first);
    for (const [name, { data }] of Object.entries(familyWeights(grads_f64, depth))) {
      expect(relativeDistance(gradients[name]!.data, data), name).toBeLessThan(AT_ONCE);
    }
    for (let t = 0; t < 10; t++) {
      const loss = model.train(batches[t % batches.length]!, lr[t]!);
      expect(relativeDistance([loss], [trainLoss_f64[t]!]), `loss ${t}`).toBeLessThan(
        AFTER_TEN_STEPS,
      );
      if (threshold_f64) {
        expect(relativeDistance([model.threshold], [threshold_f64[t]!])).toBeLessThan(
          AFTER_TEN_STEPS,
        );
      }
    }
    const { lossBatch0, params } = golden.after_f64["10"]!;
    expect(relativeDistance([model.evaluate(first)], [lossBatch0])).toBeLessThan(AFTER_TEN_STEPS);
    const weights = model.weights();
    for (const [name, { data }] of Object.entries(familyWeights(params!, depth))) {
      expect(relativeDistance(weights[name]!.data, data), name).toBeLessThan(AFTER_TEN_STEPS);
    }
  });
});
