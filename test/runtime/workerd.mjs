// Bundles a script as wrangler does, with its WebAssembly modules beside it, and serves it with workerd.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";

/**
 * Bundles `entry` of the folder `app` into `out` and writes workerd's configuration there. `storedClass`
 * is a Durable Object bound as DETECTOR, whose storage outlives the process in `out`.
 */
export async function bundleForWorkerd(app, entry, out, storedClass) {
  const { build } = await import("esbuild");
  mkdirSync(join(out, "disk"), { recursive: true });
  const modules = new Set();
  await build({
    absWorkingDir: app,
    entryPoints: { main: entry },
    outdir: out,
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    logLevel: "error",
    plugins: [
      {
        name: "wasm",
        setup({ onResolve }) {
          onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path, resolveDir }) => {
            const file = path.replace("?module", "");
            cpSync(join(resolveDir, file), join(out, basename(file)));
            modules.add(basename(file));
            return { path: `./${basename(file)}`, external: true };
          });
        },
      },
    ],
  });
  const port = await freePort();
  const embedded = [...modules].map((name) => `(name = "${name}", wasm = embed "${name}")`);
  const stored = storedClass
    ? `,
    durableObjectNamespaces = [(className = "${storedClass}", uniqueKey = "example")],
    durableObjectStorage = (localDisk = "disk"),
    bindings = [(name = "DETECTOR", durableObjectNamespace = "${storedClass}")]`
    : "";
  writeFileSync(
    join(out, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "disk", disk = (path = "${join(out, "disk")}", writable = true)),
    (name = "main", worker = (
      modules = [(name = "main", esModule = embed "main.js"), ${embedded.join(", ")}],
      compatibilityDate = "2026-01-01"${stored}))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);
`,
  );
  return { config: join(out, "config.capnp"), url: `http://127.0.0.1:${port}` };
}

/** Serves what was bundled while `use` runs; `use` is given a fetch of its paths. */
export async function serving(command, { config, url }, use) {
  const child = spawn(command, ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  try {
    return await use((path, options) => answer(url + path, options));
  } catch (error) {
    throw new Error(`${error.message}\n${errors}`);
  } finally {
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill();
    await ended;
  }
}

async function answer(url, options) {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
