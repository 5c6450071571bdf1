// Runs a program or commands that the page exports, with the built package.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The final weights of the program's model. */
export function runProgram(program: string): Record<string, { data: Float32Array }> {
  const told = `${program}
console.log("WEIGHTS", JSON.stringify(Object.entries(model.weights()).map(([name, { data }]) => [name, [...data]])));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module"], {
    cwd: root,
    input: told,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const line = /WEIGHTS (.*)/.exec(stdout);
  if (!line?.[1]) throw new Error(`The program told no weights: ${stderr}`);
  const entries: [string, number[]][] = JSON.parse(line[1]);
  return Object.fromEntries(
    entries.map(([name, data]) => [name, { data: Float32Array.from(data) }]),
  );
}

/** The configuration of the model that the commands save, and the number of lines that the last of them prints. */
export function runCommands(text: string): { model: { layers: number[] }; lines: number } {
  const folder = mkdtempSync(join(tmpdir(), "commands-"));
  try {
    mkdirSync(join(folder, "examples/data"), { recursive: true });
    cpSync(join(root, "examples/data/optdigits.csv"), join(folder, "examples/data/optdigits.csv"));
    const commands = text.replaceAll("npx tied-autoencoder", `node ${join(root, "dist/cli.js")}`);
    const { stdout, stderr, status } = spawnSync("sh", ["-e", "-c", commands], {
      cwd: folder,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`The commands failed: ${stderr}`);
    const { metadata } = decodeSafetensors(readFileSync(join(folder, "model.safetensors")));
    return { model: JSON.parse(metadata.config ?? "{}"), lines: stdout.trim().split("\n").length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
