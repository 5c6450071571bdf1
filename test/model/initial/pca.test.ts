// Initialization from the data: a model starts with the error of PCA.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadDigits } from "../../../examples/support/optdigits.mjs";
import { type ModelConfig, StandardScaler, TiedAutoencoder } from "../../../src/index.ts";
import { symmetricEigenvectors } from "../../../src/model/initial/symmetric-eigen.ts";
import { randomRows } from "../../support/random.ts";
import { pcaError } from "../../support/reference/pca.ts";

const { train, width } = loadDigits() as { train: Float32Array; width: number };
const floor = (k: number) => pcaError(train, train, width, k);

async function started(config: ModelConfig, x = train): Promise<TiedAutoencoder> {
  const model = TiedAutoencoder.createSync(config);
  await model.initializeFrom(x, { method: "pca" });
  return model;
}

describe("initializeFrom", () => {
  test.each([2, 8, 32])(
    "a linear model with a code of %i starts with the error of PCA",
    async (k) => {
      const model = await started({ layers: [width, k], activation: "linear" });
      const error = model.evaluate(train);
      expect(error / floor(k)).toBeGreaterThan(0.99999);
      expect(error / floor(k)).toBeLessThan(1.0001);
    },
  );

  test.each(["relu", "leakyRelu", "elu"] as const)(
    "a model of %s units does too, with all units active",
    async (activation) => {
      const model = await started({ layers: [width, 8], activation });
      expect(model.evaluate(train) / floor(8)).toBeLessThan(1.0001);
      expect(Math.min(...model.encode(train))).toBeGreaterThan(-1e-5);
      expect(model.encode(train).filter((value) => value < 1e-5).length).toBeLessThanOrEqual(8);
    },
  );

  test.each(["gelu", "geluTanh", "silu", "softplus"] as const)(
    "one of %s units is near",
    async (activation) => {
      const model = await started({ layers: [width, 8], activation });
      expect(model.evaluate(train) / floor(8)).toBeLessThan(1.05);
    },
  );

  test.each([
    [[width, 32, 8], "linear"],
    [[width, 32, 8], "relu"],
    [[width, 100, 8], "relu"],
  ] as const)("layers %o of %s units start as PCA to the code", async (layers, activation) => {
    const model = await started({ layers, activation });
    expect(model.evaluate(train) / floor(8)).toBeLessThan(1.001);
  });

  test("a code as wide as the data loses nothing", async () => {
    const model = await started({ layers: [width, width], activation: "linear" });
    expect(model.evaluate(train)).toBeLessThan(1e-10);
  });

  test("weights are orthonormal rows by descending variance", async () => {
    const model = await started({ layers: [width, 8], activation: "linear" });
    const code = model.encode(train);
    const variance = Array.from({ length: 8 }, (_, j) => {
      const unit = code.filter((_, i) => i % 8 === j);
      expect(Math.abs(unit.reduce((sum, v) => sum + v, 0) / unit.length)).toBeLessThan(1e-5);
      return unit.reduce((sum, v) => sum + v * v, 0);
    });
    expect(variance).toEqual([...variance].sort((a, b) => b - a));
    const { data } = model.weights()["encoder.0.weight"]!;
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j <= i; j++) {
        let product = 0;
        for (let c = 0; c < width; c++) product += data[i * width + c]! * data[j * width + c]!;
        expect(Math.abs(product - Number(i === j))).toBeLessThan(1e-6);
      }
    }
  });

  test("data too wide for a covariance are handled by passes over the rows", async () => {
    const wide = 2100;
    const factors = randomRows(60, 3, 1);
    const directions = randomRows(3, wide, 2).map((value) => value - 0.5);
    const x = Float32Array.from({ length: 60 * wide }, (_, i) => {
      const row = Math.floor(i / wide) * 3;
      return [0, 1, 2].reduce(
        (sum, f) => sum + factors[row + f]! * directions[f * wide + (i % wide)]!,
        5,
      );
    });
    const layers = [wide, 3];
    const full = await started({ layers, activation: "linear" }, x);
    expect(full.evaluate(x)).toBeLessThan(1e-9);
    const less = await started({ layers: [wide, 2], activation: "linear" }, x);
    expect(less.evaluate(x)).toBeGreaterThan(1e-4);
  });

  test("constant data, few rows and no biases are handled", async () => {
    const constant = await started({ layers: [6, 3] }, new Float32Array(60).fill(0.25));
    expect(constant.evaluate(new Float32Array(6).fill(0.25))).toBeLessThan(1e-12);
    const few = await started({ layers: [6, 5], activation: "linear" }, randomRows(2, 6, 3));
    expect(few.evaluate(randomRows(2, 6, 3))).toBeLessThan(1e-12);
    const config = { layers: [width, 8], activation: "linear", bias: false } as const;
    expect((await started(config)).evaluate(train) / floor(8)).toBeLessThan(1.0001);
    const origin = await started({ ...config, decoderBias: false });
    expect(origin.evaluate(train)).toBeLessThan(1.2 * floor(8));
  });

  test("works in scaled units, and fits the scaler", async () => {
    const columns = Array.from({ length: width }, (_, j) => j).filter((j) => j % 8 !== 0);
    const x = Float32Array.from(
      { length: (train.length / width) * columns.length },
      (_, i) =>
        train[Math.floor(i / columns.length) * width + columns[i % columns.length]!]! *
        (1 + (i % 5)),
    );
    const model = await started(
      { layers: [columns.length, 8], activation: "linear", scaler: "standard" },
      x,
    );
    const scaled = new StandardScaler({ features: columns.length }).fitTransform(x);
    expect(model.evaluate(x) / pcaError(scaled, scaled, columns.length, 8)).toBeLessThan(1.0001);
  });

  test("repeats with the seed and does not change the step count", async () => {
    const [a, b] = [await started({ layers: [width, 8] }), await started({ layers: [width, 8] })];
    expect(a.weights()).toEqual(b.weights());
    expect(a.stepCount).toBe(0);
  });

  test("training can continue from it, and other training is refused during it", async () => {
    const model = TiedAutoencoder.createSync({ layers: [width, 8] });
    const initializing = model.initializeFrom(train, { method: "pca" });
    expect(() => model.trainOnBatch(train)).toThrow(/being trained/);
    await initializing;
    const { history } = await model.fit(train, { epochs: 10 });
    expect(history.loss[9]).toBeLessThan(history.loss[0]!);
    expect(model.evaluate(train) / floor(8)).toBeLessThan(1.02);
  });

  test("dispose ends it", async () => {
    const model = TiedAutoencoder.createSync({ layers: [width, 8] });
    const initializing = model.initializeFrom(train, { method: "pca" });
    model.dispose();
    await expect(initializing).rejects.toThrow(/disposed during initializeFrom/);
  });

  test.each([
    ["a covariance", 300, 150],
    ["rows too wide for one", 2100, 40],
  ])("an abort ends it in the middle, with %s", async (_, columns, units) => {
    const model = TiedAutoencoder.createSync({ layers: [columns, units] });
    const before = model.weights();
    const controller = new AbortController();
    const { signal } = controller;
    const options = { method: "pca", signal } as const;
    const initializing = model.initializeFrom(randomRows(150, columns, 1), options);
    setTimeout(() => controller.abort("enough"), 20);
    await expect(initializing).rejects.toBe("enough");
    expect(model.weights()).toEqual(before);
    model.trainOnBatch(new Float32Array(columns)); // the model is free again
  });

  test("products in pieces have the same bits as whole products", async () => {
    // 1,300 columns: the covariance of a chunk has two bands, and its product with the basis several parts.
    const columns = 1300;
    // 60 directions with decreasing deviations, so that few passes over the covariance suffice.
    const [shares, directions] = [randomRows(220, 60, 2), randomRows(60, columns, 3)];
    const rows = new Float32Array(220 * columns);
    for (let i = 0; i < rows.length; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      for (let k = 0; k < 60; k++) {
        rows[i]! +=
          (shares[row * 60 + k]! - 0.5) * (directions[k * columns + column]! - 0.5) * 0.8 ** k;
      }
    }
    const [one, two] = [1, 2].map((threads) =>
      TiedAutoencoder.create({ layers: [columns, 40], threads, simd: "baseline" }),
    );
    const digests: string[] = [];
    for (const made of [one, two]) {
      using model = await made!;
      await model.initializeFrom(rows, { method: "pca" });
      const { data } = model.weights()["encoder.0.weight"]!;
      digests.push(createHash("sha256").update(data).digest("hex"));
    }
    expect(digests[1]).toBe(digests[0]);
    // The result with one call for each product.
    expect(digests[0]).toBe("5714d9aeaf293b39b6728a328548bae0a2a75e45a9bd98db60da3da644d26c77");
  });

  test("a large read in between has no effect", async () => {
    const alone = await started({ layers: [width, 32, 8] });
    const model = TiedAutoencoder.createSync({ layers: [width, 32, 8] });
    let done = false;
    const initializing = model.initializeFrom(train, { method: "pca" }).then(() => {
      done = true;
    });
    while (!done) {
      model.reconstructionErrors(train);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await initializing;
    expect(model.weights()).toEqual(alone.weights());
  });

  test.each<[unknown, unknown, RegExp]>([
    [train, { method: "svd" }, /method must be "pca" or "layerwise"; got "svd"/],
    [train, undefined, /method must be "pca" or "layerwise"; got undefined/],
    [new Float32Array(0), { method: "pca" }, /at least one row/],
    [new Float32Array(width).fill(Number.NaN), { method: "pca" }, /Row 0, column 0 of x is NaN/],
  ])("refuses what it cannot use (%#)", async (x, options, message) => {
    const model = TiedAutoencoder.createSync({ layers: [width, 8] });
    await expect(model.initializeFrom(x as Float32Array, options as never)).rejects.toThrow(
      message,
    );
  });
});

