// Compares the training step and inference of the tied autoencoder with other libraries, on one core and with the same
// weights and batches. Every result is checked before the timing. The rounds of all libraries are interleaved. The anomaly
// detectors follow (bench/detectors.mjs).

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { digits } from "./digits.mjs";
import { measure } from "./measure.mjs";
import { headline, markdown, text, wrap } from "./report.mjs";
import { ringLength, workloads } from "./workloads.mjs";

const USAGE = `npm run bench:peers -- [options]
  --peers LIST      of ours, pytorch, jax, tfjs, onnx, plain; compared with the first
  --workloads LIST  of W1 (784-128), W2 (784-256-64), W3 (784-6144, top-k of 32;
                    always 256 rows)
  --batches LIST    rows of a training step (1,8,32,128,256,1024); empty for none
  --rows LIST       rows to encode (1,32,1024); empty for none
  --rounds N        interleaved rounds (21)
  --clock wall|cpu  wall time, or processor time where others use the machine (wall)
  --python LIST     Pythons to look for torch in (python3,/usr/bin/python3)
  --mnist FOLDER    the folder of MNIST's gzipped files, or $MNIST; without them seeded strokes
  --no-detectors    leave out the anomaly detectors (npm run bench:detectors)
  --json FILE, --markdown FILE   write the results there as well; --json without detectors`;

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

const { values: options } = parseArgs({
  options: {
    peers: { type: "string", default: "ours,pytorch,jax,tfjs,onnx,plain" },
    workloads: { type: "string", default: workloads.map(({ id }) => id).join() },
    batches: { type: "string", default: "1,8,32,128,256,1024" },
    rows: { type: "string", default: "1,32,1024" },
    rounds: { type: "string", default: "21" },
    clock: { type: "string", default: "wall" },
    python: { type: "string", default: "python3,/usr/bin/python3" },
    mnist: { type: "string", default: process.env.MNIST ?? join(root, "../shared/data/mnist") },
    detectors: { type: "boolean", default: true },
    json: { type: "string" },
    markdown: { type: "string" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
});

const list = (value) => value.split(",").filter((item) => item !== "");

function count(value) {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new RangeError(`not a count: ${value}`);
  return number;
}

/** All requested combinations, small batches first. */
function askedCells() {
  const known = new Map(workloads.map((workload) => [workload.id, workload]));
  const rounds = count(options.rounds);
  const { clock } = options;
  if (!["wall", "cpu"].includes(clock)) throw new RangeError(`no clock ${clock}`);
  const sizes = { train: list(options.batches).map(count), encode: list(options.rows).map(count) };
  const cells = [];
  for (const [kind, all] of Object.entries(sizes)) {
    for (const id of list(options.workloads)) {
      if (!known.has(id)) throw new RangeError(`no workload ${id}`);
      const workload = known.get(id);
      const counts = all.length === 0 ? all : (workload.only ?? all);
      for (const rows of counts) cells.push({ kind, workload, rows, rounds, clock });
    }
  }
  if (cells.length === 0) throw new RangeError("nothing to measure");
  return cells;
}

/** Installs the packages of the peers once. Without a network, peers are skipped with a reason. */
function install() {
  if (existsSync(join(here, "node_modules"))) return;
  console.error("installing the peers' packages");
  spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: here,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
}

/** Keeps this process, its threads and its children to one core where `taskset` exists. */
function pin() {
  const taskset = (...args) => spawnSync("taskset", args, { encoding: "utf8" });
  const cpu = taskset("-cp", `${process.pid}`).stdout?.match(/(\d+)\s*$/)?.[1];
  const pinned = cpu && taskset("-acp", cpu, `${process.pid}`).status === 0;
  return pinned ? `pinned to CPU ${cpu}` : "not pinned to a core";
}

async function openPeers(context, onFailure) {
  const peers = [];
  for (const name of list(options.peers)) {
    try {
      const { open } = await import(`./peers/${name}.mjs`);
      peers.push(...(await open(context)));
    } catch (error) {
      onFailure(name, error);
    }
  }
  if (peers.length === 0) throw new Error("there is no peer to measure");
  return peers;
}

/** Machine, runtime and build at the start of the run. */
function surroundings(pinned) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const git = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: root });
  const { node, v8 } = process.versions;
  const [processor] = os.cpus();
  const load = os.loadavg()[0].toFixed(1);
  return {
    date: new Date().toISOString(),
    machine: `${processor.model.trim()}, ${os.type()} ${os.arch()}, ${pinned}, load ${load}`,
    runtime: `Node ${node} (V8 ${v8})`,
    build: `tied-autoencoder ${version} ${git.stdout?.toString().trim() ?? ""}`.trim(),
  };
}

async function main() {
  const cells = askedCells();
  install();
  const about = surroundings(pin());
  const rowsNeeded = Math.max(...cells.map(({ rows }) => rows * ringLength(rows)));
  const { source, images } = digits(rowsNeeded, options.mnist);
  const skipped = [];
  const skip = (peer, { message }) => skipped.push({ peer, reason: message.split("\n")[0] });
  const peers = await openPeers({ pythons: list(options.python), images }, skip);
  const run = {
    ...about,
    data: source,
    rounds: cells[0].rounds,
    clock: options.clock,
    peers: peers.map(({ name, version, does }) => ({ name, version, does })),
    skipped,
    cells: [],
  };
  console.log(headline(run));
  for (const cell of cells) {
    const { workload, kind, rows } = cell;
    const label = `${workload.id} ${kind} ${rows}`;
    console.error(label);
    const fail = (peer, error) => {
      process.exitCode = 1;
      console.log(wrap(`FAILED ${peer}, ${label}: ${error.message}`));
      skip(`${peer}, ${label}`, error);
    };
    run.cells.push(await measure({ ...cell, images }, peers, fail));
  }
  console.log(text(run));
  if (options.json) writeFileSync(options.json, `${JSON.stringify(run, null, 2)}\n`);
  const detectors = options.detectors ? measureDetectors() : "";
  if (options.markdown) writeFileSync(options.markdown, `${markdown(run)}${detectors}`);
}

/** Runs the detectors beside those of Python, prints their table, and returns it. */
function measureDetectors() {
  const hasSklearn = (python) => spawnSync(python, ["-c", "import sklearn"]).status === 0;
  const python = list(options.python).find(hasSklearn) ?? "python3";
  const folder = mkdtempSync(join(os.tmpdir(), "peers-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "detectors.md");
  const script = join(root, "bench/detectors.mjs");
  const { status } = spawnSync(process.execPath, [script, "--python", python, "--markdown", file], {
    stdio: "inherit",
  });
  if (status !== 0) {
    process.exitCode = 1;
    console.log("FAILED: the detectors");
    return "";
  }
  return `\nAnomaly detectors, one core, seconds for all sets of a workload:\n\n${readFileSync(file, "utf8")}`;
}

if (options.help) console.log(USAGE);
else await main();
process.exit(); // a peer's process or timer must not keep this one
