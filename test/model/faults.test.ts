// Regression tests: results that were wrong in an earlier version.

import { describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import {
  FormatError,
  InvalidStateError,
  InvalidValueError,
  StandardScaler,
  TiedAutoencoder,
} from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

describe("scaling happens in float64", () => {
  const rows = Array.from({ length: 1000 }, (_, i) => [1.7e9 + i, Math.sin(i)]);

  test("columns far from 0 are precise", async () => {
    using model = TiedAutoencoder.createSync({
      layers: [2, 2],
      activation: "linear",
      scaler: "standard",
      bias: false,
      decoderBias: false,
    });
    model.fitScaler(rows);
    // The identity, so that the code is the scaled row.
    const eye = { shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) };
    model.setWeights({ "encoder.0.weight": eye });
    const scaled = model.encode(rows);
    const expected = new StandardScaler().fit({
      data: Float64Array.from(rows.flat()),
      shape: [1000, 2],
    });
    const data = expected.transform({ data: Float64Array.from(rows.flat()), shape: [1000, 2] });
    for (let i = 0; i < 2000; i++) expect(Math.abs(scaled[i]! - data[i]!)).toBeLessThan(1e-6);
    expect(new Set(scaled.filter((_, i) => i % 2 === 0)).size).toBe(1000);
    using same = await TiedAutoencoder.load(model.save());
    expect(same.encode(rows)).toEqual(scaled);
  });

  test("tiny and huge columns stay finite", () => {
    for (const [scaler, a, b] of [
      ["standard", 1e-40, 2e-40],
      ["minMax", -3e38, 3e38],
      ["minMax", 1e-16, 2e-16],
    ] as const) {
      using model = TiedAutoencoder.createSync({ layers: [1, 1], activation: "linear", scaler });
      const x = [[a], [b], [a], [b]];
      model.fitScaler(x);
      expect(Number.isFinite(model.trainOnBatch(x))).toBe(true);
      const [first, second] = model.encode(x);
      expect(Number.isFinite(first)).toBe(true);
      if (scaler === "minMax") expect(first).not.toBe(second);
    }
  });
});

describe("masked values do not count", () => {
  test("a micro-batch without known values has no separate penalty", async () => {
    const loss = async (microBatches: number) => {
      using model = TiedAutoencoder.createSync({
        layers: [2, 1],
        missing: "mask",
        l2: 1,
        optimizer: "sgd",
        seed: 1,
      });
      const x = [
        [1, 2],
        [Number.NaN, Number.NaN],
      ];
      const { history } = await model.fit(x, { batchSize: 2, microBatches, shuffle: false });
      return history.loss[0];
    };
    expect(await loss(1)).toBeCloseTo(1.5792, 4);
    expect(await loss(2)).toBeCloseTo(1.5792, 4);
  });

  test("an epoch's loss is the mean over known values, for any division into batches", async () => {
    const x = [
      [1, 2],
      [3, 4],
      [Number.NaN, Number.NaN],
      [Number.NaN, Number.NaN],
    ];
    const losses = [];
    for (const batchSize of [2, 4]) {
      using model = TiedAutoencoder.createSync({
        layers: [2, 1],
        missing: "mask",
        optimizer: { type: "sgd", learningRate: 0 },
      });
      model.fitScaler(x);
      const { history } = await model.fit(x, { batchSize, shuffle: false });
      losses.push(history.loss[0]!);
    }
    expect(losses[0]).toBeCloseTo(losses[1]!, 6);
  });

  test("without known values the loss is 0, in training and in evaluation", () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1], missing: "mask" });
    model.fitScaler([[1, 2]]);
    const nothing = [[Number.NaN, Number.NaN]];
    expect(model.evaluate(nothing)).toBe(0);
    expect(model.trainOnBatch(nothing)).toBe(0);
  });
});

describe("learning rates", () => {
  test("0 is legal, and a new fit starts at the base rate", async () => {
    const x = randomRows(32, 4, 1);
    using model = TiedAutoencoder.createSync({
      layers: [4, 2],
      optimizer: { type: "sgd", learningRate: 0 },
    });
    model.learningRate = 0.1;
    await model.fit(x, { epochs: 2, schedule: { type: "cosine", tMax: 2, per: "epoch" } });
    model.learningRate = 0;
    expect(model.learningRate).toBe(0);
    model.learningRate = 0.1;
    await model.fit(x, { epochs: 1, schedule: (t) => (t === 0 ? 0 : 0) });
    expect(model.learningRate).toBe(0);
    const before = model.weights();
    await model.fit(x, { epochs: 1 });
    expect(model.learningRate).toBe(0.1);
    expect(model.weights()).not.toEqual(before);
  });

  test("an infinite rate in a file is refused", async () => {
    using model = TiedAutoencoder.createSync({ layers: [4, 2] });
    const { tensors, metadata } = decodeSafetensors(model.save({ optimizer: true }));
    const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
    for (const key of ["config", "training"]) {
      const text = metadata[key]!.replace('"learningRate":0.001', '"learningRate":1e999');
      const file = encodeSafetensors(named, { ...metadata, [key]: text });
      await expect(TiedAutoencoder.load(file)).rejects.toThrow(/learningRate.*finite/);
    }
  });
});

