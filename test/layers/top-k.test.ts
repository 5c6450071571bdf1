// Sparse codes: the kept elements and their order, the counts of training, and refused configurations.

import { describe, expect, test } from "vitest";
import { type CodeSpec, InvalidStateError, TiedAutoencoder } from "../../src/index.ts";
import { availableBuilds } from "../support/builds.ts";
import { randomRows } from "../support/random.ts";

/** A model whose encoder and decoder are the identity, so that a code is a selection of its input. */
function identity(code: CodeSpec, units = 5): TiedAutoencoder {
  const model = TiedAutoencoder.createSync({
    layers: [units, units],
    activation: "linear",
    code,
    bias: false,
    decoderBias: false,
    optimizer: { type: "sgd", learningRate: 0 },
  });
  const data = Float32Array.from({ length: units * units }, (_, i) => (i % (units + 1) ? 0 : 1));
  model.setWeights({ "encoder.0.weight": { shape: [units, units], data } });
  return model;
}

test("the k largest values with their sign are kept, and of equal values the lower index", () => {
  const model = identity({ type: "topK", k: 3 });
  const x = [
    [1, 5, 3, 2, 4],
    [-1, -2, -3, -4, -5],
    [7, 7, 7, 7, 7],
  ];
  expect([...model.encode(x)]).toEqual([0, 5, 3, 0, 4, -1, -2, -3, 0, 0, 7, 7, 7, 0, 0]);
});

test("codes as lists equal codes as a matrix", () => {
  const x = randomRows(70_000 / 5, 5, 4); // several chunks
  for (const code of [{ type: "topK", k: 2 } as const, { type: "batchTopK", k: 2 } as const]) {
    const model = identity(code);
    model.trainOnBatch(x.subarray(0, 500));
    const dense = model.encode(x);
    const { starts, indices, values } = model.encode(x, { sparse: true });
    const again = new Float32Array(dense.length);
    for (let row = 0; row + 1 < starts.length; row++) {
      for (let i = starts[row]!; i < starts[row + 1]!; i++)
        again[row * 5 + indices[i]!] = values[i]!;
    }
    expect(starts.at(-1)).toBe(indices.length);
    expect(again).toEqual(dense);
    if (code.type === "topK") expect(indices).toHaveLength(2 * (x.length / 5));
  }
});

test("batch top-k keeps the largest values of a batch, and moves its threshold by a hundredth of the difference", () => {
  const model = identity({ type: "batchTopK", k: 1 }, 3);
  expect(model.codeThreshold).toBe(0);
  expect([...model.encode([[-1, 2, 3]])]).toEqual([0, 2, 3]);
  model.trainOnBatch([
    [9, 8, 1],
    [3, 2, 0],
  ]); // kept: 9, 8
  expect(model.codeThreshold).toBe(8);
  model.trainOnBatch([[5, 4, 0]]);
  expect(model.codeThreshold).toBeCloseTo(8 + 0.01 * (5 - 8), 5);
  model.trainOnBatch([[-5, -4, -1]]); // nothing positive is kept
  expect(model.codeThreshold).toBeCloseTo(7.97, 5);
  expect([...model.encode([[7.9, 8, 7.98]])]).toEqual([0, 8, Math.fround(7.98)]);
});

test("units that are kept with small values or not at all become dead after the given rows", () => {
  const model = identity({ type: "topK", k: 1, auxiliary: { k: 1, weight: 0, deadAfter: 5 } }, 3);
  const first = [
    [1, 0, 0],
    [0, 1e-4, 0],
  ];
  model.trainOnBatch(first);
  model.trainOnBatch(first);
  expect(model.deadUnits()).toEqual([]);
  model.trainOnBatch(first);
  expect(model.deadUnits()).toEqual([1, 2]);
  model.trainOnBatch([[0, 0, 2]]);
  expect(model.deadUnits()).toEqual([1]);
});

