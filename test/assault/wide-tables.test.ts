// The command line with tables of very many columns: its time grows in proportion to the columns, and its messages stay short.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeNpy } from "../../src/formats/npy.ts";
import { runHere, temporaryFolder } from "../cli/program.ts";
import { growth } from "../support/growth.ts";

const folder = temporaryFolder();
const ROWS = 10;

/** Every second column has the value of `make`. */
function table(columns: number, make: (row: number, column: number) => number): Uint8Array {
  const data = Float32Array.from({ length: ROWS * columns }, (_, i) => {
    const column = i % columns;
    return column % 2 === 0 ? make(Math.floor(i / columns), column) : Math.sin(i);
  });
  return encodeNpy({ shape: [ROWS, columns], data });
}

test.each<[string, (row: number, column: number) => number]>([
  ["columns that number the rows", (row, column) => row * (column + 1)],
  ["columns without a value", () => Number.NaN],
])("half of the columns are %s", async (_, make) => {
  const { ratio, limit } = await growth((columns) => {
    writeFileSync(join(folder, `${columns}.npy`), table(columns, make));
    return async () => {
      const options = ["--layers", "1", "-e", "1", "-q", "--force", "-o", "m.st"];
      const { err } = await runHere(folder, ["train", `${columns}.npy`, ...options]);
      expect(err.length).toBeLessThan(1000);
    };
  }, 10_000);
  expect(ratio).toBeLessThan(limit);
});
