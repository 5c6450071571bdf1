// Runs a program that the page exports, with the built package.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

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
