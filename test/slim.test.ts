// tied-autoencoder/slim as it is built: the main entry's models, with other ways to some of their calls.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeSafetensors } from "../src/formats/safetensors-write.ts";
import { fromStateDict, type ModelConfig, TiedAutoencoder } from "../src/index.ts";
import { randomRows } from "./support/random.ts";

const built = new URL("../dist/slim.js", import.meta.url).href;
const slim: typeof import("../src/slim.ts") = await import(/* @vite-ignore */ built);
const wasm = readFileSync(new URL("../build/baseline.wasm", import.meta.url));

const layers = [6, 4, 2];
const x = randomRows(60, 6, 2);
const gappy = x.map((value, i) => (i % 17 === 3 ? Number.NaN : value));

const configs: [string, ModelConfig][] = [
  ["plain", { layers }],
  ["scaled", { layers, scaler: "standard" }],
  ["scaled, with gaps", { layers, scaler: "minMax", missing: "mask" }],
  ["orthogonal", { layers, initializer: "orthogonal" }],
];

describe.each(configs)("%s", (_, config) => {
  const data = config.missing === "mask" ? gappy : x;
  const options = { epochs: 2, batchSize: 10, corruption: { type: "gaussian", std: 0.1 } } as const;

  test("trains, saves and loads as the main entry does, to the bit", async () => {
    const main = await TiedAutoencoder.create({ ...config, simd: "baseline" });
    const same = await slim.TiedAutoencoder.create({ ...config, wasm });
    expect(same.weights()).toEqual(main.weights());
    const { history } = await main.fit(data, options);
    expect((await same.fit(data, options)).history).toEqual(history);
    expect(same.save()).toEqual(main.save());
    const copy = await slim.TiedAutoencoder.load(main.save(), { wasm });
    expect(copy.reconstruct(x)).toEqual(main.reconstruct(x));
    expect(slim.toOnnx(copy, { part: "encoder" })).toEqual(main.toOnnx({ part: "encoder" }));
  });

  test("createSync and summary are functions", () => {
    const main = TiedAutoencoder.createSync({ ...config, simd: "baseline" });
    const same = slim.createSync({ ...config, wasm });
    expect(same).toBeInstanceOf(slim.TiedAutoencoder);
    expect(same.weights()).toEqual(main.weights());
    expect(slim.summary(same)).toBe(main.summary());
    same.dispose();
    expect(() => slim.summary(same)).toThrow(slim.DisposedError);
  });
});

test("components and state dicts", async () => {
  const main = await TiedAutoencoder.create({ layers, simd: "baseline" });
  const same = await slim.TiedAutoencoder.create({ layers, wasm });
  for (const model of [main, same]) await model.initializeFrom(x, { method: "pca" });
  expect(same.weights()).toEqual(main.weights());
  const tensors = Object.entries(main.weights()).map(([name, { shape, data }]) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: new Float32Array(data),
  }));
  const file = encodeSafetensors(tensors);
  const read = await slim.fromStateDict(file, { config: { wasm } });
  expect(read).toBeInstanceOf(slim.TiedAutoencoder);
  expect(read.weights()).toEqual((await fromStateDict(file)).weights());
});

test("without a core it says where there is one", async () => {
  await expect(slim.TiedAutoencoder.create({ layers })).rejects.toThrow(/carries no core/);
});
