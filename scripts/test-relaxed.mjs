// Runs the tests of kernels and model under a Node that supports relaxed SIMD, so that they run with both builds. Node 20 has
// only the baseline build. The Node is the one that `npm run test:hosts` installs, or the one that runs this script if it is
// new enough. Arguments go to vitest.

import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RELAXED = "0061736d01000000010401600000030201000a140112004100fd0f4100fd0f4100fd0ffd85021a0b";
const ROOMS = ["assembly", "core", "golden", "kernels", "model", "threads"].map(
  (room) => `test/${room}`,
);

const installed = fileURLToPath(
  new URL("../test/runtime/node_modules/node24/bin/node", import.meta.url),
);
const args = process.argv.slice(2);
const own = WebAssembly.validate(Buffer.from(RELAXED, "hex")) ? process.execPath : undefined;
const node = own ?? (existsSync(installed) ? installed : undefined);

if (node) {
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  const { status } = spawnSync(node, [vitest, "run", ...ROOMS, ...args], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} else {
  console.log("skipped: the relaxed build needs Node 24; npm run test:hosts installs one");
  const report = args.find((arg) => arg.startsWith("--outputFile"))?.split("=")[1];
  const empty = { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  if (report) writeFileSync(report, JSON.stringify(empty));
}
