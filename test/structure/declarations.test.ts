// The package's types are read by TypeScript from 5.4 on. `npm run check:package` compiles them with each version. Errors that it
// has found are also checked here, where the check is fast.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, sourceFiles } from "./imports.ts";

test("no source names a typed array with a parameter, which TypeScript has had since 5.7: see src/arrays.ts", () => {
  const found = sourceFiles("src")
    .filter((path) => path !== "src/arrays.ts" && !path.startsWith("src/cli/"))
    .filter((path) =>
      /\b(?:Int|Uint|Float|BigInt|BigUint)\d+(?:Clamped)?Array</.test(
        readFileSync(join(ROOT, path), "utf8"),
      ),
    );
  expect(found).toEqual([]);
});
