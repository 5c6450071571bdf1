// Memory in the arena above the plans: its protection and its reuse.

import { expect, test } from "vitest";
import { loadCoreSync } from "../../src/core/load.ts";
import { readRows } from "../../src/data/rows.ts";
import { resolveConfig } from "../../src/model/config.ts";
import { Engine } from "../../src/model/engine.ts";
import { finish } from "../../src/platform/turns.ts";
import { randomRows } from "../support/random.ts";

test("rows that training holds are not overwritten by other calls", () => {
  const engine = new Engine(resolveConfig({ layers: [2, 1] }), loadCoreSync({}));
  const { workspace, staging, arena } = engine;
  const data = randomRows(50, 2, 1);
  const held = finish(staging.hold(readRows("x", data, 2), undefined, 50, 8));
  const plan = arena.top;
  const fill = (address: number, length: number) => arena.view(address, length).fill(7);

  workspace.clearBeside();
  fill(workspace.beside(1000), 1000);
  // The order of more rows than the plans can hold.
  fill(workspace.scratch(4 * plan), plan);
  engine.shuffledOrder(plan, 3);
  expect(arena.view(held!.x, 100)).toEqual(data);

  // Afterwards the memory is free again.
  workspace.clearBeside();
  const before = workspace.beside(1);
  staging.release();
  workspace.clearBeside();
  expect(workspace.beside(1)).toBeLessThan(before);
});