test("without an auxiliary term ten million rows make a unit dead", () => {
  const model = identity({ type: "topK", k: 1 });
  model.trainOnBatch(randomRows(10, 5, 1));
  expect(model.deadUnits()).toEqual([]);
});

describe.each(availableBuilds)("%s build", (simd) => {
  test("top-k recovers the dictionary that made the data", async () => {
    const [width, atoms] = [16, 24];
    const dictionary = randomRows(atoms, width, 3).map((value) => value - 0.5);
    const draws = randomRows(2000, 4, 5);
    const x = new Float32Array(2000 * width);
    for (let r = 0; r < 2000; r++) {
      for (const at of [0, 2]) {
        const atom = Math.floor(draws[4 * r + at]! * atoms);
        const size = 1 + draws[4 * r + at + 1]!;
        for (let j = 0; j < width; j++) x[r * width + j]! += size * dictionary[atom * width + j]!;
      }
    }
    const model = TiedAutoencoder.createSync({
      layers: [width, 48],
      code: { type: "topK", k: 2, auxiliary: { k: 8, deadAfter: 2000 } },
      optimizer: { type: "adam", learningRate: 0.01 },
      constraint: "unitNorm",
      simd,
    });
    const before = model.evaluate(x);
    await model.fit(x, { epochs: 30, batchSize: 100 });
    expect(model.evaluate(x)).toBeLessThan(before / 7);
  });
});

describe("refuses", () => {
  const make =
    (code: unknown, rest = {}) =>
    () =>
      TiedAutoencoder.createSync({ layers: [6, 4], code: code as CodeSpec, ...rest });

  test.each<[string, () => unknown, RegExp]>([
    ["k of 0", make({ type: "topK", k: 0 }), /code\.k must be a whole number of at least 1; got 0/],
    ["no k", make({ type: "topK" }), /code\.k must be/],
    ["k by name alone", make("topK"), /code "topK" needs k: give/],
    ["half a unit", make({ type: "batchTopK", k: 1.5 }), /code\.k must be a whole number/],
    [
      "k above the units",
      make({ type: "topK", k: 5 }),
      /code\.k must be at most the 4 units of the code; got 5\. Take fewer/,
    ],
    [
      "an auxiliary term without top-k",
      make({ type: "gaussian", auxiliary: { k: 2 } }),
      /auxiliary.*"topK" or "batchTopK"/,
    ],
    [
      "the same on a dense code",
      make({ type: "dense", auxiliary: { k: 2 } }),
      /auxiliary.*"topK" or "batchTopK"/,
    ],
    [
      "an unknown option of the auxiliary term",
      make({ type: "topK", k: 2, auxiliary: { dead: 2 } }),
      /no option "dead"/,
    ],
    [
      "a dead unit after no row",
      make({ type: "topK", k: 2, auxiliary: { deadAfter: 0 } }),
      /code\.auxiliary\.deadAfter must be a whole number of at least 1; got 0/,
    ],
    [
      "centering without a bias",
      make({ type: "topK", k: 2, centered: true }, { decoderBias: false }),
      /code\.centered.*decoderBias is false/,
    ],
    ["a code that is none", make("sparse"), /code.*"dense", "topK", "batchTopK"/],
  ])("%s", (_, run, message) => {
    expect(run).toThrow(message);
  });

  test("lists, dead units and thresholds of other codes", () => {
    const dense = TiedAutoencoder.createSync({ layers: [6, 4] });
    const x = randomRows(2, 6, 1);
    for (const run of [() => dense.encode(x, { sparse: true }), () => dense.deadUnits()]) {
      expect(run).toThrow(InvalidStateError);
      expect(run).toThrow(/needs a sparse code.*"dense".*type: "topK"/);
    }
    expect(() => dense.codeThreshold).toThrow(/codeThreshold needs a sparse code/);
    const topK = make({ type: "topK", k: 2 })();
    expect(() => topK.codeThreshold).toThrow(/"batchTopK"/);
    expect(dense.encode(x, { sparse: false })).toHaveLength(8);
  });
});
