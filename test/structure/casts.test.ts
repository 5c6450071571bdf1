// A cast overrides the compiler and can hide a mistake. Casts are counted, so that the number
// never increases: a change that adds a cast must remove another. Most of the remaining casts are of
// `globalThis` to optional parts of a host.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, sourceFiles } from "./imports.ts";

const MOST = 40;
const CAST = /\bas (?:number|string|unknown as)\b|[\w)\]]!(?=[.,;)\]\s+*/<>-])/;

/** The lines of a source that have a cast. Comments do not count. */
function castsIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  return code.split("\n").filter((line) => CAST.test(line));
}

test("a cast is found in every form", () => {
  const text =
    "a[i]!;\nb as number;\nc as unknown as D;\nf(x!)\n// e as string\nif (a !== b) c();\nyes!== no";
  expect(castsIn(text)).toEqual(["a[i]!;", "b as number;", "c as unknown as D;", "f(x!)"]);
});

test(`the sources have at most ${MOST} casts to numbers and strings, through unknown, and past undefined`, () => {
  const found = sourceFiles("src").flatMap((path) =>
    castsIn(readFileSync(join(ROOT, path), "utf8")).map((line) => `${path}: ${line.trim()}`),
  );
  expect(found.length, found.join("\n")).toBeLessThanOrEqual(MOST);
});
