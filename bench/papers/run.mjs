// Runs the scripts of the papers on MNIST one after another, each in its own process.
//
//   npm run papers [-- NAME …] [FOLDER]      NAME is k-sparse, deep, variational or features; default: all
//
// Settings are environment variables. The comment at the head of each script lists them.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const NAMES = ["variational", "features", "deep", "k-sparse"];
const given = process.argv.slice(2);
const chosen = NAMES.filter((name) => given.includes(name));
const rest = given.filter((argument) => !NAMES.includes(argument));
for (const name of chosen.length > 0 ? chosen : NAMES) {
  console.log(`\n== ${name}`);
  const script = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...rest], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
