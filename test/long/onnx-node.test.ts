// The list of test/model/onnx.test.ts in onnxruntime's native build, which is too large (288 MB) to be a
// development dependency: installed from the registry into a temporary folder, without its scripts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type OnnxRuntime, onnxCases, onnxError, onnxModel } from "../support/onnx-cases.ts";

const PACKAGE = "onnxruntime-node@1.30.0";
const folder = mkdtempSync(join(tmpdir(), "onnxruntime-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(): OnnxRuntime | undefined {
  writeFileSync(join(folder, "package.json"), "{}");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
  const run = spawnSync("npm", ["install", ...flags, PACKAGE], {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
  });
  try {
    if (run.status !== 0) throw new Error(run.stderr);
    return createRequire(join(folder, "package.json"))("onnxruntime-node");
  } catch (error) {
    console.log(`skipped: ${PACKAGE} cannot be had here: ${String(error).slice(0, 200)}`);
    return undefined;
  }
}

const ort = load();

test.skipIf(!ort).each(onnxCases)(
  "%s in onnxruntime-node gives the model's outputs within 1e-5",
  async (_, config) => {
    expect(await onnxError(ort as OnnxRuntime, onnxModel(config))).toBeLessThan(1e-5);
  },
);
