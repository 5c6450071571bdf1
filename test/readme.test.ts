// The programs of the README and of the guides run as written, against the built package. What a comment after console.log
// promises is what it prints.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const programsOf = (page: string) => {
  const text = readFileSync(new URL(`../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);
};

describe.each([
  "README.md",
  "docs/around-the-model.md",
  "docs/formats.md",
  "docs/guides/families.md",
])("the programs of %s", (page) => {
  const programs = programsOf(page);

  test("there are some", () => {
    expect(programs.length).toBeGreaterThan(2);
  });

  test.each(programs.map((program, i) => [i + 1, program] as const))("program %i", (_, program) => {
    const run = spawnSync(process.execPath, ["--input-type=module"], {
      cwd: root,
      input: program,
    });
    expect(run.stderr.toString()).toBe("");
    expect(run.status).toBe(0);
    // What a comment behind console.log says is a line that the program prints.
    const lines = run.stdout.toString().split("\n");
    for (const [, promise = ""] of program.matchAll(/console\.log\(.*\); \/\/ (.+)/g)) {
      expect(lines).toContain(promise.trim());
    }
  });
});

describe("the examples", () => {
  test("npm start shows validation error beside PCA's, within PyTorch's noise", () => {
    const run = spawnSync(process.execPath, ["examples/digits.mjs"], { cwd: root });
    expect(run.stderr.toString()).toBe("");
    const output = run.stdout.toString();
    const number = (label: string) =>
      Number(new RegExp(`${label} +(\\d\\.\\d+)`).exec(output)?.[1]);
    // PyTorch, the same model and split size over seeds: .0037 ± .0001; PCA about .0027.
    expect(number("this model")).toBeLessThan(0.004);
    expect(number("PCA")).toBeGreaterThan(0.0024);
    expect(number("PCA")).toBeLessThan(0.003);
  });
});
