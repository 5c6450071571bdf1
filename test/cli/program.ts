// Runs the built command line as people do: a process of its own, in a folder of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, vi } from "vitest";

const program = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

vi.setConfig({ testTimeout: 30_000 }); // a test starts a dozen processes, on a machine that may be busy

export interface Result {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tied-autoencoder-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs `tied-autoencoder` in `folder`; `watch` sees what it writes to standard output as it comes. */
export function run(
  folder: string,
  words: readonly string[],
  input: Uint8Array | string = "",
  watch: (text: string, child: ChildProcess) => void = () => {},
): Promise<Result> {
  const child = spawn(process.execPath, [program, ...words], { cwd: folder });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (data: Buffer) => {
    out.push(data);
    watch(data.toString(), child);
  });
  child.stderr.on("data", (data: Buffer) => err.push(data));
  child.stdin.on("error", () => {}); // the program may end before it has read everything
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const stdout = Buffer.concat(out);
      resolve({ code, stdout, out: stdout.toString(), err: Buffer.concat(err).toString() });
    });
  });
}

/** The objects of a text of JSON lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
