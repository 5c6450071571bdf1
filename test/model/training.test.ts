import { describe, expect, test } from "vitest";
import {
  DisposedError,
  DivergenceError,
  InvalidStateError,
  type NamedWeights,
  TiedAutoencoder,
} from "../../src/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { randomRows } from "../support/random.ts";

const layers = [6, 4, 2];
const x = randomRows(40, 6, 1);
const halves = [x.subarray(0, 120), x.subarray(120)];

function distance(a: NamedWeights, b: NamedWeights): number {
  return Math.max(...Object.keys(b).map((name) => relativeDistance(a[name]!.data, b[name]!.data)));
}

describe("accumulated gradients", () => {
  test("accumulate and apply have the same bits as trainOnBatch", () => {
    const whole = TiedAutoencoder.createSync({ layers });
    const parts = TiedAutoencoder.createSync({ layers });
    for (let t = 0; t < 5; t++) {
      const loss = whole.trainOnBatch(x);
      expect(parts.accumulateGradients(x)).toBe(loss);
      parts.applyGradients();
    }
    expect(parts.weights()).toEqual(whole.weights());
    expect(parts.stepCount).toBe(5);
  });

  test("two halves scaled by one half give the whole batch's gradient, penalties included", () => {
    const model = TiedAutoencoder.createSync({ layers, l1: 1e-3, l2: 1e-2 });
    model.accumulateGradients(x);
    const whole = model.gradients();
    model.zeroGradients();
    for (const half of halves) model.accumulateGradients(half, undefined, { scale: 0.5 });
    expect(distance(model.gradients(), whole)).toBeLessThan(1e-6);
  });

  test("gradients throws if nothing was accumulated", () => {
    const model = TiedAutoencoder.createSync({ layers });
    expect(() => model.gradients()).toThrow(InvalidStateError);
    expect(() => model.applyGradients()).toThrow(/nothing was accumulated/);
    model.accumulateGradients(x);
    model.gradients();
    model.zeroGradients();
    expect(() => model.gradients()).toThrow(InvalidStateError);
    model.accumulateGradients(x);
    model.trainOnBatch(x);
    expect(() => model.gradients()).toThrow(InvalidStateError);
  });

  test("clipping scales the gradient to the given norm", () => {
    const learningRate = 0.1;
    const clipNorm = 0.01;
    const optimizer = { type: "sgd", learningRate, clipNorm } as const;
    const model = TiedAutoencoder.createSync({ layers, optimizer });
    model.accumulateGradients(x);
    const gradients = model.gradients();
    const norm = Math.hypot(...Object.values(gradients).flatMap(({ data }) => [...data]));
    expect(norm).toBeGreaterThan(clipNorm);
    const before = model.weights();
    model.applyGradients();
    const after = model.weights();
    const factor = (learningRate * clipNorm) / (norm + 1e-6);
    for (const [name, { data }] of Object.entries(before)) {
      const expected = data.map((value, i) => value - factor * gradients[name]!.data[i]!);
      expect(relativeDistance(after[name]!.data, expected), name).toBeLessThan(1e-6);
    }
  });

  test("the model learns a separate target", () => {
    const optimizer = { type: "adam", learningRate: 0.02 } as const;
    const model = TiedAutoencoder.createSync({ layers: [3, 3], activation: "linear", optimizer });
    const input = randomRows(32, 3, 2);
    const target = input.map((value) => 0.5 * value + 0.1);
    const before = model.evaluate(input, target);
    for (let t = 0; t < 500; t++) model.trainOnBatch(input, target);
    expect(model.evaluate(input, target)).toBeLessThan(before / 50);
  });

  test("a batch without a target is its own target, also after a batch with another target", () => {
    const model = TiedAutoencoder.createSync({ layers });
    const fresh = TiedAutoencoder.createSync({ layers });
    model.accumulateGradients(x, randomRows(40, 6, 9));
    model.zeroGradients();
    expect(model.accumulateGradients(x)).toBe(fresh.accumulateGradients(x));
    expect(model.gradients()).toEqual(fresh.gradients());
  });

  test("bce refuses targets outside [0, 1] and names their row and column", async () => {
    const config = { layers: [2, 1], outputActivation: "sigmoid", loss: "bce" } as const;
    const model = TiedAutoencoder.createSync(config);
    const [good, bad] = [[[0, 1]], [[0.5, 1.5]]];
    const message = /Row 0, column 1 of .* is 1.5; the loss "bce" takes targets between 0 and 1/;
    expect(() => model.trainOnBatch(bad)).toThrow(message);
    expect(() => model.trainOnBatch(good, bad)).toThrow(message);
    expect(() => model.evaluate(bad)).toThrow(message);
    await expect(model.fit(bad)).rejects.toThrow(message);
    await expect(model.fit(good, { validationData: bad })).rejects.toThrow(message);
    expect(model.stepCount).toBe(0);
    model.trainOnBatch(bad, good);
  });

  test("a diverging loss names its step and leaves the weights before it", () => {
    const optimizer = { type: "sgd", learningRate: 1e4 } as const;
    const model = TiedAutoencoder.createSync({ layers, activation: "linear", optimizer });
    let before = model.weights();
    let steps = 0;
    const train = () => {
      for (; steps < 1000; steps++) {
        before = model.weights();
        model.trainOnBatch(x);
      }
    };
    expect(train).toThrow(DivergenceError);
    expect(model.weights()).toEqual(before);
    expect(model.stepCount).toBe(steps);
    for (const { data } of Object.values(before)) expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe("dropout", () => {
  test("only acts in training, and repeats with the seed", () => {
    const make = () => TiedAutoencoder.createSync({ layers, dropout: 0.5, seed: 3 });
    const model = make();
    expect(model.accumulateGradients(x)).not.toBe(model.evaluate(x));
    expect(model.evaluate(x)).toBe(model.evaluate(x));
    const [a, b] = [make(), make()];
    for (let t = 0; t < 3; t++) expect(a.trainOnBatch(x)).toBe(b.trainOnBatch(x));
  });

  test("a step in micro-batches drops the same values as the whole step", () => {
    const model = TiedAutoencoder.createSync({ layers, dropout: 0.4 });
    model.accumulateGradients(x);
    const whole = model.gradients();
    model.zeroGradients();
    for (const half of halves) model.accumulateGradients(half, undefined, { scale: 0.5 });
    expect(distance(model.gradients(), whole)).toBeLessThan(1e-6);
  });
});

describe("weights", () => {
  test("setWeights copies the result of weights and does not change the optimizer", () => {
    const source = TiedAutoencoder.createSync({ layers, seed: 1 });
    const model = TiedAutoencoder.createSync({ layers, seed: 2 });
    model.trainOnBatch(x);
    const weights = source.weights();
    model.setWeights(weights);
    expect(model.weights()).toEqual(weights);
    expect(model.stepCount).toBe(1);
    weights["encoder.0.weight"]!.data.fill(0);
    expect(model.weights()).toEqual(source.weights());
  });

  const five = { shape: [5], data: new Float32Array(5) };
  const transposed = { shape: [6, 4], data: new Float32Array(24) };
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a missing name", { "encoder.1.bias": undefined }, /setWeights lacks "encoder.1.bias"/],
    ["an unknown name", { "decoder.0.weight": five }, /has no .*"decoder.0.weight"/],
    [
      "a wrong shape",
      { "encoder.0.bias": five },
      /encoder.0.bias must have shape \[4\]; got \[5\]/,
    ],
    [
      "a transposed shape",
      { "encoder.0.weight": transposed },
      /must have shape \[4, 6\]; got \[6, 4\]/,
    ],
    ["no data", { "encoder.0.bias": { shape: [4] } }, /must be \{ shape, data/],
    [
      "a shape that is no array",
      { "encoder.0.bias": { shape: "4", data: new Float32Array(4) } },
      /must have shape \[4\]; got "4" with 4 values/,
    ],
    [
      "a shape of objects without a text",
      { "encoder.0.bias": { shape: [Object.create(null)], data: new Float32Array(4) } },
      /must have shape \[4\]; got \[an object\]/,
    ],
    ["nothing", { "encoder.0.bias": null }, /encoder.0.bias must be an object; got null/],
  ])("%s is refused and nothing changes", (_, spoilt, message) => {
    const model = TiedAutoencoder.createSync({ layers });
    const before = model.weights();
    const weights = { ...model.weights(), ...spoilt } as NamedWeights;
    expect(() => model.setWeights(weights)).toThrow(message);
    expect(model.weights()).toEqual(before);
  });
});

describe("dispose", () => {
  test("every later call throws a DisposedError", () => {
    const model = TiedAutoencoder.createSync({ layers });
    model.dispose();
    model.dispose();
    const calls = [
      () => model.encode(x),
      () => model.trainOnBatch(x),
      () => model.weights(),
      () => model.save(),
      () => model.learningRate,
      () => model.summary(),
    ];
    for (const call of calls) expect(call).toThrow(DisposedError);
  });
});
