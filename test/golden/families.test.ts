// Sparse, variational, contractive and constrained models against PyTorch, case by case: codes and losses within 2e-6 of
// float64, gradients too, and ten steps of every optimizer within 3e-6. Through the public API, except that the noise of
// a gaussian code is given at its layer.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { Gaussian } from "../../src/layers/gaussian.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { availableBuilds } from "../support/builds.ts";
import { relativeDistance } from "../support/distance.ts";
import { type FamilyCase, type FamilyParameters, familyConfig, familyWeights } from "./cases.ts";

const AT_ONCE = 2e-6;
const AFTER_TEN_STEPS = 3e-6;

const folder = new URL("families/", import.meta.url);
const cases: FamilyCase[] = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));

/** A model by its parts: an engine, whose gaussian code can be given its noise. */
function make(golden: FamilyCase, simd: "baseline" | "relaxed") {
  const engine = new Engine(resolveConfig(familyConfig(golden)), loadCoreSync({ simd }));
  const depth = golden.config.dims.length - 1;
  const { layout } = engine.network;
  const put = (parameters: FamilyParameters) => {
    const named = familyWeights(parameters, depth);
    for (const { name, offset } of layout.tensors) {
      engine.state.parameters.set(named[name]!.data, offset);
    }
  };
  put(golden.init);
  const layer = engine.network.layers.find((one) => one instanceof Gaussian);
  if (layer) {
    layer.noise = ({ arena, step }, epsilon) =>
      arena.view(epsilon, golden.noise![step]!.data.length).set(golden.noise![step]!.data);
  }
  const batch = (t: number) => {
    const { data, shape } = golden.batches[t % golden.batches.length]!;
    const x = readRows("x", new Float32Array(data), shape[1]!);
    return {
      x,
      target: undefined,
      order: undefined,
      first: 0,
      count: x.count,
      checked: false,
      held: undefined,
    };
  };
  const tensor = (block: Float32Array, name: string) => {
    const { offset, length } = layout.tensors.find((one) => one.name === name)!;
    return block.subarray(offset, offset + length);
  };
  return { engine, batch, tensor, depth };
}

test("there are cases", () => expect(cases.length).toBe(19));

describe.each(availableBuilds)("families, %s build", (simd) => {
  describe.each(cases.map((golden) => [golden.id, golden] as const))("%s", (_, golden) => {
    test("inference before training", () => {
      const { engine, batch } = make(golden, simd);
      const { x } = batch(0);
      const { code, reconstruction, loss } = golden.inference_f64;
      expect(relativeDistance(engine.inference.encode(x), code.data)).toBeLessThan(AT_ONCE);
      const decoded = engine.inference.reconstruct(x);
      expect(relativeDistance(decoded, reconstruction.data)).toBeLessThan(AT_ONCE);
      expect(relativeDistance([engine.inference.evaluate(x, undefined)], [loss])).toBeLessThan(
        AT_ONCE,
      );
    });

    test("gradients", () => {
      const { engine, batch, tensor, depth } = make(golden, simd);
      engine.step.accumulate(batch(0), 1);
      expect(relativeDistance([engine.step.loss], [golden.trainLoss_f64[0]!])).toBeLessThan(
        AT_ONCE,
      );
      for (const [name, { data }] of Object.entries(familyWeights(golden.grads_f64, depth))) {
        const gradient = tensor(engine.state.gradients, name);
        expect(relativeDistance(gradient, data), name).toBeLessThan(AT_ONCE);
      }
    });

    test("ten optimizer steps", () => {
      const { engine, batch, tensor, depth } = make(golden, simd);
      for (let t = 0; t < 10; t++) {
        engine.step.progress.learningRate = golden.lr[t]!;
        engine.step.train(batch(t));
        const { loss } = engine.step;
        expect(relativeDistance([loss], [golden.trainLoss_f64[t]!]), `loss ${t}`).toBeLessThan(
          AFTER_TEN_STEPS,
        );
        const { buffers } = engine.state;
        if (golden.rowsSinceActive) {
          expect([...buffers["code.rowsSinceActive"]!]).toEqual(golden.rowsSinceActive[t]);
        }
        if (golden.threshold_f64) {
          const threshold = buffers["code.threshold"]!;
          expect(relativeDistance(threshold, [golden.threshold_f64[t]!])).toBeLessThan(
            AFTER_TEN_STEPS,
          );
        }
        const after = golden.after_f64[String(t + 1)];
        if (!after) continue;
        const { x } = batch(0);
        const evaluated = engine.inference.evaluate(x, undefined);
        expect(relativeDistance([evaluated], [after.lossBatch0])).toBeLessThan(AFTER_TEN_STEPS);
        const expected = familyWeights(after.params ?? golden.after[String(t + 1)]!.params, depth);
        for (const [name, { data }] of Object.entries(expected)) {
          const value = tensor(engine.state.parameters, name);
          expect(relativeDistance(value, data), name).toBeLessThan(AFTER_TEN_STEPS);
        }
        if (after.code) {
          expect(relativeDistance(engine.inference.encode(x), after.code.data)).toBeLessThan(
            AFTER_TEN_STEPS,
          );
        }
      }
    });

    test("the public API makes the same model, and a saved one is the same", async () => {
      const depth = golden.config.dims.length - 1;
      using model = TiedAutoencoder.createSync({ ...familyConfig(golden), simd });
      const named = Object.entries(familyWeights(golden.init, depth));
      model.setWeights(
        Object.fromEntries(
          named.map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data) }]),
        ),
      );
      const x = new Float32Array(golden.batches[0]!.data);
      expect(relativeDistance(model.encode(x), golden.inference_f64.code.data)).toBeLessThan(
        AT_ONCE,
      );
      for (let t = 0; t < 3; t++) model.trainOnBatch(x);
      using same = await TiedAutoencoder.load(model.save({ optimizer: true }), { simd });
      expect(same.encode(x)).toEqual(model.encode(x));
      expect(same.trainOnBatch(x)).toBe(model.trainOnBatch(x));
      expect(same.weights()).toEqual(model.weights());
    });
  });
});
