// The benchmark suite: `npm run bench [-- --quick] [-- --json FILE] [-- --markdown FILE]`. It measures the kernels as fractions
// of this machine's peak, in each build that the engine supports, and training steps and inference as fractions of the same
// peak. Then it measures the times of training steps and inference, start-up and memory through the public API, and the command line on tables.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { benchModels, benchStart, printModels } from "./model.mjs";
import { describeHost, readBuild } from "./support/host.mjs";

const args = process.argv.slice(2);
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const node = (file, ...rest) => {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...rest], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

node("build.mjs");
const builds = ["baseline", "relaxed"].filter((build) => WebAssembly.validate(readBuild(build)));
for (const build of builds) {
  console.log();
  node(
    "kernels.mjs",
    build,
    ...(args.includes("--quick") ? ["--rounds", "7", "--only", "step|256|512"] : []),
  );
  console.log();
  node("floor.mjs", build, ...(args.includes("--quick") ? ["--rounds", "7"] : []));
}

console.log(`\n${describeHost()}, ${builds.at(-1)} build, one thread`);
const report = await benchModels();
if (!globalThis.Deno && !globalThis.Bun) report.push(benchStart());
printModels(report);
if (!globalThis.Deno && !globalThis.Bun && !args.includes("--quick")) {
  console.log("\nThe command line on tables");
  node("tables.mjs", "--rounds", "3");
}

const date = new Date().toISOString().slice(0, 10);
const json = option("--json");
if (json) {
  const result = { date, host: describeHost(), build: builds.at(-1), report };
  writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
}
const markdown = option("--markdown");
if (markdown) {
  const rows = report.map(({ name, median, low, high, bytes }) =>
    bytes
      ? `| ${name} | ${(bytes / 2 ** 20).toFixed(1)} MiB | |`
      : `| ${name} | ${median.toFixed(3)} | ${low.toFixed(3)} – ${high.toFixed(3)} |`,
  );
  const head = `${date}, ${describeHost()}, ${builds.at(-1)} build, one thread, \`npm run bench\``;
  writeFileSync(
    markdown,
    [head, "", "| | ms, median | p10 – p90 |", "| --- | --- | --- |", ...rows, ""].join("\n"),
  );
}
