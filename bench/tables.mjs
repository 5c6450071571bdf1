// Measures the command line on tables, in megabytes of input a second: node bench/tables.mjs [--rounds 5] [--dist FOLDER ...] [--million 10]
//
// Every round runs every task once, each in its own process. It measures processor time and the memory at the end. The
// processor time of the same command on ten rows, which is start-up, is subtracted. `plain` is a program of a few lines that
// splits lines and cells and calls Number, and joins them again where the task writes rows. With several --dist folders
// (builds of other versions) the last column is the time of the first divided by that of each other. --million N instead scores N million
// rows from a pipe, and prints the time for a million rows and the growth of memory.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { decodeNpy, encodeNpy } from "tied-autoencoder/formats";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    dist: { type: "string", multiple: true },
    million: { type: "string" },
  },
});
const dists = values.dist ?? [fileURLToPath(new URL("../dist", import.meta.url))];
const folder = mkdtempSync(join(tmpdir(), "bench-tables-"));
const path = (name) => join(folder, name);
process.on("exit", () => rmSync(folder, { recursive: true }));

let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const normal = () => Array.from({ length: 12 }, random).reduce((sum, x) => sum + x, -6);
const lines = (rows, columns, cell) =>
  Array.from({ length: rows }, () => `${Array.from({ length: columns }, cell).join()}\n`).join("");
const named = (columns, text) =>
  `${Array.from({ length: columns }, (_, i) => `c${i + 1}`).join()}\n${text}`;

writeFileSync(
  path("usage.mjs"),
  `import { writeFileSync } from "node:fs";
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeFileSync(3, JSON.stringify({ seconds: (user + system) / 1e6, memory: process.memoryUsage.rss() / 2 ** 20 }));
});`,
);
writeFileSync(
  path("plain.mjs"),
  `import { readFileSync, writeFileSync } from "node:fs";
const [, , input, output] = process.argv;
const rows = readFileSync(input, "utf8").trimEnd().split("\\n").slice(1).map((line) => Float32Array.from(line.split(","), Number));
const text = output === undefined ? "" : rows.map((row) => Array.from(row, (x) => Number(x.toPrecision(9))).join()).join("\\n");
if (output !== undefined) writeFileSync(output, text);`,
);

/** Runs a program and returns its processor time and memory. `feed` writes to its standard input. */
async function run(args, feed) {
  const child = spawn(process.execPath, ["--import", `file://${path("usage.mjs")}`, ...args], {
    stdio: [feed ? "pipe" : "ignore", "ignore", "pipe", "pipe"],
  });
  let report = "";
  let errors = "";
  child.stdio[3].on("data", (text) => {
    report += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  await feed?.(child.stdin);
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${args.join(" ")}: ${errors}`);
  return JSON.parse(report);
}

/** A table of each kind, and a model for it that every build can read. */
async function prepare(name, rows, columns, cell) {
  const first = named(columns, lines(10, columns, cell));
  writeFileSync(path(`${name}-10.csv`), first);
  writeFileSync(path(`${name}.csv`), first + lines(rows - 10, columns, cell));
  const out = path(`${name}.safetensors`);
  const cli = join(dists[0], "cli.js");
  const training = ["-o", out, "--epochs", "1", "--layers", "16"];
  await run([cli, "train", path(`${name}-10.csv`), ...training]);
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

async function compare() {
  await prepare("seven digits x 32", 120_000, 32, () => normal().toFixed(6));
  await prepare("six digits x 784", 4000, 784, () => (1 / (1 + Math.exp(4 * normal()))).toFixed(6));
  await prepare("pixels x 784", 12_000, 784, () =>
    random() < 0.8 ? 0 : Math.floor(random() * 256),
  );
  const first = readFileSync(path("seven digits x 32.csv"));
  writeFileSync(path("seven digits x 32.csv.gz"), gzipSync(first, { level: 1 }));
  const data = Float32Array.from({ length: 784 * 12_000 }, random);
  writeFileSync(path("six digits x 784.npy"), encodeNpy({ shape: [12_000, 784], data }));
  decodeNpy(readFileSync(path("six digits x 784.npy"))); // a wrong file would be fast

  const tasks = [
    ["score", "seven digits x 32", ".csv"],
    ["score", "seven digits x 32", ".csv.gz"],
    ["score", "six digits x 784", ".csv"],
    ["score", "pixels x 784", ".csv"],
    ["score", "six digits x 784", ".npy"],
    ["reconstruct", "six digits x 784", ".csv"],
    ["reconstruct", "pixels x 784", ".csv"],
  ];
  const found = new Map();
  const note = (key, used) => found.set(key, [...(found.get(key) ?? []), used]);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [command, name, ending] of tasks) {
      const key = `${command} ${name}${ending}`;
      for (const dist of round % 2 ? dists : dists.toReversed()) {
        const program = [join(dist, "cli.js"), command, path(`${name}.safetensors`)];
        const output = ["-o", path(`out-${round}.csv`)];
        const start = await run([...program, path(`${name}-10.csv`), ...output]);
        rmSync(output[1]);
        const { seconds, memory } = await run([...program, path(name + ending), ...output]);
        note(key + dist, {
          seconds: seconds - start.seconds,
          memory,
          written: statSync(output[1]).size,
        });
        rmSync(output[1]);
      }
      if (ending !== ".csv") continue;
      const target = command === "reconstruct" ? [path("plain.csv")] : [];
      note(`${key}plain`, await run([path("plain.mjs"), path(name + ending), ...target]));
    }
  }
  for (const [command, name, ending] of tasks) {
    const key = `${command} ${name}${ending}`;
    const { size } = statSync(path(name + ending));
    const seconds = (from) => median(found.get(key + from).map((used) => used.seconds));
    for (const dist of dists) {
      const own = found.get(key + dist);
      const rate = size / seconds(dist) / 1e6;
      const out = median(own.map(({ written }) => written)) / seconds(dist) / 1e6;
      const memory = median(own.map((used) => used.memory));
      const plain = found.has(`${key}plain`)
        ? `  plain takes ${(seconds("plain") / seconds(dist)).toFixed(1)} times as long`
        : "";
      const other =
        dists.length > 1 ? `  ${dist}: ${(seconds(dists[0]) / seconds(dist)).toFixed(2)}` : "";
      console.log(
        `${key.padEnd(38)}${rate.toFixed(0).padStart(5)} MB/s in${out.toFixed(0).padStart(5)} out${memory.toFixed(0).padStart(6)} MB${plain}${other}`,
      );
    }
  }
}

async function growth(millions) {
  await prepare("four columns", 10, 4, () => normal().toFixed(3));
  const piece = Buffer.from(lines(10_000, 4, () => normal().toFixed(3)));
  const program = [join(dists[0], "cli.js"), "score", path("four columns.safetensors"), "-"];
  for (let million = 0.1; million <= millions; million *= 10) {
    const start = performance.now();
    const { seconds, memory } = await run([...program, "--no-header"], async (input) => {
      for (let i = 0; i < million * 100; i++) {
        if (!input.write(piece)) await once(input, "drain");
      }
      input.end();
    });
    const wall = (performance.now() - start) / 1000;
    console.log(
      `${String(million).padStart(5)} million rows of 4 from a pipe: ${(seconds / million).toFixed(2)} s a million, ${wall.toFixed(1)} s in all, ${memory.toFixed(0)} MB`,
    );
  }
}

if (values.million) await growth(Number(values.million));
else await compare();
