// Costs grow with the number of layers and of columns as the input does, not faster. bench/growth.mjs prints the costs.

import { expect, test } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { fromStateDict, InvalidValueError, TiedAutoencoder } from "../../src/index.ts";

/** Processor time rather than time on the clock: another program's turn does not count. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

type Calls = Readonly<Record<string, () => unknown>>;

/** The least microseconds of each call over a few rounds. */
async function measure(calls: Calls): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  for (let round = 0; round < 2; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const start = processorTime();
      await call();
      best.set(name, Math.min(best.get(name) ?? Infinity, processorTime() - start));
    }
  }
  return best;
}

/** How much more a call costs by unit of a large size than by unit of a small one; quadratic cost gives the ratio. */
async function growth(
  [small, large]: readonly [number, number],
  callsOf: (size: number) => Calls,
): Promise<Record<string, number>> {
  await measure(callsOf(small));
  const before = await measure(callsOf(small));
  const after = await measure(callsOf(large));
  // Below a tenth of a millisecond the clock says little.
  const least = 100;
  return Object.fromEntries(
    [...after].map(([name, time]) => [
      name,
      time / large / (Math.max(least, before.get(name) ?? 0) / small),
    ]),
  );
}

test("cost by layer is that of few layers where there are many", async () => {
  const ratios = await growth([250, 2000], (depth) => {
    // Of two widths in turn, so that a state dict tells from which end its decoder counts.
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
  for (const [name, ratio] of Object.entries(ratios)) expect(ratio, name).toBeLessThan(4);
});

test("cost by column is that of few columns where there are many", async () => {
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
  for (const [name, ratio] of Object.entries(ratios)) expect(ratio, name).toBeLessThan(4);
});

test("more layers than a model may have are refused before anything is made", () => {
  const layers = new Array<number>(1_000_000).fill(1);
  const create = () => TiedAutoencoder.createSync({ layers });
  expect(create).toThrow(InvalidValueError);
  expect(create).toThrow(
    "layers may describe up to 10000 layers, each with its weight; got 999999.",
  );
});
