// Bundles src/cli with its libraries into dist/cli.js and a few files beside it, and writes the licences of the libraries to the
// same folder.
// Adds the digits of the demonstration, compressed.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, core, staticImports } from "./bundle.mjs";

const root = join(import.meta.dirname, "..");
const source = (path) => join(root, "src", path);

/**
 * The files of the program. A module is in the first file whose root imports it statically. V8 reads a whole file before it runs
 * any of it, so a command should load little that it does not use. Every file costs some 0.5 ms, so there are few. Rollup places
 * what no root imports.
 */
const FILES = [
  ["program", source("cli/program.ts")],
  ["model", source("index.ts")],
  ["rows", source("cli/commands/apply.ts")],
  ["detector", source("cli/commands/watch.ts")],
];

function fileOf() {
  let files;
  return (id, graph) => {
    files ??= FILES.map(([name, entry]) => [name, staticImports(entry, graph)]);
    return files.find(([, modules]) => modules.has(id))?.[0];
  };
}

const node = {
  name: "modules of Node",
  resolveId: (path) => (path.startsWith("node:") ? { id: path, external: true } : undefined),
};

export async function buildCli() {
  const made = await bundle({ cli: source("cli/main.ts") }, { WASM_FOLDER: '"wasm/"' }, [
    core,
    node,
  ]);
  const { output } = await made.write({
    dir: join(root, "dist"),
    format: "es",
    banner: ({ isEntry }) => (isEntry ? "#!/usr/bin/env node" : ""),
    chunkFileNames: "cli-[name].js",
    manualChunks: fileOf(),
    minifyInternalExports: false,
  });
  chmodSync("dist/cli.js", 0o755);
  writeFileSync("dist/THIRD-PARTY.txt", notices(output));
  writeFileSync(
    "dist/optdigits.csv.gz",
    gzipSync(readFileSync("examples/data/optdigits.csv"), { level: 9 }),
  );
}

/** The licences of the packages whose files are in the bundle, and the origin of the digits. */
function notices(output) {
  const folders = output
    .flatMap(({ modules = {} }) => Object.entries(modules))
    .flatMap(([file, { renderedLength }]) =>
      renderedLength > 0 ? (/^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []) : [],
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
