// The loss of rows that mix numbers and categories, against its definition in float64.

import * as ort from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { type LossSpec, type ModelConfig, TiedAutoencoder } from "../../src/index.ts";
import { at } from "../../src/math/order.ts";
import { encodePyTorch } from "../../src/pytorch/index.ts";
import { generator } from "../detect/support/random.ts";

// Columns: number, category of 3, number, category of 2, number.
const width = 8;
const categories = [
  [1, 3],
  [5, 2],
] as const;
const weights = [1, 0.5, 2, 3, 0];
const loss: LossSpec = { type: "mixed", categories, weights };

/** Rows whose categories depend on their numbers. */
function rowsOf(count: number, seed: number): Float32Array {
  const random = generator(seed);
  const x = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const [a, b] = [random.normal(), random.normal()];
    const row = x.subarray(i * width, (i + 1) * width);
    row.set([a, 0, 0, 0, b, 0, 0, a - b]);
    row[1 + (a < -0.4 ? 0 : a < 0.4 ? 1 : 2)] = 1;
    row[5 + (b > 0 ? 1 : 0)] = 1;
  }
  return x;
}

/** The mean loss of outputs and targets, by the definition. */
function reference(y: ArrayLike<number>, t: ArrayLike<number>): number {
  const rows = y.length / width;
  let sum = 0;
  let known = 0;
  for (let i = 0; i < rows; i++) {
    const of = (values: ArrayLike<number>, j: number) => at(values, i * width + j);
    for (let j = 0; j < width; j++) known += Number.isNaN(of(t, j)) ? 0 : 1;
    [0, 4, 7].forEach((j, f) => {
      const weight = [1, 2, 0][f] ?? 0;
      if (!Number.isNaN(of(t, j))) sum += weight * (of(y, j) - of(t, j)) ** 2;
    });
    categories.forEach(([first, levels], c) => {
      const places = Array.from({ length: levels }, (_, l) => first + l);
      if (places.some((j) => Number.isNaN(of(t, j)))) return;
      const total = places.reduce((all, j) => all + Math.exp(of(y, j)), 0);
      const weight = [0.5, 3][c] ?? 0;
      for (const j of places) sum -= weight * of(t, j) * Math.log(Math.exp(of(y, j)) / total);
    });
  }
  return (sum / known) * (width / 6.5);
}

/** The outputs before the softmax of a model with one tanh layer, in float64. */
function outputs(
  model: TiedAutoencoder,
  x: Float32Array,
  change?: { name: string; at: number; by: number },
) {
  const named = (name: string) => {
    const values = Float64Array.from(model.weights()[name]?.data ?? []);
    if (change?.name === name) values[change.at] = at(values, change.at) + change.by;
    return values;
  };
  const [w, b, c] = [named("encoder.0.weight"), named("encoder.0.bias"), named("decoder.0.bias")];
  const units = b.length;
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length / width; i++) {
    for (let j = 0; j < width; j++) y[i * width + j] = at(c, j);
    for (let u = 0; u < units; u++) {
      let z = at(b, u);
      for (let j = 0; j < width; j++) z += at(w, u * width + j) * (x[i * width + j] || 0);
      for (let j = 0; j < width; j++)
        y[i * width + j] = at(y, i * width + j) + Math.tanh(z) * at(w, u * width + j);
    }
  }
  return y;
}

const config: ModelConfig = { layers: [width, 4], activation: "tanh", loss, seed: 3 };

