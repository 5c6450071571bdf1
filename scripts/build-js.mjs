// Bundles src/ into dist/: readable ES modules with source maps, minified scripts for pages and workers, the command line, and
// the compiled core. Entries differ in the source of the core (src/core/builds/). Rollup makes the bundles, because it makes
// few files for the code that an entry loads at once.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { buildCli } from "./build-cli.mjs";
import { bundle, core, staticImports, TARGET } from "./bundle.mjs";

const root = join(import.meta.dirname, "..");

/** Each is src/NAME.ts and becomes dist/NAME.js. */
const ENTRIES = [
  "index",
  "kernels",
  "detect",
  "worker",
  "view",
  "report",
  "table",
  "store",
  "digits",
  "formats",
];
/** Entries that edge runtimes load in a form of their own. */
const EDGE_ENTRIES = ["index", "kernels", "detect"];

/** Replaces package.ts by src/core/builds/`name`.ts. */
const buildsFrom = (name) => ({
  name: `builds from ${name}`,
  resolveId: (path, importer) =>
    path.endsWith("/builds/package.ts")
      ? join(importer, "..", path, "..", `${name}.ts`)
      : undefined,
});

const minified = {
  name: "minified",
  async renderChunk(code) {
    const options = { target: TARGET, minify: true, sourcemap: true, legalComments: "none" };
    const result = await transform(code, options);
    return { code: result.code, map: result.map };
  },
};

/**
 * The name of a file with code that entries share. The code that a model loads at once is in two files, because each file
 * costs Node 0.4 ms at every start. `core` has the parts that entries without a model use, and `model` the others.
 */
function sharedFile(input) {
  const model = join(root, "src/autoencoder.ts");
  let closures;
  return (id, graph) => {
    closures ??= Object.values(input).map((entry) => staticImports(entry, graph));
    const reaching = closures.filter((modules) => modules.has(id));
    if (id === input.index || !reaching.some((modules) => modules.has(input.index)))
      return undefined;
    return reaching.every((modules) => modules.has(model)) ? "model" : "core";
  };
}

/** Several entries, and files with the code that entries share or import later. */
async function modules(folder, entries, define, plugins = []) {
  const input = Object.fromEntries(entries.map((name) => [name, join(root, `src/${name}.ts`)]));
  const made = await bundle(input, define, [...plugins, core]);
  await made.write({
    dir: join(root, folder),
    format: "es",
    // In the folder of the entries, so that the path to the core is the same for all of them.
    chunkFileNames: "[name]-[hash].js",
    manualChunks: sharedFile(input),
    minifyInternalExports: false,
    sourcemap: true,
    // The source maps must not depend on the folder of the build, even if node_modules is a link.
    sourcemapPathTransform: (path) => path.replace(/^.*\/node_modules\//, "../node_modules/"),
  });
}

/** A program in one file without imports. Returns its text without a source map. */
async function script(file, entry, builds, name) {
  const made = await bundle([join(root, entry)], {}, [buildsFrom(builds), minified]);
  const format = { format: "iife", name, inlineDynamicImports: true };
  await made.write({ ...format, file: join(root, file), sourcemap: true });
  const { output } = await made.generate(format);
  return output[0].code;
}

/** The bundled digits in the form that src/digits.ts reads: a letter for a pixel, a figure for a label. */
function digits() {
  const [, ...lines] = readFileSync(join(root, "examples/data/optdigits.csv"), "utf8")
    .trim()
    .split("\n");
  const rows = lines.map((line) => line.split(",").map(Number));
  const letter = (value) => String.fromCharCode("A".charCodeAt(0) + value);
  return {
    pixels: rows.flatMap((row) => row.slice(0, -1).map(letter)).join(""),
    labels: rows.map((row) => row.at(-1)).join(""),
  };
}

/** Copies the compiled core, and each build as a module of text. */
async function copyCore() {
  mkdirSync(join(root, "dist/wasm"), { recursive: true });
  for (const name of ["baseline", "relaxed"]) {
    copyFileSync(join(root, `build/${name}.wasm`), join(root, `dist/wasm/${name}.wasm`));
    const source = readFileSync(join(root, `src/core/generated/${name}.ts`), "utf8");
    const { code } = await transform(source, { loader: "ts" });
    writeFileSync(join(root, `dist/wasm/${name}.js`), code);
  }
}

// Removes the files of an earlier build, because names of chunks change with their contents. tsc has written the types.
mkdirSync(join(root, "dist"), { recursive: true });
for (const stale of readdirSync(join(root, "dist")).filter((name) => name !== "types")) {
  rmSync(join(root, "dist", stale), { recursive: true });
}

// The program of a worker is a separate file. It is also text inside the module that starts the worker.
const workerProgram = await script("dist/worker-script.js", "src/worker-script.ts", "worker");
const detectorProgram = await script("dist/detector-script.js", "src/detector-script.ts", "worker");
const constants = {
  WASM_FOLDER: '"wasm/"',
  WORKER_PROGRAM: JSON.stringify(workerProgram),
  DETECTOR_PROGRAM: JSON.stringify(detectorProgram),
  DIGITS: JSON.stringify(digits()),
};
await Promise.all([
  modules("dist", ENTRIES, constants),
  ...["workerd", "edge-light"].map((name) =>
    modules(`dist/${name}`, EDGE_ENTRIES, constants, [buildsFrom(name)]),
  ),
  script("dist/thread-worker.js", "src/threads/worker.ts", "worker"),
  script("dist/script/tied-autoencoder.js", "src/script.ts", "script", "tiedAutoencoder"),
  buildCli(),
  copyCore(),
]);
