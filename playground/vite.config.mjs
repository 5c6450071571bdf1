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
 * replays to the same bits on the baseline alone; threads; gzip for hosts without a decompressor. Together 34 KB
 * after gzip.
 */
const neverAsked = {
  name: "never asked",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/relaxed\.js$|\/(start|pako)-[\w-]+\.js$/ }, ({ path }) => ({
      path,
      namespace: "left-out",
    }));
    onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `throw new Error("${path} is not part of this page.");`,
    }));
  },
};

/**
 * The page itself trains nothing: builds of the core and threads are for its workers. What would import them is left out of
 * the page, but the bundler asks for files before it knows that.
 */
const notInThePage = {
  name: "not in the page",
  enforce: "pre",
  apply: "build",
  resolveId: (id) =>
    /\/wasm\/\w+\.js$|\/start-[\w-]+\.js$/.test(id) ? { id, external: true } : undefined,
};

/** A worker's program as one text. */
async function program(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, entry)],
    alias: {
      "tied-autoencoder/detect": join(dist, "detect.js"),
      "tied-autoencoder/formats": join(dist, "formats.js"),
      "tied-autoencoder/report": join(dist, "report.js"),
      "tied-autoencoder/table": join(dist, "table.js"),
      "tied-autoencoder": join(dist, "index.js"),
    },
    plugins: [neverAsked],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    define: { "import.meta.url": '""' }, // it has no address of its own
    metafile: true,
    write: false,
  });
  const files = Object.keys(metafile.inputs).filter((file) => !file.includes("left-out:"));
  return { text: outputFiles[0].text, files: files.map((file) => join(process.cwd(), file)) };
}

/** `virtual:worker` is the lab's program; helper.js beside the page sets the helper's. */
const workerPrograms = {
  name: "worker programs",
  resolveId: (id) => (id === "virtual:worker" ? "\0worker" : undefined),
  async load(id) {
    if (id !== "\0worker") return undefined;
    const { text, files } = await program("src/worker/worker.ts");
    for (const file of files) this.addWatchFile(file);
    return `export default ${JSON.stringify(text)};`;
  },
  async generateBundle() {
    this.emitFile({ type: "asset", fileName: "helper.js", source: await helper() });
  },
  configureServer(server) {
    server.middlewares.use("/helper.js", async (_, response) => {
      response.setHeader("Content-Type", "text/javascript");
      response.end(await helper());
    });
  },
};

async function helper() {
  const { text } = await program("src/worker/helper.ts");
  return `globalThis.playgroundHelper = ${JSON.stringify(text)};\n`;
}

export default defineConfig({
  root,
  base: "./",
  plugins: [classicScript, notInThePage, workerPrograms],
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
