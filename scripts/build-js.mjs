// Bundles src/ into dist/: readable ES modules with source maps, a script for pages without modules, and
// the compiled core beside them. Entries differ in where they take the core from (src/core/builds/).

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { buildCli } from "./build-cli.mjs";
import { besideWasm } from "./core-texts.mjs";

const root = join(import.meta.dirname, "..");

const ENTRIES = [
  "src/index.ts",
  "src/kernels.ts",
  "src/worker.ts",
  "src/view.ts",
  "src/table.ts",
  "src/store.ts",
  "src/digits.ts",
];

const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  logLevel: "warning",
};

/** Puts src/core/builds/`name`.ts in the place of package.ts. */
const buildsFrom = (name) => ({
  name: `builds from ${name}`,
  setup({ onResolve }) {
    onResolve({ filter: /\/builds\/package\.ts$/ }, ({ resolveDir, path }) => ({
      path: join(resolveDir, path, "..", `${name}.ts`),
    }));
    // Hosts find the modules in dist/wasm, one folder above those of the edge entries.
    onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, external: true }));
  },
});

/** Several entries whose shared code is in files beside them. */
const modules = (outdir, entryPoints, options) => ({
  ...common,
  ...options,
  entryPoints,
  outdir,
  splitting: true,
  // Beside the entries, so that the folder of the modules is the same for all of them.
  chunkNames: "[name]-[hash]",
});

/** A program in one file, which carries what it needs. */
const script = (outdir, entryPoints, options) => ({
  ...common,
  ...options,
  entryPoints,
  outdir,
  format: "iife",
  minify: true,
  plugins: [buildsFrom("script")],
});

// What an earlier build left: names of chunks change with their contents. The types are tsc's.
mkdirSync(join(root, "dist"), { recursive: true });
for (const stale of readdirSync(join(root, "dist")).filter((name) => name !== "types")) {
  rmSync(join(root, "dist", stale), { recursive: true });
}

// The program of the worker is a file of its own, and also text inside the entry that starts it.
const workerScript = { "worker-script": "src/worker-script.ts" };
const { outputFiles } = await build(
  script("dist", workerScript, { sourcemap: false, write: false }),
);
const workerProgram = outputFiles[0].text;

await Promise.all([
  build(
    modules("dist", ENTRIES, {
      define: {
        ...besideWasm.define,
        WORKER_PROGRAM: JSON.stringify(workerProgram),
        DIGITS: JSON.stringify(digits()),
      },
      plugins: besideWasm.plugins,
    }),
  ),
  ...["workerd", "edge-light"].map((name) =>
    build(
      modules(`dist/${name}`, ["src/index.ts", "src/kernels.ts"], {
        plugins: [buildsFrom(name)],
      }),
    ),
  ),
  build(script("dist", workerScript)),
  build(script("dist", { "thread-worker": "src/threads/worker.ts" })),
  build(
    script(
      "dist/script",
      { "tied-autoencoder": "src/index.ts" },
      { globalName: "tiedAutoencoder" },
    ),
  ),
  buildCli(),
]);

mkdirSync(join(root, "dist/wasm"));
for (const name of ["baseline", "relaxed"]) {
  copyFileSync(join(root, `build/${name}.wasm`), join(root, `dist/wasm/${name}.wasm`));
  const { code } = await transform(
    readFileSync(join(root, `src/core/generated/${name}.ts`), "utf8"),
    { loader: "ts" },
  );
  writeFileSync(join(root, `dist/wasm/${name}.js`), code);
}

/** The bundled digits as src/digits.ts reads them: a letter a pixel, a figure a label. */
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
