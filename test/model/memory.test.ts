// After its first step a training loop allocates nothing in the linear memory, and nothing
// measurable on the JavaScript heap.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { randomRows } from "../support/random.ts";

test("10,000 steps grow neither the linear memory nor the heap", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const engine = new Engine(resolveConfig({ layers: [12, 8, 3] }), loadCoreSync({}));
  engine.initialize();
  const rows = readRows("x", randomRows(16, 12, 1), 12);
  const batch = {
    x: rows,
    target: undefined,
    order: undefined,
    first: 0,
    count: rows.count,
    checked: false,
    held: undefined,
  };
  const train = (steps: number) => {
    for (let t = 0; t < steps; t++) engine.step.train(batch);
    collect();
    return process.memoryUsage().heapUsed;
  };
  train(10_000); // until then, compiled code is added to the heap
  const bytes = engine.arena.byteLength;
  const before = train(1);
  const after = train(10_000);
  expect(engine.arena.byteLength).toBe(bytes);
  expect(after - before).toBeLessThan(200_000); // 20 bytes per step would be 200 kB
});
