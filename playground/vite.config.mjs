// Builds the playground into plain files that work from any folder, and from file: addresses: one classic
// script with the worker's program inside it, because browsers refuse modules and worker files there.

import { join } from "node:path";
import { build } from "esbuild";
import { defineConfig } from "vite";

const root = import.meta.dirname;
const dist = join(root, "../dist");

/** `<script type="module">` as a classic script that waits for the page. */
const classicScript = {
  name: "classic script",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (html) =>
      html
        .replaceAll(/<script type="module"[^>]*? src=/g, "<script defer src=")
        .replaceAll(" crossorigin", ""),
  },
};

/**
 * What the package loads when it is asked for, and this page never asks: the relaxed build, because a link
 * replays to the same bits on the baseline alone, and threads. Together 28 KB after gzip.
 */
const neverAsked = {
  name: "never asked",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/relaxed\.js$|\/start-[\w-]+\.js$/ }, ({ path }) => ({
      path,
      namespace: "left-out",
    }));
    onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `throw new Error("${path} is not part of this page.");`,
    }));
  },
};

/** `virtual:worker`: the worker's program as a text. */
const workerProgram = {
  name: "worker program",
  resolveId: (id) => (id === "virtual:worker" ? "\0worker" : undefined),
  async load(id) {
    if (id !== "\0worker") return undefined;
    const { outputFiles, metafile } = await build({
      entryPoints: [join(root, "src/worker/worker.ts")],
      alias: { "tied-autoencoder": join(dist, "index.js") },
      plugins: [neverAsked],
      bundle: true,
      minify: true,
      format: "iife",
      target: "es2022",
      legalComments: "none",
      // A program without an address of its own.
      define: { "import.meta.url": '""' },
      metafile: true,
      write: false,
    });
    for (const file of Object.keys(metafile.inputs)) {
      if (!file.includes("left-out:")) this.addWatchFile(join(process.cwd(), file));
    }
    return `export default ${JSON.stringify(outputFiles[0].text)};`;
  },
};

export default defineConfig({
  root,
  base: "./",
  plugins: [classicScript, workerProgram],
  resolve: {
    alias: [{ find: /^tied-autoencoder\/(.*)$/, replacement: join(dist, "$1.js") }],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: join(root, "../build/playground"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      output: {
        format: "iife",
        entryFileNames: "playground.js",
        assetFileNames: "playground.[ext]",
      },
    },
  },
});