test("symmetricEigenvectors diagonalizes", () => {
  const n = 7;
  const half = randomRows(n, n, 9);
  const at = (i: number, j: number) => half[i * n + j]! + half[j * n + i]!;
  const matrix = Float64Array.from({ length: n * n }, (_, i) => at(Math.floor(i / n), i % n));
  const vectors = symmetricEigenvectors(matrix.slice(), n);
  let last = Infinity;
  for (let v = 0; v < n; v++) {
    const vector = vectors.subarray(v * n, v * n + n);
    const image = vector.map((_, i) => vector.reduce((sum, x, j) => sum + at(i, j) * x, 0));
    const value = image.reduce((sum, x, i) => sum + x * vector[i]!, 0);
    image.forEach((x, i) => {
      expect(Math.abs(x - value * vector[i]!)).toBeLessThan(1e-13);
    });
    expect(value).toBeLessThan(last);
    last = value;
  }
});

describe("codes that are not dense also start from components", () => {
  const rows = randomRows(60, 6, 9).map((value, i) => value * (1 + (i % 6)) + 3);
  const pca = pcaError(rows, rows, 6, 3);

  test.each<[string, Partial<ModelConfig>]>([
    ["topK that keeps all", { code: { type: "topK", k: 3 } }],
    ["topK, centered", { code: { type: "topK", k: 3, centered: true } }],
    [
      "centered, without a bias in the encoder",
      { code: { type: "topK", k: 3, centered: true }, bias: false },
    ],
    ["the mean of a gaussian code", { code: { type: "gaussian", beta: 0 } }],
  ])("%s: PCA's error within 0.01 %%", async (_, rest) => {
    const model = TiedAutoencoder.createSync({ layers: [6, 3], activation: "linear", ...rest });
    await model.initializeFrom(rows, { method: "pca" });
    expect(Math.abs(model.evaluate(rows) / pca - 1)).toBeLessThan(1e-4);
  });

  test("a centered relu code also starts with the error of PCA, by its biases", async () => {
    const model = TiedAutoencoder.createSync({
      layers: [6, 3],
      code: { type: "topK", k: 3, centered: true },
    });
    await model.initializeFrom(rows, { method: "pca" });
    expect(Math.abs(model.evaluate(rows) / pca - 1)).toBeLessThan(1e-4);
  });
});
