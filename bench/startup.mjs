// Measures the time from the start of a program to its first result, minus that of an empty program:
//
//   node bench/startup.mjs [--runs 30] [--node PATH] [FOLDER …]
//
// Each FOLDER is a checkout whose package is built. The default is this one. Programs run one at a time in new processes and
// alternate, so that other work on the machine affects all of them. Prints the wall time of a process in milliseconds: the
// least and the median over the runs, and both minus those of the empty program.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeHost } from "./support/host.mjs";

const PROGRAM = `import { TiedAutoencoder } from "tied-autoencoder";
const model = await TiedAutoencoder.create({ layers: [784, 128] });
model.encode(new Float32Array(784));
`;

/** Makes a project with a program that imports the package of `checkout`. Returns the program. */
function project(folder, checkout) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(checkout, join(folder, "node_modules/tied-autoencoder"));
  const program = join(folder, "first-result.mjs");
  writeFileSync(program, PROGRAM);
  return program;
}

/**
 * Times programs alternately.
 * @param programs {[name: string, path: string][]}
 * @returns {Map<string, number[]>} milliseconds by name, one for each run
 */
function times(node, programs, runs) {
  const found = new Map(programs.map(([name]) => [name, []]));
  for (let run = -1; run < runs; run++) {
    for (const [name, path] of programs) {
      const start = performance.now();
      const { status, stderr } = spawnSync(node, [path], { encoding: "utf8" });
      const time = performance.now() - start;
      if (status !== 0) throw new Error(`${path} failed: ${stderr}`);
      if (run >= 0) found.get(name).push(time); // the first run fills the disk's cache
    }
  }
  return found;
}

/**
 * Times the start of each checkout's package, minus that of an empty program, in milliseconds.
 * @returns for each checkout `least` and `median` of its runs, each minus that of the empty program, and
 * `differences`, the time of each run minus that of the empty program's run before it
 */
export function startup(checkouts, { node = process.execPath, runs = 30 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "startup-"));
  try {
    const empty = join(folder, "empty.mjs");
    writeFileSync(empty, "");
    const programs = checkouts.map((checkout, i) => [
      checkout,
      project(join(folder, String(i)), checkout),
    ]);
    const found = times(node, [["", empty], ...programs], runs);
    const summary = (all) => {
      const sorted = all.toSorted((a, b) => a - b);
      return { least: sorted[0], median: sorted[Math.floor(sorted.length / 2)] };
    };
    const base = found.get("");
    const { least, median } = summary(base);
    const results = checkouts.map((name) => {
      const all = found.get(name);
      const own = summary(all);
      return {
        name,
        least: own.least - least,
        median: own.median - median,
        differences: all.map((time, i) => time - base[i]),
      };
    });
    return { empty: { least, median }, results };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (resolve(process.argv[1] ?? "") === import.meta.filename) {
  const { values, positionals } = parseArgs({
    options: { runs: { type: "string", default: "30" }, node: { type: "string" } },
    allowPositionals: true,
  });
  const checkouts = positionals.length > 0 ? positionals : [join(import.meta.dirname, "..")];
  const { runs, ...options } = values;
  const { empty, results } = startup(
    checkouts.map((path) => resolve(path)),
    { runs: Number(runs), ...options },
  );
  const milliseconds = (time) => `${time.toFixed(1)} ms`.padStart(9);
  console.log(`${describeHost()}, ${runs} runs each${values.node ? `, under ${values.node}` : ""}`);
  console.log(`${"".padEnd(24)}    least   median`);
  console.log(
    `${"empty program".padEnd(24)}${milliseconds(empty.least)}${milliseconds(empty.median)}`,
  );
  for (const { name, least, median } of results) {
    console.log(`${`+ ${basename(name)}`.padEnd(24)}${milliseconds(least)}${milliseconds(median)}`);
  }
}
