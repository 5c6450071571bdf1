// The examples of the families run as they are, with few epochs, and write their pictures.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tied-autoencoder-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string, string[], RegExp]>([
  [
    "sparse-features",
    ["topk-features", "topk-sums"],
    /8 of 128 features a digit: .* 0\.0\d+ a pixel/,
  ],
  [
    "gaussian-walk",
    ["gaussian-samples", "gaussian-walk", "gaussian-codes"],
    /negative ELBO (2|3)\d\.\d nats a digit\n[1-8] of 8 units/,
  ],
  ["parts", ["parts", "parts-free"], /nonNegative: .*\nfree: /],
  ["steady-codes", ["contractive"], /plain: .*\ncontraction: .*\ndenoising: /],
  ["deep-start", ["deep"], /random: .*\nlayerwise: /],
])("%s", (name, pictures, printed) => {
  const own = join(folder, name);
  const run = spawnSync(process.execPath, [`examples/families/${name}.mjs`, own, "4"], {
    cwd: root,
  });
  expect(run.stderr.toString()).toBe("");
  expect(run.stdout.toString()).toMatch(printed);
  const files = readdirSync(own);
  for (const picture of pictures) {
    const svg = readFileSync(join(own, `${picture}.svg`), "utf8");
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toMatch(/NaN|undefined/);
  }
  expect(files.filter((file) => file.endsWith(".html"))).toHaveLength(1);
});
