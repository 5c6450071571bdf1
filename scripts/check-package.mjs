// Checks the package as people install it: packs it, unpacks it as a dependency of an empty project and
// runs publint, arethetypeswrong, a consumer's compiler under every module resolution, and the budget
// of bytes that a page pays. Prints one line a check; the exit code says whether all passed.

import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes after minifying and gzip -9: what was won, and a little room (docs/decisions/060-on-demand.md). */
const BUDGETS = [
  {
    what: "a page that trains one model, both builds inside",
    code: 'export { TiedAutoencoder } from "tied-autoencoder";',
    limit: 31.75 * 1024,
  },
  {
    what: "tied-autoencoder/slim and one build",
    code: 'export { TiedAutoencoder } from "tied-autoencoder/slim";',
    wasm: "baseline",
    limit: 25 * 1024,
  },
];

const root = join(import.meta.dirname, "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const folder = mkdtempSync(join(tmpdir(), "tied-autoencoder-"));
let failures = 0;

function check(name, run) {
  try {
    const note = run();
    console.log(`ok    ${name}${note ? `: ${note}` : ""}`);
  } catch (error) {
    failures++;
    console.log(`FAIL  ${name}: ${error.message}`);
  }
}

function tool(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`\n${stdout}${stderr}`);
}

const [packed] = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  }),
);
const tarball = join(folder, packed.filename);
const installed = join(folder, "node_modules", "tied-autoencoder");
mkdirSync(installed, { recursive: true });
execFileSync("tar", ["xzf", tarball, "-C", installed, "--strip-components=1"]);
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
cpSync(join(root, "test/package/consumer"), join(folder, "consumer"), { recursive: true });
const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));

check("publint", () => tool(bin("publint"), [installed, "--strict"], root));
check("arethetypeswrong", () =>
  tool(bin("attw"), [tarball, "--profile", "esm-only", "--no-color"], root),
);
check("no dependencies and no install scripts", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    if (manifest[kind]) throw new Error(`package.json has ${kind}.`);
  }
  for (const script of ["preinstall", "install", "postinstall"]) {
    if (manifest.scripts[script]) throw new Error(`package.json has the script ${script}.`);
  }
});
check("every export is a file", () => {
  const targets = Object.values(manifest.exports).flatMap((to) =>
    typeof to === "string" ? [to] : Object.values(to),
  );
  for (const target of [...targets, manifest.main, manifest.types]) {
    const path = join(installed, target.replace("*", "baseline"));
    if (!readdirSync(dirname(path)).includes(path.slice(dirname(path).length + 1))) {
      throw new Error(`${target} is not in the package.`);
    }
  }
});

for (const [module, moduleResolution] of [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
  ["preserve", "bundler"],
]) {
  check(`types under module ${module}, moduleResolution ${moduleResolution}`, () => {
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2022",
      lib: ["es2022"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const project = join(folder, `tsconfig.${module}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions, include: ["consumer"] }));
    tool(bin("tsc"), ["-p", project], folder);
  });
}

for (const { what, code, wasm, limit } of BUDGETS) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: folder },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    outdir: folder,
    write: false,
    metafile: true,
  });
  check(`size of ${what}`, () => {
    const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
    const loaded = loadedAtOnce(metafile.outputs);
    const sizes = outputFiles
      .filter(({ path }) => loaded.has(basename(path)))
      .map(({ contents }) => gzipped(contents));
    const script = sizes.reduce((sum, size) => sum + size, 0);
    const core = wasm ? gzipped(readFileSync(join(installed, `dist/wasm/${wasm}.wasm`))) : 0;
    const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
    const parts = wasm ? ` (${kilobytes(script)} + ${kilobytes(core)})` : "";
    const note = `${kilobytes(script + core)}${parts} of ${kilobytes(limit)}`;
    if (script + core > limit) throw new Error(note);
    return note;
  });
}

/** Names of the files that an entry loads before anything is asked of it; the rest come on demand. */
function loadedAtOnce(outputs) {
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind === "import-statement") load(next);
    }
  };
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint === "<stdin>") load(path);
  }
  return new Set([...loaded].map((path) => basename(path)));
}

rmSync(folder, { recursive: true });
console.log(`${(packed.size / 1024).toFixed(0)} KB packed, ${packed.entryCount} files`);
if (failures > 0) console.log(`${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
