// The example for @assemblyscript/loader runs as it is, over the built modules.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("one layer through the loader", () => {
  const run = spawnSync(process.execPath, ["examples/loader.mjs"], { cwd: root });
  expect(run.stderr.toString()).toBe("");
  // x·Wᵀ is [-2, 3] and [-2, 0]; with the bias [-1.5, 2] and [-1.5, -1].
  expect(run.stdout.toString()).toBe("0 2\n0 0\n");
});