describe("the mixed loss", () => {
  it("is the weighted mean over numbers and categories", async () => {
    using model = await TiedAutoencoder.create(config);
    const x = rowsOf(37, 1);
    expect(model.evaluate(x)).toBeCloseTo(reference(outputs(model, x), x), 5);
  });

  it.each([false, true])(
    "has the gradient of its value, with missing values: %s",
    async (isMasked) => {
      using model = await TiedAutoencoder.create({
        ...config,
        ...(isMasked ? { missing: "mask" } : {}),
      });
      const x = rowsOf(23, 2);
      const target = x.slice();
      if (isMasked) {
        target.fill(Number.NaN, 1, 4);
        target[2 * width] = Number.NaN;
        target[4 * width + 6] = Number.NaN;
        model.fitScaler(x);
      }
      model.accumulateGradients(x, target);
      for (const [name, { data }] of Object.entries(model.gradients())) {
        data.forEach((gradient, i) => {
          const by = 1e-5;
          const side = (sign: number) =>
            reference(outputs(model, x, { name, at: i, by: sign * by }), target);
          const expected = (side(1) - side(-1)) / (2 * by);
          expect(Math.abs(gradient - expected), `${name}[${i}]`).toBeLessThan(2e-5);
        });
      }
    },
  );

  it("learns which level belongs to the numbers, and reconstructs probabilities", async () => {
    using model = await TiedAutoencoder.create({
      ...config,
      layers: [width, 16, 4],
      loss: { type: "mixed", categories },
    });
    const x = rowsOf(400, 3);
    await model.fit(x, { epochs: 60, schedule: { type: "cosine", tMax: 800 } });
    const y = model.reconstruct(x);
    let right = 0;
    for (let i = 0; i < 400; i++) {
      const row = y.subarray(i * width, (i + 1) * width);
      const first = row.subarray(1, 4);
      expect(at(first, 0) + at(first, 1) + at(first, 2)).toBeCloseTo(1, 5);
      expect(at(row, 5) + at(row, 6)).toBeCloseTo(1, 5);
      if (at(first, x.subarray(i * width + 1, i * width + 4).indexOf(1)) > 0.5) right += 1;
    }
    expect(right).toBeGreaterThan(340);
    using loaded = await TiedAutoencoder.load(model.save());
    expect(loaded.reconstruct(x)).toEqual(y);
    expect(loaded.config.loss).toEqual({ type: "mixed", categories });
    expect(model.summary()).toContain("softmax of 2 categories");
    const session = await ort.InferenceSession.create(model.toOnnx());
    const name = session.inputNames[0] ?? "";
    const result = await session.run({ [name]: new ort.Tensor("float32", x, [400, width]) });
    const onnx = result[session.outputNames[0] ?? ""]?.data ?? [];
    y.forEach((value, i) => {
      expect(Math.abs(Number(onnx[i]) - value)).toBeLessThan(1e-5);
    });
  });

  it("leaves the auxiliary loss of dead units what the probabilities leave", async () => {
    const units = 6;
    const sparse: ModelConfig = {
      ...config,
      layers: [width, units],
      code: { type: "topK", k: 1, auxiliary: { k: 2, weight: 0.5, deadAfter: 1 } },
    };
    const x = rowsOf(9, 5);
    using model = await TiedAutoencoder.create(sparse);
    using dense = await TiedAutoencoder.create({ ...sparse, code: "dense" });
    dense.setWeights(model.weights());
    const [kept, all, y] = [model.encode(x), dense.encode(x), model.reconstruct(x)];
    const isDead = (u: number) => !kept.some((value, i) => i % units === u && value > 1e-3);
    const dead = Array.from({ length: units }, (_, u) => u).filter(isDead);
    expect(dead.length).toBeGreaterThan(2);
    const w = model.weights()["encoder.0.weight"]?.data ?? [];
    const e = x.map((value, i) => value - at(y, i));
    let [error, spread] = [0, 0];
    for (let i = 0; i < 9; i++) {
      const activated = (u: number) => at(all, i * units + u);
      const largest = [...dead].sort((a, b) => activated(b) - activated(a)).slice(0, 2);
      for (let j = 0; j < width; j++) {
        const column = e.filter((_, k) => k % width === j);
        const again = largest.reduce((sum, u) => sum + activated(u) * at(w, u * width + j), 0);
        error += (again - at(e, i * width + j)) ** 2;
        spread += (at(e, i * width + j) - column.reduce((a, b) => a + b, 0) / 9) ** 2;
      }
    }
    const loss = model.accumulateGradients(x);
    expect(loss).toBeCloseTo(model.evaluate(x) + (0.5 * error) / spread, 5);
  });

  it("is pretrained layer by layer", async () => {
    using model = await TiedAutoencoder.create({ ...config, layers: [width, 6, 3] });
    const x = rowsOf(60, 4);
    await model.initializeFrom(x, { method: "layerwise", epochs: 2 });
    expect(Number.isFinite(model.evaluate(x))).toBe(true);
  });

  it.each<[Partial<ModelConfig>, string]>([
    [
      { loss: { type: "mixed" } as never },
      "loss.categories must be a list of [first column, levels]",
    ],
    [
      { loss: { type: "mixed", categories: [[1]] } as never },
      "loss.categories[0] must be [first column, levels]",
    ],
    [
      {
        loss: {
          type: "mixed",
          categories: [
            [1, 3],
            [3, 2],
          ],
        },
      },
      "loss.categories[1][0] must be a whole number of at least 4; got 3.",
    ],
    [
      { loss: { type: "mixed", categories: [[1, 0]] } },
      "loss.categories[0][1] must be a whole number of at least 1",
    ],
    [
      { loss: { type: "mixed", categories: [[6, 3]] } },
      "loss.categories go up to column 8; the input has 8.",
    ],
    [
      { loss: { type: "mixed", categories, weights: [1, 2] } },
      "one for each of the 3 numbers and 2 categories; got 2.",
    ],
    [
      { loss: { type: "mixed", categories, weights: [0, 0, 0, 0, 0] } },
      "loss.weights must have a weight above 0.",
    ],
    [{ outputActivation: "sigmoid" }, 'needs outputActivation "linear"'],
    [{ scaler: "standard" }, "takes the levels of categories as 0 and 1, which a scaler changes"],
  ])("refuses %o", async (rest, message) => {
    await expect(TiedAutoencoder.create({ ...config, ...rest })).rejects.toThrow(message);
  });

  it("is not supported by the PyTorch export, with a clear error", async () => {
    using model = await TiedAutoencoder.create(config);
    expect(() => encodePyTorch(model)).toThrow('does not have the loss "mixed"');
  });
});
