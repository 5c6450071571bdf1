// The gaussian code against closed forms: the expectation of a linear decoder's error, the
// likelihood of probabilistic PCA, and estimates with other draws.

import { describe, expect, test } from "vitest";
import { InvalidStateError, InvalidValueError, TiedAutoencoder } from "../../src/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { randomRows } from "../support/random.ts";
import { normalOf, words } from "../support/reference/random.ts";

const normals = (count: number, stream: number) => words(count, 0, [9, 0, 0, stream]).map(normalOf);

/** |x − Wᵀ μ − c|² + Σⱼ σ²ⱼ ‖Wⱼ‖² and the divergence of a row, in float64. */
function closedForm(model: TiedAutoencoder, x: Float32Array): { error: number; kl: number } {
  const [width = 0, units = 0] = model.config.layers;
  const { mean, logVariance } = model.encodeDistribution(x);
  const w = model.weights()["encoder.0.weight"]!.data;
  const c = model.weights()["decoder.0.bias"]!.data;
  let error = 0;
  for (let j = 0; j < width; j++) {
    let y = c[j]!;
    for (let u = 0; u < units; u++) y += mean[u]! * w[u * width + j]!;
    error += (x[j]! - y) ** 2;
  }
  let kl = 0;
  for (let u = 0; u < units; u++) {
    const variance = Math.exp(logVariance[u]!);
    for (let j = 0; j < width; j++) error += variance * w[u * width + j]! ** 2;
    kl += (mean[u]! ** 2 + variance - 1 - logVariance[u]!) / 2;
  }
  return { error, kl };
}

describe("a linear decoder", () => {
  const beta = 0.5;
  const model = TiedAutoencoder.createSync({
    layers: [6, 3],
    code: { type: "gaussian", beta },
    optimizer: { type: "adam", learningRate: 0.05 },
  });
  const x = randomRows(40, 6, 3);
  for (let step = 0; step < 40; step++) model.trainOnBatch(x);

  test("has the training loss of the closed form", () => {
    const row = x.slice(0, 6);
    const rows = 40_000;
    const tiled = Float32Array.from({ length: rows * 6 }, (_, i) => row[i % 6]!);
    const { error, kl } = closedForm(model, row);
    expect(model.accumulateGradients(tiled) * 6).toBeCloseTo(error + beta * kl, 2);
    model.zeroGradients();
  });

  test("has the negative ELBO of the closed form", () => {
    const estimates = model.negativeElbo(x, { samples: 4000, seed: 5 });
    for (let r = 0; r < 40; r += 13) {
      const { error, kl } = closedForm(model, x.slice(6 * r, 6 * r + 6));
      const expected = kl + error / beta + 3 * Math.log(Math.PI * beta);
      expect(Math.abs(estimates[r]! - expected)).toBeLessThan(0.06);
    }
  });

  test("the estimate converges with more samples, and repeats with the seed", () => {
    const many = model.negativeElbo(x, { samples: 4000, seed: 1 });
    const distance = (samples: number) => {
      const few = model.negativeElbo(x, { samples, seed: 2 });
      return Math.hypot(...few.map((value, i) => value - many[i]!));
    };
    expect(distance(400)).toBeLessThan(distance(4) / 3);
    expect(model.negativeElbo(x, { seed: 3 })).toEqual(model.negativeElbo(x, { seed: 3 }));
    expect(model.negativeElbo(x, { seed: 3 })).not.toEqual(model.negativeElbo(x, { seed: 4 }));
  });
});

test("with bce the negative ELBO agrees with an estimate with other draws", () => {
  const model = TiedAutoencoder.createSync({
    layers: [5, 4, 2],
    activation: "tanh",
    code: "gaussian",
    outputActivation: "sigmoid",
    loss: "bce",
  });
  const x = randomRows(3, 5, 7);
  const samples = 3000;
  const { mean, logVariance } = model.encodeDistribution(x);
  const epsilon = normals(3 * samples * 2, 77);
  const estimates = model.negativeElbo(x, { samples, seed: 1 });
  for (let r = 0; r < 3; r++) {
    let kl = 0;
    for (let u = 2 * r; u < 2 * r + 2; u++) {
      kl += (mean[u]! ** 2 + Math.exp(logVariance[u]!) - 1 - logVariance[u]!) / 2;
    }
    const z = Float32Array.from({ length: samples * 2 }, (_, i) => {
      const u = 2 * r + (i % 2);
      return mean[u]! + Math.exp(logVariance[u]! / 2) * epsilon[r * samples * 2 + i]!;
    });
    let sum = 0;
    model.decode(z).forEach((p, i) => {
      const t = x[5 * r + (i % 5)]!;
      sum -= t * Math.log(p) + (1 - t) * Math.log(1 - p);
    });
    expect(Math.abs(estimates[r]! - (kl + sum / samples))).toBeLessThan(0.01);
  }
});

