// Distances from the nearest training samples, against a search in float64.

import { describe, expect, it } from "vitest";
import { TiedAutoencoder } from "../../src/autoencoder.ts";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { type Folds, randomFolds } from "../../src/detect/folds.ts";
import { EnsembleInference } from "../../src/detect/inference.ts";
import {
  foldRanges,
  MOST_NEIGHBOURS,
  mergedNeighbours,
  type Neighbours,
  neighboursOf,
} from "../../src/detect/neighbours.ts";
import { random } from "../../src/detect/random.ts";
import { rowSamples } from "../../src/detect/samples.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { at } from "../../src/math/order.ts";
import { faultyRows, plant } from "./support/plant.ts";
import { generator } from "./support/random.ts";

const width = 5;

function samplesOf(count: number, seed: number) {
  const source = generator(seed);
  const features = Float32Array.from({ length: count * width }, () => source.normal());
  const encoded = { count, features, missing: undefined, novelties: undefined };
  return rowSamples(encoded, Uint32Array.of(0, 1, 2, 3, 4, 5));
}

const foldsOf = (count: number, folds: number): Folds => randomFolds(count, folds, random(1, 0));

/** The squared distance from the nearest sample in another fold, divided by the width; the mean over models. */
function expected(
  { rows, folds }: Neighbours,
  x: Float32Array,
  i: number,
  which: number[],
): number {
  let sum = 0;
  for (const k of which) {
    let least = Infinity;
    folds.forEach((fold, r) => {
      if (fold === k) return;
      let square = 0;
      for (let j = 0; j < width; j++)
        square += (at(rows, r * width + j) - at(x, i * width + j)) ** 2;
      least = Math.min(least, square);
    });
    sum += least / width / which.length;
  }
  return sum;
}

describe.each([1, 2, 3])("neighbours with %i models", async (models) => {
  const samples = samplesOf(301, models);
  const neighbours = neighboursOf(samples, foldsOf(301, models));
  const members = [];
  for (let seed = 0; seed < models; seed++) {
    const model = await TiedAutoencoder.create({ layers: [width, 3], seed });
    const state = {
      codeMean: new Float64Array(3),
      codeWhitening: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    };
    members.push({ bytes: model.save(), state });
  }
  const inference = await EnsembleInference.load(members, neighbours, {});
  const { features } = samplesOf(1500, 9).take(Uint32Array.from({ length: 1500 }, (_, i) => i));
  const all = members.map((_, k) => k);

  it("have the distances of a search", () => {
    if (!neighbours) throw new Error("none were kept");
    const { nearest = new Float32Array(0) } = inference.judge(features);
    const [last = 0] = all.slice(-1);
    const alone = inference.judge(features, [last]).nearest ?? new Float32Array(0);
    for (let i = 0; i < 1500; i += 7) {
      expect(at(nearest, i)).toBeCloseTo(expected(neighbours, features, i, all), 5);
      expect(at(alone, i)).toBeCloseTo(expected(neighbours, features, i, [last]), 5);
    }
  });

  it("have the same distance from a row alone and among others", () => {
    const { nearest } = inference.judge(features);
    for (const count of [1, 7, 8, 127, 128, 129, 1025]) {
      const some = inference.judge(features.subarray(width, (1 + count) * width));
      expect(some.nearest).toEqual(nearest?.slice(1, 1 + count));
    }
  });

  it("are the training samples of a model: a held-out sample is not its own neighbour", () => {
    const folds = foldsOf(301, models);
    for (const k of all) {
      const { nearest = new Float32Array(0) } = inference.judge(
        samples.take(folds.heldOut(k)).features,
        [k],
      );
      for (const square of nearest) expect(square).toBeGreaterThan(1e-4);
    }
  });
});

describe("keeping neighbours", () => {
  it("requires few samples", () => {
    expect(
      neighboursOf(samplesOf(MOST_NEIGHBOURS, 1), foldsOf(MOST_NEIGHBOURS, 3))?.folds,
    ).toHaveLength(MOST_NEIGHBOURS);
    expect(
      neighboursOf(samplesOf(MOST_NEIGHBOURS + 1, 1), foldsOf(MOST_NEIGHBOURS + 1, 3)),
    ).toBeUndefined();
  });

  it("merges new samples fold by fold, and removes the oldest", () => {
    const some = (count: number, fold: number, value: number): Neighbours => ({
      rows: new Float32Array(count * width).fill(value),
      folds: new Uint32Array(count).fill(fold),
    });
    const few = mergedNeighbours(some(2, 1, 1), some(3, 0, 2), width);
    expect(foldRanges(few.folds)).toEqual([
      { fold: 0, first: 0, end: 3 },
      { fold: 1, first: 3, end: 5 },
    ]);
    expect([few.rows[0], few.rows[3 * width]]).toEqual([2, 1]);
    const many = mergedNeighbours(some(MOST_NEIGHBOURS, 0, 1), some(96, 0, 2), width);
    expect(many.folds).toHaveLength(MOST_NEIGHBOURS);
    expect(many.rows.at(-1)).toBe(2);
    expect(many.rows.filter((value) => value === 2)).toHaveLength(96 * width);
  });

  it("follows the scales of columns, and is saved", async () => {
    const rows = plant(200, 1);
    const quick = { model: { models: 3, hidden: [8, 4], steps: 60 } };
    const shifted = await AnomalyDetector.fit(
      rows.map((row) => row.map((value) => 100 + 5 * value)),
      quick,
    );
    await shifted.update(plant(150, 2).map((row) => row.map((value) => 110 + 5 * value)));
    const loaded = await AnomalyDetector.load(shifted.save());
    const news = plant(60, 3).map((row) => row.map((value) => 110 + 5 * value));
    expect(loaded.score(news)).toEqual(shifted.score(news));
    const labels = [...news.map(() => 0), ...news.map(() => 1)];
    const odd = faultyRows(60, 4).rows.map((row) => row.map((value) => 110 + 5 * value));
    expect(loaded.evaluate([...news, ...odd], labels, { alpha: 0.05 }).auroc).toBeGreaterThan(0.97);
    shifted.dispose();
    loaded.dispose();
  });

  it("does not apply if some rows may be odd, because odd rows can be neighbours of each other", async () => {
    const rows = [...plant(100, 1), ...faultyRows(10, 2).rows];
    const model = { models: 2, hidden: [8, 4], steps: 40 };
    const mixed = await AnomalyDetector.fit(rows, { model, contamination: "auto" });
    const clean = await AnomalyDetector.fit(rows, { model });
    const isKept = (detector: AnomalyDetector) =>
      decodeSafetensors(detector.save()).tensors.has("neighbours.rows");
    expect([isKept(mixed), isKept(clean)]).toEqual([false, true]);
    const loaded = await AnomalyDetector.load(mixed.save());
    expect(loaded.score(rows)).toEqual(mixed.score(rows));
    for (const each of [mixed, clean, loaded]) each.dispose();
  });
});
