// Runs the cases in the edge runtime that Next.js and Vercel's tools use. It compiles no WebAssembly and no text, and it gets
// the modules that a program imports with `?module` compiled beforehand.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** The records of the cases in `entry` of the folder `app`, in one request. */
export async function casesAtTheEdge(app, entry) {
  const { build } = await import("esbuild");
  const { EdgeVM } = await import("@edge-runtime/vm");
  const modules = {};
  const { outputFiles } = await build({
    absWorkingDir: app,
    entryPoints: [entry],
    bundle: true,
    format: "iife",
    globalName: "program",
    conditions: ["edge-light", "worker", "browser"],
    write: false,
    logLevel: "error",
    plugins: [
      {
        name: "wasm",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
            path: join(resolveDir, path.replace("?module", "")),
            namespace: "wasm",
          }));
          onLoad({ filter: /./, namespace: "wasm" }, ({ path }) => {
            const name = basename(path);
            modules[name] = new WebAssembly.Module(readFileSync(path));
            return { contents: `export default globalThis.modules[${JSON.stringify(name)}];` };
          });
        },
      },
    ],
  });
  const vm = new EdgeVM({ extend: (context) => Object.assign(context, { modules }) });
  const records = await vm.evaluate(
    `${outputFiles[0].text}; program.default.fetch().then((response) => response.json())`,
  );
  records.push(record("imports the baseline build only", modules));
  return records;
}

function record(name, modules) {
  const names = Object.keys(modules).join(", ");
  return { name, ok: names === "baseline.wasm", message: `imports ${names}` };
}
