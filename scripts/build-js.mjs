// Bundles src/ into dist/: readable ES modules with source maps, a script for pages without modules,
// and the compiled core beside them for those who load it themselves. Entries differ in the builds they
// carry: inside the JavaScript (main), none (slim), or as modules that the host compiles beforehand (edge).

import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildCli } from "./build-cli.mjs";

const root = join(import.meta.dirname, "..");
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

/** What `import()` fetches for a model once it is asked for. */
const ON_DEMAND = "pca-initializer|principal-components|checkpoint-read|state-dict-read|extras";
/** What several of these have and nothing else: each its own, so that it is one file to fetch. */
const READING = "safetensors|safetensors-types|numbers-read|text-read";
/** What slim fetches so too, while functions that slim exports have it at once. */
const PARTS = "learned-preparation|column-statistics|orthogonal";

/**
 * Keeps what every model needs in one file. The modules that come on demand share much of it, and esbuild
 * cuts a file for every set of sharers, in this build and in that of the package's users: four instead of
 * one, with 0.6 KB more to load after gzip. So each of these modules is made to share all of it, by
 * naming what reaches the rest. It must not reach the builds of the core, a text like no other: between
 * modules they part what gzip would find in both, 1 KB of it.
 *
 * Modules named in `copied` are copied for each that imports them on demand: shared with a function that
 * has them at once, they would be loaded at once by everybody.
 */
function onDemand(modules, shared, copied) {
  const named = (names) => new RegExp(`/(${names})\\.ts$`);
  const filter = named(copied);
  const naming = Object.entries({ ...shared, FormatError: "formats/errors.ts" })
    .map(([name, file]) => `export { ${name} } from ${JSON.stringify(join(root, "src", file))};\n`)
    .join("");
  // A copy's suffix names for whom it is, and its own imports inherit that.
  const load = ({ path, suffix }) => ({
    contents: readFileSync(path, "utf8") + naming,
    loader: "ts",
    pluginData: { suffix: suffix || `?for=${path}` },
  });
  return {
    name: "on demand",
    setup({ onResolve, onLoad }) {
      onResolve({ filter }, ({ kind, path, resolveDir, pluginData }) => {
        const suffix = kind === "dynamic-import" ? "?for=itself" : pluginData?.suffix;
        return suffix ? { path: join(resolveDir, path), suffix } : undefined;
      });
      onLoad({ filter }, (file) => (file.suffix ? load(file) : undefined));
      onLoad({ filter: named(modules) }, load);
    },
  };
}

// The threads serve the kernels alone as well, and in the main build share nothing with the model.
const inMain = onDemand(
  ON_DEMAND,
  {
    freshEngineSync: "model/make.ts",
    everyPart: "model/parts-at-once.ts",
    toOnnx: "model/exchange/onnx.ts",
    summary: "model/summary.ts",
  },
  READING,
);
const inSlim = onDemand(
  `${ON_DEMAND}|start`,
  {
    TiedAutoencoder: "model/autoencoder-slim.ts",
    ThreadError: "threads/errors.ts",
    elementCount: "formats/numbers.ts",
    quote: "formats/text.ts",
  },
  `${READING}|${PARTS}`,
);

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
    entryPoints: ["src/index.ts", "src/kernels.ts", "src/worker.ts"],
    define: { WORKER_PROGRAM: JSON.stringify(workerProgram) },
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [inMain],
  }),
  build({
    ...common,
    entryPoints: ["src/slim.ts"],
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/slim-[name]-[hash]",
    plugins: [inSlim],
  }),
  build({
    ...common,
    entryPoints: ["src/index.ts", "src/kernels.ts"],
    outdir: "dist/edge",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    plugins: [edge, inMain],
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
