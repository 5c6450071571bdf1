// What the bundles of scripts/build-js.mjs and scripts/build-cli.mjs have in common: TypeScript, libraries and the core in Rollup.

import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { rollup } from "rollup";

export const TARGET = "es2022";

/** TypeScript for Rollup. `define` replaces names by constants, as in esbuild. */
const typescript = (define) => ({
  name: "typescript",
  async transform(code, file) {
    const options = { loader: "ts", target: TARGET, sourcemap: true, sourcefile: file, define };
    const result = await transform(code, options);
    return { code: result.code, map: result.map };
  },
});

/** The modules and texts of the core are not bundled. The bundles import them. */
export const core = {
  name: "core",
  resolveId(path) {
    const [, name] = /\/generated\/(baseline|relaxed)\.ts$/.exec(path) ?? [];
    if (name) return { id: `./wasm/${name}.js`, external: "absolute" };
    // From dist/workerd and dist/edge-light as from src/core/builds: one folder up, then wasm.
    return path.endsWith(".wasm?module") ? { id: path, external: "absolute" } : undefined;
  },
};

/** The library that reads archives is bundled. */
const libraries = {
  name: "libraries",
  resolveId: (path) =>
    /^(fflate|pako)\b/.test(path) ? fileURLToPath(import.meta.resolve(path)) : undefined,
};

/** A bundle of the entries in `input`, whose keys are the names of the files. */
export const bundle = (input, define, plugins) =>
  rollup({
    input,
    plugins: [...plugins, libraries, typescript(define)],
    treeshake: { moduleSideEffects: (file) => Object.values(input).includes(file) },
    onLog(level, { code, message }) {
      if (level === "warn" && code !== "CIRCULAR_DEPENDENCY") throw new Error(message);
    },
  });

/** The modules that `entry` imports statically, directly or indirectly, and itself. */
export function staticImports(entry, { getModuleInfo }) {
  const found = new Set([entry]);
  for (const id of found) {
    for (const next of getModuleInfo(id)?.importedIds ?? []) found.add(next);
  }
  return found;
}
