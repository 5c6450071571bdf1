// Costs grow linearly with the number of layers and of columns. bench/growth.mjs prints the costs.

import { expect, test } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { fromStateDict, InvalidValueError, TiedAutoencoder } from "../../src/index.ts";

/** Processor time instead of wall time, so that other programs do not matter. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Quadratic cost has a ratio of 8 or more in these tests, and linear cost about 1. */
const LIMIT = 4;
/** Rounds of measurements before a ratio beyond the limit counts. */
const ROUNDS = 6;

type Calls = Readonly<Record<string, () => unknown>>;

/** Lowers `best`, the microseconds of each call, by another round. */
async function measure(calls: Calls, best: Map<string, number>): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    const start = processorTime();
    await call();
    best.set(name, Math.min(best.get(name) ?? Infinity, processorTime() - start));
  }
}

/**
 * The ratio of the costs per unit of a large and a small size. For quadratic cost it is the ratio of the sizes. Measures
 * again while a ratio is beyond the limit, because collections of garbage and other programs change single times.
 */
async function growth(
  [small, large]: readonly [number, number],
  callsOf: (size: number) => Calls,
): Promise<Record<string, number>> {
  const [few, many] = [callsOf(small), callsOf(large)];
  await measure(few, new Map()); // compiles the code
  const [before, after] = [new Map<string, number>(), new Map<string, number>()];
  // Times below a tenth of a millisecond are not precise.
  const least = 100;
  let ratios: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    await measure(few, before);
    await measure(many, after);
    ratios = Object.fromEntries(
      [...after].map(([name, time]) => [
        name,
        time / large / (Math.max(least, before.get(name) ?? 0) / small),
      ]),
    );
    if (Object.values(ratios).every((ratio) => ratio < LIMIT)) break;
  }
  return ratios;
}

test("the cost per layer is the same for few and for many layers", async () => {
  const ratios = await growth([150, 1200], (depth) => {
    // Two widths alternate, so that a state dict determines the order of its decoder.
    const layers = Array.from({ length: depth + 1 }, (_, i) => 2 + (i % 2));
    const model = TiedAutoencoder.createSync({ layers });
    const bytes = model.save({ optimizer: true });
    const weights = model.weights();
    const stateDict = encodeSafetensors(
      Object.entries(weights).map(([name, { shape, data }]) => ({
        name,
        dtype: "F32",
        shape,
        data: data.slice(),
      })),
    );
    const x = new Float32Array(2);
    return {
      create: () => TiedAutoencoder.createSync({ layers }),
      train: () => model.trainOnBatch(x),
      save: () => model.save({ optimizer: true }),
      load: () => TiedAutoencoder.load(bytes),
      weights: () => model.setWeights(model.weights()),
      summary: () => model.summary(),
      fromStateDict: () => fromStateDict(stateDict),
    };
  });
  for (const [name, ratio] of Object.entries(ratios)) expect(ratio, name).toBeLessThan(LIMIT);
});

test("the cost per column is the same for few and for many columns", async () => {
  const ratios = await growth([1000, 20_000], (columns) => {
    const config = { layers: [columns, 2], scaler: "standard", missing: "mean" } as const;
    const x = Float32Array.from({ length: 4 * columns }, (_, i) => Math.sin(i));
    const model = TiedAutoencoder.createSync(config);
    model.fitScaler(x);
    const bytes = model.save();
    return {
      create: () => TiedAutoencoder.createSync(config),
      fitScaler: () => model.fitScaler(x),
      train: () => model.trainOnBatch(x),
      save: () => model.save(),
      load: () => TiedAutoencoder.load(bytes),
      score: () => model.reconstructionErrors(x),
    };
  });
  for (const [name, ratio] of Object.entries(ratios)) expect(ratio, name).toBeLessThan(LIMIT);
});

test("too many layers are refused before anything is allocated", () => {
  const layers = new Array<number>(1_000_000).fill(1);
  const create = () => TiedAutoencoder.createSync({ layers });
  expect(create).toThrow(InvalidValueError);
  expect(create).toThrow(
    "layers may describe up to 10000 layers, each with its weight; got 999999.",
  );
});
