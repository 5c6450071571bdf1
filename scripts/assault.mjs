// Runs the attacks of test/assault: hostile files, killed processes, full disks.
//
//   npm run test:assault                          a few minutes
//   npm run test:assault -- --long                ten minutes for each attack that runs by the clock
//   npm run test:assault -- --seconds 60 readers  60 seconds each, and only the attacks in test/assault/readers
//   npm run test:assault -- --seed 7 csv          the inputs of an earlier run
//
// Random inputs differ from run to run, unless a seed is given. The seed is printed, and a failure prints its smallest
// input. `.ci/run` gives a seed, so that a change is judged by the same inputs as the change before it.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: {
    long: { type: "boolean" },
    seconds: { type: "string" },
    seed: { type: "string" },
  },
  allowPositionals: true,
});
const seconds = values.seconds ?? (values.long ? "600" : undefined);
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const { status } = spawnSync(
  process.execPath,
  [
    join(import.meta.dirname, "../node_modules/vitest/vitest.mjs"),
    "run",
    "--config",
    "vitest.assault.config.ts",
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
process.exitCode = status ?? 1;
