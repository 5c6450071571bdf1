// 100,000 steps, or rows of a stream, through the public API: neither the linear memory nor the JavaScript heap grows.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { plantRows, quick } from "../detect/support/plant.ts";
import { generator } from "../detect/support/random.ts";
import { randomRows } from "../support/random.ts";

test.each([
  ["a table", {}],
  ["a time series", { window: 5 }],
])("100,000 rows of a stream of %s grow nothing", async (_, options) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const random = generator(9);
  const detector = await AnomalyDetector.fit(plantRows(500, random), { ...quick, ...options });
  const stream = detector.stream({ alpha: 0.01 });
  const push = (rows: number) => {
    for (let row = 0; row < rows; row++) stream.push(plantRows(1, random)[0] ?? []);
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = push(5000);
  expect(push(100_000) - before).toBeLessThan(300_000); // 3 bytes a row
  stream.end();
  detector.dispose();
});

test("100,000 steps of trainOnBatch and of fit grow nothing", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const model = TiedAutoencoder.createSync({ layers: [64, 32] });
  const batch = randomRows(8, 64, 1);
  const rows = randomRows(4000, 64, 2);
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const train = async (epochs: number) => {
    for (let step = 0; step < epochs * 500; step++) model.trainOnBatch(batch);
    await model.fit(rows, { epochs, batchSize: 8 });
  };
  await train(2);
  const [bytes, before] = [model.byteLength, heap()];
  await train(100);
  expect(model.stepCount).toBe(102_000);
  expect(model.byteLength).toBe(bytes);
  expect(heap() - before).toBeLessThan(300_000); // 3 bytes a step
});
