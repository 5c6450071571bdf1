// The example that `npm start` runs.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("npm start prints the validation error and that of PCA, within the variation of PyTorch", () => {
  const run = spawnSync(process.execPath, ["examples/digits.mjs"], { cwd: root });
  expect(run.stderr.toString()).toBe("");
  const output = run.stdout.toString();
  const number = (label: string) => Number(new RegExp(`${label} +(\\d\\.\\d+)`).exec(output)?.[1]);
  // PyTorch with the same model and split size over several seeds: 0.0037 ± 0.0001. PCA: about 0.0027.
  expect(number("this model")).toBeLessThan(0.004);
  expect(number("PCA")).toBeGreaterThan(0.0024);
  expect(number("PCA")).toBeLessThan(0.003);
});