describe("the best weights", () => {
  const x = randomRows(64, 6, 3);
  const options = {
    epochs: 20,
    batchSize: 64,
    validationData: randomRows(16, 6, 4),
    earlyStopping: { restoreBest: true, patience: 100 },
    schedule: (t: number) => (t < 5 ? 0.05 : 9),
  } as const;
  const make = () => TiedAutoencoder.createSync({ layers: [6, 3], optimizer: "sgd", seed: 3 });

  test.each([
    ["maxSteps", { maxSteps: 12 }],
    ["a callback", { onEpoch: ({ epoch }: { epoch: number }) => epoch < 11 }],
  ])("come back when %s ends the run", async (_, more) => {
    using model = make();
    const { history } = await model.fit(x, { ...options, ...more });
    const best = Math.min(...history.valLoss!);
    expect(history.valLoss!.at(-1)!).toBeGreaterThan(best * 1.01);
    expect(model.evaluate(options.validationData)).toBeCloseTo(best, 6);
  });

  test("a resumed run continues with the weights at the cut, not with the best weights", async () => {
    using whole = make();
    using parts = make();
    await whole.fit(x, options);
    await parts.fit(x, { ...options, maxSteps: 12 });
    using loaded = await TiedAutoencoder.load(parts.save({ optimizer: true }));
    await loaded.fit(x, { ...options, resume: true });
    expect(loaded.weights()).toEqual(whole.weights());
  });

  test("a run without a finite monitored loss is an error", async () => {
    using model = make();
    const validationData = new Float32Array(6).fill(3e38);
    await expect(
      model.fit(x, { epochs: 2, validationData, earlyStopping: { patience: 5 } }),
    ).rejects.toThrow(InvalidStateError);
  });
});

describe("data that overflow in the Gram step or in the start from components", () => {
  const x = randomRows(64, 8, 9).map((value) => value * 1e19);

  test("a start from principal components is an error, not NaN weights", async () => {
    using model = TiedAutoencoder.createSync({ layers: [8, 3] });
    const before = model.weights();
    await expect(model.initializeFrom(x, { method: "pca" })).rejects.toThrow(
      /overflow float32.*scale/,
    );
    expect(model.weights()).toEqual(before);
  });

  test("auto takes the direct step where the Gram step overflows", () => {
    const losses = (gradient: "auto" | "direct") => {
      using model = TiedAutoencoder.createSync({
        layers: [8, 3],
        gradient,
        optimizer: { type: "sgd", learningRate: 0 },
      });
      return [1, 2, 3].map(() => model.trainOnBatch(x));
    };
    expect(losses("auto")).toEqual(losses("direct"));
    expect(losses("auto").every(Number.isFinite)).toBe(true);
  });
});

describe("data", () => {
  test("a validation split without rows is an error", async () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1] });
    await expect(model.fit([[1, 2]], { validationSplit: 0.5 })).rejects.toThrow(InvalidValueError);
  });

  test("a shuffled split uses rows from the whole data", async () => {
    const sorted = Array.from({ length: 100 }, (_, i) => [i, i]);
    const losses = async (validationShuffle: boolean) => {
      using model = TiedAutoencoder.createSync({
        layers: [2, 1],
        activation: "linear",
        scaler: "minMax",
      });
      const { history } = await model.fit(sorted, {
        epochs: 1,
        validationSplit: 0.2,
        validationShuffle,
      });
      return history.valLoss![0]!;
    };
    expect(await losses(true)).toBeLessThan(await losses(false));
  });

  test("a refused batch does not change accumulated gradients", () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1] });
    model.accumulateGradients([[1, 2]]);
    const gradients = model.gradients();
    expect(() => model.trainOnBatch([[1, Number.NaN]])).toThrow(InvalidValueError);
    expect(model.gradients()).toEqual(gradients);
  });

  test("a buffer that is transferred during a run is an error in the next step", async () => {
    const x = randomRows(64, 4, 5);
    using model = TiedAutoencoder.createSync({ layers: [4, 2] });
    const onStep = ({ step }: { step: number }) => {
      if (step === 2) structuredClone(x.buffer, { transfer: [x.buffer as ArrayBuffer] });
    };
    await expect(model.fit(x, { batchSize: 8, onStep })).rejects.toThrow(/transferred or shrunk/);
    expect(model.stepCount).toBe(2);
  });

  test("weights in a file are finite", async () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1] });
    const { tensors, metadata } = decodeSafetensors(model.save());
    const spoilt = [...tensors].map(([name, tensor]) => ({
      name,
      ...tensor,
      ...(name === "encoder.0.bias" ? { data: Float32Array.of(Number.NaN) } : {}),
    }));
    const load = TiedAutoencoder.load(encodeSafetensors(spoilt, metadata));
    await expect(load).rejects.toThrow(FormatError);
    await expect(load).rejects.toThrow(/"encoder.0.bias".*finite.*NaN/);
  });
});
