// The programs of the documentation run as written, against the built package. A comment after console.log
// must equal its output.

import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { blocksIn, place, root } from "./support/pages.ts";

/** Several programs train at once, so on a busy machine one takes several times as long as alone. */
const LIMIT_MILLISECONDS = 120_000;

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--input-type=module"], { cwd: root });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (bytes) => {
      stdout += bytes;
    });
    child.stderr.on("data", (bytes) => {
      stderr += bytes;
    });
    child.on("close", (status) => resolve({ status, stdout, stderr }));
    child.stdin.end(program);
  });
}

/** The comments after console.log, in order. */
const promises = (code: string): string[] =>
  [...code.matchAll(/console\.log\([^\n]*\); \/\/ (.+)/g)].map(([, promise = ""]) =>
    promise.trim(),
  );

describe("a program of the documentation prints what its comments say", () => {
  const blocks = blocksIn("js");

  test("there is at least one", () => {
    expect(blocks.length).toBeGreaterThan(30);
  });

  test.concurrent.each(blocks.map((block) => [place(block), block] as const))(
    "%s",
    async (_, { before, code, after }) => {
      const { status, stdout, stderr } = await run(`${before}\n${code}\n${after}`);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      const said = promises(code);
      const lines = stdout.split("\n");
      expect(lines.filter((line) => said.includes(line))).toEqual(said);
    },
    LIMIT_MILLISECONDS,
  );
});
