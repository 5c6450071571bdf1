// Runs the attacks of test/assault: hostile files, killed processes, full disks.
//
//   npm run test:assault                          a few minutes
//   npm run test:assault -- --long                ten minutes for each attack that runs by the clock
//   npm run test:assault -- --seconds 60 readers  60 seconds each, and only the attacks in test/assault/readers
//   npm run test:assault -- --seed 7 csv          the inputs of an earlier run
//   npm run test:assault -- --nodes readers       in the other versions of Node that npm run test:hosts has installed
//   npm run test:assault -- --report FILE         writes the result as JSON too
//
// Random inputs differ from run to run, unless a seed is given. The seed is printed, and a failure prints its smallest
// input. `.ci/run` gives a seed, so that a change is judged by the same inputs as the change before it.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: {
    long: { type: "boolean" },
    seconds: { type: "string" },
    seed: { type: "string" },
    nodes: { type: "boolean" },
    report: { type: "string" },
  },
  allowPositionals: true,
});
const seconds = values.seconds ?? (values.long ? "600" : undefined);
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const hosts = join(import.meta.dirname, "../test/runtime/node_modules");
const nodes = values.nodes
  ? ["node22", "node24", "node26"].map((name) => join(hosts, name, "bin/node")).filter(existsSync)
  : [process.execPath];
if (nodes.length === 0) console.log("no other Node is installed; npm run test:hosts installs them");

for (const node of nodes) {
  if (values.nodes) console.log(node);
  const { status } = spawnSync(
    node,
    [
      join(import.meta.dirname, "../node_modules/vitest/vitest.mjs"),
      "run",
      "--config",
      "vitest.assault.config.ts",
      ...(values.report === undefined
        ? []
        : ["--reporter=default", "--reporter=json", `--outputFile.json=${values.report}`]),
      ...positionals,
    ],
    {
      cwd: join(import.meta.dirname, ".."),
      stdio: "inherit",
      env: {
        ...process.env,
        ASSAULT_SEED: seed,
        ...(seconds === undefined ? {} : { ASSAULT_SECONDS: seconds }),
      },
    },
  );
  if (status !== 0) process.exitCode = 1;
}
