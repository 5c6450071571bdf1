// 100,000 steps through the public API: neither the linear memory nor the JavaScript heap grows.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

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