test("evaluate takes the mean as the code and adds the divergence", () => {
  const beta = 0.3;
  const model = TiedAutoencoder.createSync({ layers: [4, 2], code: { type: "gaussian", beta } });
  const x = randomRows(5, 4, 8);
  const { mean, logVariance } = model.encodeDistribution(x);
  expect(model.encode(x)).toEqual(mean);
  let kl = 0;
  mean.forEach((mu, i) => {
    kl += (mu ** 2 + Math.exp(logVariance[i]!) - 1 - logVariance[i]!) / 2;
  });
  const y = model.decode(mean);
  const mse = x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0) / 20;
  expect(relativeDistance([model.evaluate(x)], [mse + (beta * kl) / 20])).toBeLessThan(1e-6);
});

// Lucas et al. 2019, "Don't blame the ELBO!": at the optimum a linear model's ELBO is the likelihood of probabilistic
// PCA. With one weight for both directions the optimum is reached where the leading variances are 1.
test("missing values do not change the divergence, in training and in evaluate", () => {
  const config = { layers: [6, 3], code: "gaussian", missing: "mask", seed: 4 } as const;
  const model = TiedAutoencoder.createSync(config);
  const data = randomRows(8, 6, 5).map((value, i) => (i % 5 === 2 ? Number.NaN : value));
  model.fitScaler(data);
  const { mean, logVariance } = model.encodeDistribution(data);
  let divergence = 0;
  mean.forEach((mu, i) => {
    const s = logVariance[i]!;
    divergence += (mu * mu + Math.exp(s) - 1 - s) / 2;
  });
  const y = model.reconstruct(data);
  let [error, known] = [0, 0];
  data.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    error += (y[i]! - value) ** 2;
    known += 1;
  });
  const expected = error / known + divergence / (8 * 6);
  expect(model.evaluate(data)).toBeCloseTo(expected, 6);
  // Without variance the training step decodes the mean.
  const weights = model.weights();
  weights["encoder.0.logVariance.weight"]!.data.fill(0);
  weights["encoder.0.logVariance.bias"]!.data.fill(-29);
  model.setWeights(weights);
  expect(model.trainOnBatch(data)).toBeCloseTo(model.evaluate(data), 1);
  model.setWeights(weights);
  expect(model.accumulateGradients(data)).toBeCloseTo(model.evaluate(data), 5);
});

test("a linear model reaches the likelihood of probabilistic PCA", async () => {
  const [rows, width, units, noise] = [400, 6, 2, 0.05];
  const deviations = [1, 1, ...new Array(width - units).fill(Math.sqrt(noise))];
  // Uncorrelated columns, then reflected, so that the covariance has exactly these variances.
  const columns: number[][] = [];
  for (let j = 0; j < width; j++) {
    const column = normals(rows, j);
    const ones = new Array<number>(rows).fill(1);
    for (const other of [ones, ...columns]) {
      const dot = column.reduce((sum, v, r) => sum + v * other[r]!, 0);
      const size = other.reduce((sum, v) => sum + v * v, 0);
      for (let r = 0; r < rows; r++) column[r]! -= (dot / size) * other[r]!;
    }
    const norm = Math.hypot(...column) / Math.sqrt(rows);
    columns.push(column.map((v) => v / norm));
  }
  const axis = normals(width, 50);
  const length = Math.hypot(...axis);
  const x = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const row = columns.map((column, j) => column[r]! * deviations[j]!);
    const dot = row.reduce((sum, v, j) => sum + (v * axis[j]!) / length, 0);
    row.forEach((v, j) => {
      x[r * width + j] = v - (2 * dot * axis[j]!) / length;
    });
  }
  const model = TiedAutoencoder.createSync({
    layers: [width, units],
    code: { type: "gaussian", beta: 2 * noise },
    optimizer: { type: "adam", learningRate: 0.02 },
  });
  await model.fit(x, { epochs: 300, batchSize: 200, schedule: { type: "cosine", tMax: 300 } });
  const elbo = model.negativeElbo(x, { samples: 300 }).reduce((sum, v) => sum + v, 0) / rows;
  const logVariances = deviations.reduce((sum, deviation) => sum + 2 * Math.log(deviation), 0);
  const likelihood = (width * Math.log(2 * Math.PI) + logVariances + width) / 2;
  expect(elbo - likelihood).toBeGreaterThan(-0.01);
  expect(elbo - likelihood).toBeLessThan(0.03);
});

