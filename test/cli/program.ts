// Runs the command line: the built program in its own process, or its sources in this process. The second takes a
// hundredth of the time, and is enough for tests without signals, pipes and the standard input.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, vi } from "vitest";
import { runProgram } from "../../src/cli/program.ts";

const program = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 }); // a test starts a dozen processes, on a machine that may be busy

export interface Result {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

/**
 * A folder that is removed after the tests of the file. It is in memory if the system supports this, so that the tests do
 * not wait for the disk at each save. Otherwise it is on the disk.
 */
export function temporaryFolder(where: "memory" | "disk" = "memory"): string {
  const place = where === "memory" && existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(place, "tied-autoencoder-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `tied-autoencoder` in `folder`. `watch` gets its standard output as it arrives. */
export function run(
  folder: string,
  words: readonly string[],
  input: Uint8Array | string = "",
  watch: (text: string, child: ChildProcess) => void = () => {},
): Promise<Result> {
  const child = start(folder, words);
  child.stdout?.on("data", (data: Buffer) => watch(data.toString(), child));
  child.stdin?.end(input);
  return ended(child);
}

/** Runs the sources in this process, in `folder`. One at a time. */
export async function runHere(folder: string, words: readonly string[]): Promise<Result> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const before = process.cwd();
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(into(out)),
    vi.spyOn(process.stderr, "write").mockImplementation(into(err)),
  ];
  process.chdir(folder);
  process.exitCode = 0;
  try {
    await runProgram(words);
    const stdout = Buffer.concat(out);
    const err8 = Buffer.concat(err).toString();
    return { code: Number(process.exitCode), stdout, out: stdout.toString(), err: err8 };
  } finally {
    process.exitCode = 0;
    process.chdir(before);
    for (const spy of spies) spy.mockRestore();
  }
}

const into =
  (pieces: Buffer[]) =>
  (data: Uint8Array | string, ...rest: unknown[]): boolean => {
    pieces.push(Buffer.from(data as Uint8Array));
    const done = rest.find((one): one is () => void => typeof one === "function");
    if (done) queueMicrotask(done);
    return true;
  };

/** The same for a line with blanks between words. */
export const runLine = (folder: string, line: string): Promise<Result> =>
  runHere(folder, line.split(" "));

/** Starts the program, with pipes for its three streams. */
export function start(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  child.stdin.on("error", () => {}); // the program may end before it has read everything
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

const running = new Set<ChildProcess>();
/** Shells, each in a process group with all processes that it has started. */
const groups = new Set<ChildProcess>();
afterEach(() => {
  // Processes of a failed test.
  for (const child of running) child.kill("SIGKILL");
  for (const { pid } of groups) if (pid !== undefined) process.kill(-pid, "SIGKILL");
});

/** A line for `sh -c` that runs the program: for redirections and pipes. */
export const shell = (line: string): string =>
  line.replaceAll("tied-autoencoder", `'${process.execPath}' '${program}'`);

/** The output of a program, after its end. */
export function ended(child: ChildProcess): Promise<Result> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (data: Buffer) => out.push(data));
  child.stderr?.on("data", (data: Buffer) => err.push(data));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const stdout = Buffer.concat(out);
      resolve({ code, stdout, out: stdout.toString(), err: Buffer.concat(err).toString() });
    });
  });
}

/** Runs several lines in order. */
export async function runLines(folder: string, lines: readonly string[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const line of lines) results.push(await runLine(folder, line));
  return results;
}

/** Runs a line of a POSIX shell in which `tied-autoencoder` is the program. */
export function runShell(folder: string, line: string): Promise<Result> {
  const child = spawn("sh", ["-c", shell(line)], { cwd: folder, detached: true });
  groups.add(child);
  child.on("close", () => groups.delete(child));
  return ended(child);
}

/** Resolves when the stream has delivered `text`. */
export function written(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  let all = "";
  const found = new Promise<void>((resolve, reject) => {
    stream?.on("data", (data: Buffer) => {
      all += data.toString();
      if (all.includes(text)) resolve();
    });
    stream?.on("close", () => reject(new Error(`the program never wrote ${text}, but:\n${all}`)));
  });
  found.catch(() => {}); // reported by the code that waits for it
  return found;
}

/** The objects of a text of JSON lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
