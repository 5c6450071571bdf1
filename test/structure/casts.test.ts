// A cast says what the compiler cannot see, and hides a mistake where it is wrong. They are counted, so that the number
// falls and never rises: whoever adds one takes away another. Casts of `globalThis` to what a host may have are most of
// those that remain.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, sourceFiles } from "./imports.ts";

const MOST = 40;
const CAST = /\bas (?:number|string|unknown as)\b|[\w)\]]!(?=[.,;)\]\s+*/<>-])/;

/** Lines of a source that hold a cast; comments do not count. */
function castsIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  return code.split("\n").filter((line) => CAST.test(line));
}

test("a cast is found in every form", () => {
  const text =
    "a[i]!;\nb as number;\nc as unknown as D;\nf(x!)\n// e as string\nif (a !== b) c();\nyes!== no";
  expect(castsIn(text)).toEqual(["a[i]!;", "b as number;", "c as unknown as D;", "f(x!)"]);
});

test(`the sources hold at most ${MOST} casts to numbers and strings, through unknown, and past undefined`, () => {
  const found = sourceFiles("src").flatMap((path) =>
    castsIn(readFileSync(join(ROOT, path), "utf8")).map((line) => `${path}: ${line.trim()}`),
  );
  expect(found.length, found.join("\n")).toBeLessThanOrEqual(MOST);
});
