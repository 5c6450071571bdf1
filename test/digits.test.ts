// The bundled digits, in the built package, because the build adds them.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type * as entry from "../src/digits.ts";

const built = new URL("../dist/digits.js", import.meta.url).href;
const { attribution, digits } = (await import(/* @vite-ignore */ built)) as typeof entry;

test("the digits are those of the published file, with pixels from 0 to 1", () => {
  const file = readFileSync(new URL("../examples/data/optdigits.csv", import.meta.url), "utf8");
  const rows = file
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").map(Number));
  const { data, labels, width, height } = digits();
  expect([data.length, labels.length, width * height]).toEqual([1797 * 64, 1797, 64]);
  expect(Array.from(data, (value) => value * 16)).toEqual(rows.flatMap((row) => row.slice(0, 64)));
  expect(Array.from(labels)).toEqual(rows.map((row) => row[64]));
  expect(attribution).toContain("CC BY 4.0");
});

test("every call returns new arrays", () => {
  digits().data.fill(9);
  expect(Math.max(...digits().data)).toBe(1);
});
