import { describe, expect, test } from "vitest";
import { type CorruptionSpec, TiedAutoencoder } from "../../src/index.ts";
import { Stream } from "../../src/math/seed.ts";
import { resolveCorruption } from "../../src/training/noise/index.ts";
import { coreWithArena } from "../support/arena.ts";
import { randomRows } from "../support/random.ts";

const WIDTH = 50;
const ROWS = 400;
const x = randomRows(ROWS, WIDTH, 4);

/** The `rows` rows of x from `firstRow` on with the noise of step 3. */
function corrupted(spec: CorruptionSpec, firstRow = 0, rows = ROWS): Float32Array {
  const { kernels, view, reserve } = coreWithArena();
  const [clean, noisy] = [reserve(rows * WIDTH), reserve(rows * WIDTH)];
  view(clean, rows * WIDTH).set(x.subarray(firstRow * WIDTH, (firstRow + rows) * WIDTH));
  const corruption = resolveCorruption(spec, { low: 1, high: 0 });
  corruption.apply(kernels, rows * WIDTH, clean, noisy, 3, firstRow * WIDTH);
  return view(noisy, rows * WIDTH).slice();
}

const share = (values: Float32Array, holds: (value: number, i: number) => boolean) =>
  values.filter(holds).length / values.length;

describe("corruption", () => {
  test("gaussian adds noise with the given deviation", () => {
    const noise = corrupted({ type: "gaussian", std: 0.5 }).map((value, i) => value - x[i]!);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const square = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(0.015); // four standard errors
    expect(Math.abs(Math.sqrt(square) / 0.5 - 1)).toBeLessThan(0.02);
  });

  test("masking keeps values or sets them to 0", () => {
    const noisy = corrupted({ type: "masking", rate: 0.3 });
    expect(share(noisy, (value, i) => value === 0 || value === x[i])).toBe(1);
    expect(share(noisy, (value) => value === 0)).toBeCloseTo(0.3, 1);
  });

  test("saltPepper keeps values or sets them to low or high, equally often", () => {
    const noisy = corrupted({ type: "saltPepper", rate: 0.4, low: -2, high: 3 });
    expect(share(noisy, (value) => value === -2)).toBeCloseTo(0.2, 1);
    expect(share(noisy, (value) => value === 3)).toBeCloseTo(0.2, 1);
    expect(share(noisy, (value, i) => value === x[i])).toBeCloseTo(0.6, 1);
  });

  test("a step in micro-batches has the same noise as the whole step", () => {
    const spec = { type: "gaussian", std: 1 } as const;
    expect(corrupted(spec, 100, 7)).toEqual(corrupted(spec).subarray(100 * WIDTH, 107 * WIDTH));
    expect(Stream.corruption).not.toBe(Stream.shuffle);
  });
});

describe("fit with corruption", () => {
  const layers = [WIDTH, 8];
  const make = (seed = 1) => TiedAutoencoder.createSync({ layers, seed });

  test("trains on noisy rows with clean targets and does not change the data", async () => {
    const before = x.slice();
    // The noise of the first step of a model with seed 1, with batches in order.
    const noise = { type: "masking", rate: 0.5 } as const;
    const { kernels, view, reserve } = coreWithArena();
    const [clean, noisy] = [reserve(x.length), reserve(x.length)];
    view(clean, x.length).set(x);
    const corruption = resolveCorruption(noise, { low: 1, high: 0 });
    corruption.apply(kernels, x.length, clean, noisy, 0, 0);
    const [fitted, byHand] = [make(), make()];
    await fitted.fit(x, { batchSize: ROWS, shuffle: false, corruption: noise });
    byHand.trainOnBatch(view(noisy, x.length).slice(), x);
    expect(fitted.weights()).toEqual(byHand.weights());
    expect(x).toEqual(before);
  });

  test("a separate target stays the target", async () => {
    const target = randomRows(ROWS, WIDTH, 5);
    const corruption = { type: "masking", rate: 1e-9 } as const; // practically no noise
    const [fitted, byHand] = [make(), make()];
    await fitted.fit(x, { batchSize: ROWS, shuffle: false, corruption, target });
    byHand.trainOnBatch(x, target);
    expect(fitted.weights()).toEqual(byHand.weights());
  });

  test("noise differs between steps, and repeats with the seed", async () => {
    const losses = async (seed: number) => {
      const model = make(seed);
      model.setWeights(make(1).weights());
      const seen: number[] = [];
      const onStep = ({ loss }: { loss: number }) => seen.push(loss);
      const corruption = { type: "gaussian", std: 1 } as const;
      model.learningRate = 1e-30; // the weights do not change, so losses only differ by the noise
      await model.fit(x, { epochs: 2, batchSize: ROWS, shuffle: false, corruption, onStep });
      return seen;
    };
    const [first, second] = await losses(1);
    expect(first).not.toBe(second);
    expect(await losses(1)).toEqual([first, second]);
    expect((await losses(2))[0]).not.toBe(first);
  });

  test.each<[object, RegExp]>([
    [{ type: "gaussian" }, /corruption.std must be a number; got undefined/],
    [{ type: "masking", rate: 1 }, /corruption.rate must be at least 0 and less than 1; got 1/],
    [{ type: "masking", std: 1 }, /corruption "masking" has no option "std"/],
    [
      { type: "saltPepper", rate: 0.1, low: 2 },
      /low must not be above corruption.high; got 2 and 1/,
    ],
    [{ type: "pepper" }, /corruption.type must be "gaussian", "masking".* or /],
  ])("%o is refused", async (corruption, message) => {
    await expect(make().fit(x, { corruption: corruption as CorruptionSpec })).rejects.toThrow(
      message,
    );
  });
});
