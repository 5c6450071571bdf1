// Bundles src/ into dist/: readable ES modules with source maps, a script for pages without modules,
// and the compiled core beside them for those who load it themselves. Entries differ in the builds they
// carry: inside the JavaScript (main) or as modules that the host compiles beforehand (edge).

import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildCli } from "./build-cli.mjs";

const BUILDS = ["baseline", "relaxed"];

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  logLevel: "warning",
};

/** Puts builds/edge.ts in the place of builds/embedded.ts. */
const edge = {
  name: "edge",
  setup({ onResolve }) {
    onResolve({ filter: /\/builds\/embedded\.ts$/ }, ({ resolveDir, path }) => ({
      path: join(resolveDir, path, "../edge.ts"),
    }));
    // One folder further down: chunks stand in dist/edge/chunks.
    onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({
      path: `../${path}`,
      external: true,
    }));
  },
};

for (const stale of ["dist/chunks", "dist/edge"]) rmSync(stale, { recursive: true, force: true });

// What runs in a worker is a script of its own, and also text inside the entry that starts it.
const workerScript = {
  ...common,
  entryPoints: {
    "worker-script": "src/worker-script.ts",
    "thread-worker": "src/threads/worker.ts",
  },
  outdir: "dist",
  format: "iife",
  minify: true,
};
await build(workerScript);
const { outputFiles } = await build({
  ...workerScript,
  entryPoints: ["src/worker-script.ts"],
  sourcemap: false,
  write: false,
});
const workerProgram = outputFiles[0].text;

await Promise.all([
  build({
    ...common,
    entryPoints: [
      "src/index.ts",
      "src/kernels.ts",
      "src/worker.ts",
      "src/view.ts",
      "src/table.ts",
      "src/store.ts",
      "src/digits.ts",
    ],
    define: { WORKER_PROGRAM: JSON.stringify(workerProgram), DIGITS: JSON.stringify(digits()) },
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
  }),
  build({
    ...common,
    entryPoints: ["src/index.ts", "src/kernels.ts"],
    outdir: "dist/edge",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [edge],
  }),
  build({
    ...common,
    entryPoints: { "tied-autoencoder": "src/index.ts" },
    outdir: "dist/script",
    format: "iife",
    globalName: "tiedAutoencoder",
    minify: true,
  }),
  buildCli(),
]);

mkdirSync("dist/wasm", { recursive: true });
for (const name of BUILDS) copyFileSync(`build/${name}.wasm`, `dist/wasm/${name}.wasm`);

/** The bundled digits as src/digits.ts reads them: a letter a pixel, a figure a label. */
function digits() {
  const [, ...lines] = readFileSync("examples/data/optdigits.csv", "utf8").trim().split("\n");
  const rows = lines.map((line) => line.split(",").map(Number));
  const letter = (value) => String.fromCharCode("A".charCodeAt(0) + value);
  return {
    pixels: rows.flatMap((row) => row.slice(0, -1).map(letter)).join(""),
    labels: rows.map((row) => row.at(-1)).join(""),
  };
}
