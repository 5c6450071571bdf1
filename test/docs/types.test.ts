// The TypeScript blocks of the documentation compile with the package's types.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blocksIn, root } from "./support/pages.ts";

test("the TypeScript of the documentation compiles", () => {
  const folder = `${root}build/docs-types`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = blocksIn("ts");
  expect(blocks.length).toBeGreaterThan(0);
  blocks.forEach(({ code }, i) => {
    writeFileSync(`${folder}/block-${i}.ts`, code);
  });
  const compilerOptions = {
    lib: ["es2022", "es2022.intl", "esnext.disposable", "dom", "dom.iterable"],
    noUnusedLocals: false,
    paths: { "tied-autoencoder": ["../../src/index.ts"], "tied-autoencoder/*": ["../../src/*.ts"] },
  };
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions,
    include: ["*.ts"],
    exclude: [],
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  const run = spawnSync("node_modules/.bin/tsc", ["-p", folder], { cwd: root, encoding: "utf8" });
  expect(run.stdout).toBe("");
  expect(run.status).toBe(0);
});