describe("samples", () => {
  const model = TiedAutoencoder.createSync({ layers: [4, 3], code: "gaussian" });

  test("are decoded draws from the prior, the same for the same seed", () => {
    expect(model.sample(7, { seed: 1 })).toEqual(model.sample(7, { seed: 1 }));
    expect(model.sample(7, { seed: 1 })).not.toEqual(model.sample(7, { seed: 2 }));
    expect(model.sample(7, { seed: 1 }).subarray(0, 12)).toEqual(model.sample(3, { seed: 1 }));
    expect(model.sample(0)).toHaveLength(0);
  });

  test("have the moments of a linear map of a standard normal", () => {
    const rows = 20_000;
    const y = model.sample(rows);
    const { "encoder.0.weight": w, "decoder.0.bias": c } = model.weights();
    for (let j = 0; j < 4; j++) {
      let [mean, square] = [0, 0];
      for (let r = 0; r < rows; r++) {
        const d = y[r * 4 + j]! - c!.data[j]!;
        mean += d / rows;
        square += (d * d) / rows;
      }
      const variance = [0, 1, 2].reduce((sum, u) => sum + w!.data[u * 4 + j]! ** 2, 0);
      expect(Math.abs(mean)).toBeLessThan(0.02);
      expect(Math.abs(square / variance - 1)).toBeLessThan(0.05);
    }
  });
});

test("scores do not depend on random draws", () => {
  const model = TiedAutoencoder.createSync({ layers: [4, 3], code: "gaussian" });
  const x = randomRows(6, 4, 2);
  const scores = model.reconstructionErrors(x);
  model.trainOnBatch(x);
  model.setWeights(TiedAutoencoder.createSync({ layers: [4, 3], code: "gaussian" }).weights());
  expect(model.reconstructionErrors(x)).toEqual(scores);
});

describe("refuses", () => {
  const dense = TiedAutoencoder.createSync({ layers: [4, 2] });
  const x = randomRows(2, 4, 1);

  test.each<[string, () => unknown]>([
    ["sample", () => dense.sample(2)],
    ["encodeDistribution", () => dense.encodeDistribution(x)],
    ["negativeElbo", () => dense.negativeElbo(x)],
  ])("%s of another code", (call, run) => {
    expect(run).toThrow(InvalidStateError);
    expect(run).toThrow(new RegExp(`${call} needs a gaussian code.*"dense".*type: "gaussian"`));
  });

  test("a code that is not linear, unless only `activation` is given", () => {
    const config = { layers: [4, 3, 2], code: "gaussian", activation: "relu" } as const;
    const { encoderActivations } = TiedAutoencoder.createSync(config).config;
    expect(encoderActivations).toEqual(["relu", "linear"]);
    const make = () =>
      TiedAutoencoder.createSync({ ...config, encoderActivations: ["relu", "relu"] });
    expect(make).toThrow(/gaussian code is linear.*got "relu"\. Leave it out/);
  });

  test("a loss that is not a likelihood, and one without a scale", () => {
    const code = { type: "gaussian", beta: 0 } as const;
    const huber = TiedAutoencoder.createSync({ layers: [4, 2], code, loss: "huber" });
    expect(() => huber.negativeElbo(x)).toThrow(/"bce", "mse" or "mae"; .*"huber"/);
    const mse = TiedAutoencoder.createSync({ layers: [4, 2], code });
    expect(() => mse.negativeElbo(x)).toThrow(/beta greater than 0/);
    expect(() => mse.negativeElbo(x, { samples: 0 })).toThrow(InvalidValueError);
  });
});
