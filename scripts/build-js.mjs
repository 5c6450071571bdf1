// Bundles src/ into dist/: readable ES modules with source maps, a script for pages without modules,
// and the compiled core beside them for those who load it themselves. Entries differ in the builds they
// carry: inside the JavaScript (main), none (slim), or as modules that the host compiles beforehand (edge).

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

/** Puts another file of src/core/builds in the place of embedded.ts. */
function carrying(name) {
  return {
    name: `carry ${name}`,
    setup({ onResolve }) {
      onResolve({ filter: /\/builds\/embedded\.ts$/ }, ({ resolveDir }) => ({
        path: `${resolveDir}/builds/${name}.ts`,
      }));
      // One folder further down: chunks stand in dist/edge/chunks.
      onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({
        path: `../${path}`,
        external: true,
      }));
    },
  };
}

/** What `import()` fetches for a model once it is asked for. */
const ON_DEMAND =
  /\/model\/(initial\/pca-initializer|exchange\/checkpoint-read|exchange\/state-dict-read|training\/extras)\.ts$/;

/**
 * Keeps what every model needs in one file. These modules share much of it, and esbuild cuts a file for
 * every set of sharers, in this build and in that of the package's users: four instead of one, with 0.6 KB
 * more to load after gzip. So each module is made to share all of it, by naming the model's class and
 * the one error that it does not name.
 */
const together = {
  name: "together",
  setup({ onLoad }) {
    const shared = { TiedAutoencoder: "model/autoencoder.ts", FormatError: "formats/errors.ts" };
    const naming = Object.entries(shared).map(([name, file]) => {
      const path = join(import.meta.dirname, "../src", file);
      return `export { ${name} } from ${JSON.stringify(path)};\n`;
    });
    onLoad({ filter: ON_DEMAND }, ({ path }) => ({
      contents: readFileSync(path, "utf8") + naming.join(""),
      loader: "ts",
    }));
  },
};

for (const stale of ["dist/chunks", "dist/edge"]) rmSync(stale, { recursive: true, force: true });

// What runs in a worker is a script of its own, and also text inside the entry that starts it.
const workerScript = {
  ...common,
  entryPoints: {
    "worker-script": "src/worker-script.ts",
    "thread-worker": "src/core/thread-worker.ts",
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
    entryPoints: ["src/index.ts", "src/kernels.ts", "src/worker.ts"],
    define: { WORKER_PROGRAM: JSON.stringify(workerProgram) },
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [together],
  }),
  build({
    ...common,
    entryPoints: ["src/slim.ts"],
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/slim-[name]-[hash]",
    plugins: [carrying("none"), together],
  }),
  build({
    ...common,
    entryPoints: ["src/index.ts", "src/kernels.ts"],
    outdir: "dist/edge",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [carrying("edge"), together],
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
