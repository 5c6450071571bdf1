// Checks the package as people install it. Packs it, unpacks it as a dependency of an empty project, and runs publint,
// arethetypeswrong, a consumer's compiler under every module resolution, and the check of the size that a page loads. Also
// builds it a second time. Prints one line for each check. The exit code is 0 if all passed.

import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { pack } from "./packed-manifest.mjs";
import { rebuild } from "./rebuild.mjs";

/**
 * The largest size that a page may load to train one dense model, the core included: minified, gzip -9. The aim is 40 KB. The
 * limit prevents further growth until the aim is reached (docs/decisions/060-loading.md).
 */
const BUDGET = 62 * 1024;

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

const packed = pack(folder);
const tarball = join(folder, packed.filename);
const installed = join(folder, "node_modules", "tied-autoencoder");
mkdirSync(installed, { recursive: true });
execFileSync("tar", ["xzf", tarball, "-C", installed, "--strip-components=1"]);
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
for (const name of ["consumer", "pages"]) {
  cpSync(join(root, "test/package", name), join(folder, name), { recursive: true });
}
const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));

check("publint", () => tool(bin("publint"), [installed, "--strict"], root));
check("arethetypeswrong", () =>
  tool(bin("attw"), [tarball, "--profile", "esm-only", "--no-color"], root),
);
check("no dependencies and no install scripts", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    if (manifest[kind]) throw new Error(`package.json has ${kind}.`);
  }
  for (const script of ["preinstall", "install", "postinstall", "prepare"]) {
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

// The second build takes as long as the first, so --quick leaves it out.
if (!process.argv.includes("--quick")) {
  check("the same files from another folder, and no folder's name in them", () => {
    const { different, personal } = rebuild(root);
    if (different.length > 0) throw new Error(`different: ${different.join(", ")}`);
    if (personal.length > 0) throw new Error(`with a folder's name: ${personal.join(", ")}`);
  });
}

/** Compiles a consumer of the packed types, without skipLibCheck. */
function compile(compiler, project, compilerOptions, include) {
  const path = join(folder, `tsconfig.${project}.json`);
  const options = {
    target: "es2022",
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...compilerOptions,
  };
  writeFileSync(path, JSON.stringify({ compilerOptions: options, include: [include] }));
  tool(process.execPath, [join(compiler, "bin/tsc"), "-p", path], folder);
}

const current = join(root, "node_modules/typescript");
for (const [module, moduleResolution] of [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
  ["preserve", "bundler"],
]) {
  check(`types under module ${module}, moduleResolution ${moduleResolution}`, () =>
    compile(current, module, { module, moduleResolution, lib: ["es2022"] }, "consumer"),
  );
}

const compilers = join(root, "test/package/node_modules");
if (!existsSync(compilers)) {
  tool("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], dirname(compilers));
}
const versions = readdirSync(compilers).filter((name) => name.startsWith("typescript-"));
for (const compiler of [...versions.map((name) => join(compilers, name)), current]) {
  const { version } = JSON.parse(readFileSync(join(compiler, "package.json"), "utf8"));
  const resolution = { module: "nodenext", moduleResolution: "nodenext" };
  check(`types under TypeScript ${version}`, () =>
    compile(compiler, "server", { ...resolution, lib: ["es2022"] }, "consumer"),
  );
  check(`types under TypeScript ${version}, in a page`, () =>
    compile(compiler, "page", { ...resolution, lib: ["es2022", "dom"] }, "pages"),
  );
}

/** The output of a page's bundler for a program that imports the package. */
const bundled = (contents) =>
  build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    absWorkingDir: folder,
    outdir: folder,
    write: false,
    metafile: true,
    logLevel: "error",
  });

for (const name of ["worker-script", "detector-script", "thread-worker", "script"]) {
  const { outputFiles } = await bundled(`import "tied-autoencoder/${name}";`);
  check(`importing ${name} for its effects keeps it`, () => {
    const { length } = outputFiles[0].contents;
    if (length < 1000) throw new Error(`The bundle has ${length} bytes.`);
  });
}

const unused = Object.keys(manifest.exports).filter((name) => {
  const { default: target } = manifest.exports[name];
  return target && !manifest.sideEffects.includes(target);
});
for (const name of unused) {
  const path = name.replace(/^\./, "tied-autoencoder");
  const { outputFiles } = await bundled(`import "${path}";`);
  check(`importing ${path} and using nothing of it bundles nothing`, () => {
    const { length } = outputFiles[0].contents;
    if (length > 100) throw new Error(`The bundle has ${length} bytes.`);
  });
}

const { metafile, outputFiles } = await bundled(
  'export { TiedAutoencoder } from "tied-autoencoder";',
);

check("size of a page that trains one dense model", () => {
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
  const size = (compress) =>
    loadedByPage(metafile.outputs)
      .map((path) => outputFiles.find((file) => file.path === join(folder, path)).contents)
      .reduce((sum, contents) => sum + compress(contents).length, 0);
  const gzip = size((bytes) => gzipSync(bytes, { level: 9 }));
  const note = `${kilobytes(gzip)} of ${kilobytes(BUDGET)} gzip, ${kilobytes(size(brotliCompressSync))} brotli`;
  if (gzip > BUDGET) throw new Error(note);
  return note;
});

/**
 * The files that a page loads to train one dense model: the static imports of the entry, and the larger of the
 * two builds of the core. Everything else is loaded on demand.
 */
function loadedByPage(outputs) {
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind === "import-statement") load(next);
    }
  };
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === "<stdin>");
  load(entry);
  const builds = Object.keys(outputs).filter((path) =>
    /dist\/wasm\/\w+\.js$/.test(outputs[path].entryPoint ?? ""),
  );
  if (builds.length !== 2) throw new Error(`There are ${builds.length} chunks of the core, not 2.`);
  builds.sort((a, b) => outputs[b].bytes - outputs[a].bytes);
  if (builds.some((path) => loaded.has(path))) throw new Error("A build is loaded at once.");
  return [...loaded, builds[0]];
}

rmSync(folder, { recursive: true });
console.log(`${(packed.size / 1024).toFixed(0)} KB packed, ${packed.entryCount} files`);
if (failures > 0) console.log(`${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
