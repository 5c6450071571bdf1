// The example of data-parallel training runs as it is, against the built package.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("three workers train as one thread does, within 1e-5", () => {
  const run = spawnSync(process.execPath, ["examples/workers.mjs"], { cwd: root });
  expect(run.stderr.toString()).toBe("");
  expect(run.status).toBe(0);
  const output = run.stdout.toString();
  const difference = /largest difference from one thread: (\S+)/.exec(output)?.[1];
  expect(Number(difference)).toBeLessThan(1e-5);
  const losses = [...output.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss));
  expect(losses.length).toBe(4);
  expect(losses[3]!).toBeLessThan(losses[0]! / 2);
});
