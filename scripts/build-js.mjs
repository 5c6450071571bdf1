// Bundles src/ into dist/: one ES module an entry, readable, with source maps, and the compiled core
// beside them for those who load it themselves. The loader is bundled in, so that the package has no
// dependencies to install.

import { copyFileSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

await build({
  entryPoints: ["src/index.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  sourcesContent: true,
  logLevel: "warning",
});

mkdirSync("dist/wasm", { recursive: true });
for (const name of ["baseline", "relaxed"])
  copyFileSync(`build/${name}.wasm`, `dist/wasm/${name}.wasm`);
