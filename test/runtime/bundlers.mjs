// Bundles the page of cases with each bundler, as a user's project would: an app folder with the
// package among its node_modules and no plugin that is made for it. Every bundle is loaded in Chromium.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const html = (script) =>
  `<!doctype html><meta charset="utf-8"><title>cases</title><script type="module" src="${script}"></script>\n`;

const entry = "./page.mjs";

/** Each takes the app's folder and the folder to fill, and leaves an index.html there. */
export const bundlers = {
  async vite(app, out) {
    const { build } = await import("vite");
    await build({
      root: app,
      base: "./",
      logLevel: "error",
      build: { outDir: out, emptyOutDir: true },
    });
  },
  async webpack(app, out) {
    const { default: webpack } = await import("webpack");
    const stats = await new Promise((resolve, reject) =>
      webpack(
        { context: app, mode: "production", entry, output: { path: out, filename: "page.js" } },
        (error, result) => (error ? reject(error) : resolve(result)),
      ),
    );
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
    writeFileSync(join(out, "index.html"), html("./page.js"));
  },
  async rollup(app, out) {
    const { rollup } = await import("rollup");
    const { default: resolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: join(app, entry), plugins: [resolve({ browser: true })] });
    await bundle.write({ dir: out, format: "es" });
    await bundle.close();
    writeFileSync(join(out, "index.html"), html("./page.js"));
  },
  async esbuild(app, out) {
    const { build } = await import("esbuild");
    await build({
      absWorkingDir: app,
      entryPoints: [entry],
      outdir: out,
      bundle: true,
      minify: true,
      format: "esm",
      logLevel: "error",
    });
    writeFileSync(join(out, "index.html"), html("./page.js"));
  },
  async parcel(app, out) {
    const bin = fileURLToPath(new URL("node_modules/parcel/lib/bin.js", import.meta.url));
    const args = ["build", "index.html", "--dist-dir", out, "--public-url", "./", "--no-cache"];
    execFileSync(process.execPath, [bin, ...args, "--no-source-maps", "--log-level", "error"], {
      cwd: app,
      env: { ...process.env, PARCEL_WORKERS: "0" },
    });
  },
};

/** An app's folder: the cases, the page and the installed package. */
export function makeApp(folder, installed) {
  const here = (name) => fileURLToPath(new URL(name, import.meta.url));
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  cpSync(installed, join(folder, "node_modules/tied-autoencoder"), { recursive: true });
  for (const name of ["cases.mjs", "expected.mjs", "sha256.mjs"]) {
    cpSync(here(name), join(folder, name));
  }
  cpSync(here("entries"), folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), html(entry));
  const settings = { name: "app", version: "1.0.0", private: true, type: "module" };
  const parcel = { "@parcel/resolver-default": { packageExports: true } };
  const dependencies = { "tied-autoencoder": "*" };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ ...settings, ...parcel, dependencies }),
  );
}

/** Vite's development server over an app; the address of its page and how to stop it. */
export async function viteServer(app) {
  const { createServer } = await import("vite");
  const server = await createServer({
    root: app,
    logLevel: "error",
    server: { port: 0 },
    optimizeDeps: { entries: ["index.html"] }, // not the pages of other bundlers beside it
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { url: `http://localhost:${port}/index.html`, stop: () => server.close() };
}
