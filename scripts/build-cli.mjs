// Bundles src/cli with its libraries into dist/cli.js, and writes the licences of the libraries to the same folder.
// Adds the digits of the demonstration, compressed.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The texts of the core are not bundled. The program loads them from dist/wasm. */
const coreTexts = {
  name: "texts of the core",
  setup({ onResolve }) {
    onResolve({ filter: /\/generated\/(baseline|relaxed)\.ts$/ }, ({ path }) => ({
      path: `./wasm/${basename(path, ".ts")}.js`,
      external: true,
    }));
  },
};

export async function buildCli() {
  const { metafile } = await build({
    entryPoints: { cli: "src/cli/main.ts" },
    outdir: "dist",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    banner: { js: "#!/usr/bin/env node" },
    legalComments: "none",
    preserveSymlinks: true, // where node_modules really is does not show in the bundle
    logLevel: "warning",
    define: { WASM_FOLDER: '"wasm/"' },
    plugins: [coreTexts],
    metafile: true,
  });
  chmodSync("dist/cli.js", 0o755);
  writeFileSync("dist/THIRD-PARTY.txt", notices(metafile.outputs["dist/cli.js"].inputs));
  writeFileSync(
    "dist/optdigits.csv.gz",
    gzipSync(readFileSync("examples/data/optdigits.csv"), { level: 9 }),
  );
}

/** The licences of the packages whose files are inputs of the bundle, and the origin of the digits. */
function notices(inputs) {
  const folders = Object.entries(inputs).flatMap(([file, { bytesInOutput }]) =>
    bytesInOutput > 0 ? (/^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []) : [],
  );
  const sections = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} comes without a licence text.`);
    const text = readFileSync(join(folder, file), "utf8").trim();
    return `${name} ${version} (${license})\n\n${text}`;
  });
  sections.push(`optdigits.csv.gz

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning
Repository (1998). Licensed under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/. The rows of
its test part, unchanged, under names for the columns.`);
  return `${sections.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
