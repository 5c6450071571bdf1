// Programs for a console that are not plain files beside node_modules: bundled ones, which left the core's
// files behind, programs without permission to read, and hosts that refuse WebAssembly or memory.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { record, recordsIn } from "./examples.mjs";

const run = promisify(execFile);

/** Ways to bundle console.mjs: each fills a folder and returns the program's file. */
const bundles = {
  async esbuild(app, out) {
    await bundleByEsbuild(app, { outfile: join(out, "program.mjs"), format: "esm" });
    return join(out, "program.mjs");
  },
  async "esbuild in chunks"(app, out) {
    const options = {
      outdir: out,
      format: "esm",
      splitting: true,
      outExtension: { ".js": ".mjs" },
    };
    await bundleByEsbuild(app, options);
    return join(out, "console.mjs");
  },
  async "esbuild as CommonJS"(app, out) {
    await bundleByEsbuild(app, { outfile: join(out, "program.cjs"), format: "cjs" });
    return join(out, "program.cjs");
  },
  async rollup(app, out) {
    const { rollup } = await import("rollup");
    const { default: resolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({
      input: join(app, "console.mjs"),
      plugins: [resolve({ preferBuiltins: true })],
    });
    await bundle.write({ dir: out, format: "es", entryFileNames: "[name].mjs" });
    await bundle.close();
    return join(out, "console.mjs");
  },
};

async function bundleByEsbuild(app, options) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: app,
    entryPoints: ["console.mjs"],
    bundle: true,
    platform: "node",
    logLevel: "error",
    logOverride: { "empty-import-meta": "silent" },
    ...options,
  });
}

/** A program that prints what `create` makes of this host: the build, or the error's name and message. */
const TRIES = `import { TiedAutoencoder } from "tied-autoencoder";
const tried = async (call) => {
  try {
    return (await call()).build;
  } catch ({ name, message }) {
    return name + ": " + message;
  }
};
const config = { layers: [3, 2], simd: "baseline" };
const sync = await tried(() => TiedAutoencoder.createSync(config));
const made = await tried(() => TiedAutoencoder.create(config));
const after = await tried(() => TiedAutoencoder.createSync(config));
console.log("RESULT " + JSON.stringify({ sync, made, after }));
`;

const result = ({ stdout }) => JSON.parse(/^RESULT (.*)$/m.exec(stdout)[1]);

/** The page and the vm context that compile no WebAssembly say what would help. */
const REFUSED = /^UnsupportedHostError: .*'wasm-unsafe-eval'/;

/**
 * Runs every program.
 * @param app folder of the project that has the package installed
 * @param folder where bundles go, away from any node_modules
 * @param hosts paths of node24 and deno, where they are installed
 * @param host runs and reports: (name, () => records)
 */
export async function programs(app, folder, hosts, host) {
  const environment = { timeout: 120_000, env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" } };
  const start = (command, args, cwd = app) => run(command, args, { ...environment, cwd });
  writeFileSync(join(app, "tries.mjs"), TRIES);

  for (const [name, bundle] of Object.entries(bundles)) {
    await host(`node, bundled by ${name}`, async () => {
      const out = join(folder, `program-${name.replaceAll(" ", "-")}`);
      mkdirSync(out);
      const program = await bundle(app, out);
      return recordsIn((await start(process.execPath, [program], out)).stdout);
    });
  }

  await host("node, a bundle beside another baseline.wasm", async () => {
    const out = join(folder, "program-other");
    mkdirSync(join(out, "wasm"), { recursive: true });
    const program = await bundles.esbuild(app, out);
    writeFileSync(join(out, "wasm/baseline.wasm"), "something else");
    writeFileSync(join(out, "wasm/relaxed.wasm"), "something else");
    return recordsIn((await start(process.execPath, [program], out)).stdout);
  });

  if (existsSync(hosts.node24)) {
    const limited = (allowed, program) =>
      start(hosts.node24, ["--permission", `--allow-fs-read=${allowed}`, program]);
    await host("node 24 --permission", async () => {
      const out = join(folder, "program-permission");
      mkdirSync(out);
      const { build } = await import("esbuild");
      const program = join(out, "tries.mjs");
      await build({
        absWorkingDir: app,
        entryPoints: ["tries.mjs"],
        outfile: program,
        bundle: true,
        platform: "node",
        format: "esm",
        logLevel: "error",
      });
      const unbundled = result(await limited(`${app}/*`, join(app, "tries.mjs")));
      const bundled = result(await limited(program, program));
      return [
        record("reads the file it may read", unbundled.sync === "baseline", unbundled.sync),
        record("createSync names the remedies", /create.*wasm/.test(bundled.sync), bundled.sync),
        record("create has the text", bundled.made === "baseline", bundled.made),
        record("then createSync works", bundled.after === "baseline", bundled.after),
      ];
    });
  }

  if (existsSync(hosts.deno)) {
    await host("deno without flags", async () => {
      const args = ["run", "--no-remote", "--node-modules-dir=manual", "--no-prompt", "tries.mjs"];
      const { sync, made, after } = result(await start(hosts.deno, args));
      return [
        record("createSync names the remedies", /create.*wasm/.test(sync), sync),
        record("create has the text", made === "baseline", made),
        record("then createSync works", after === "baseline", after),
      ];
    });
  }

  await host("node, a context without code generation", async () => {
    writeFileSync(join(app, "context.mjs"), CONTEXT);
    const { sync, made } = result(await start(process.execPath, ["context.mjs"]));
    return [
      record("create names the policy", REFUSED.test(made), made),
      record("createSync names the policy", REFUSED.test(sync), sync),
    ];
  });

  if (process.platform === "linux") {
    await host("node, too little address space", async () => {
      // Node itself takes some 2 GB of addresses, the memory of a model 8 or more.
      const limited = `ulimit -v 6000000; exec "${process.execPath}" tries.mjs`;
      const { sync, made } = result(await start("bash", ["-c", limited]));
      return [
        record("create is a MemoryLimitError", /^MemoryLimitError: /.test(made), made),
        record("so is createSync", /^MemoryLimitError: /.test(sync), sync),
      ];
    });
  }
}

/** As TRIES, over the <script> build in a context of node:vm that refuses to compile. */
const CONTEXT = `import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
const context = createContext({}, { codeGeneration: { strings: false, wasm: false } });
const script = new URL(import.meta.resolve("tied-autoencoder/script"));
runInContext(readFileSync(script, "utf8"), context);
const { TiedAutoencoder } = runInContext("tiedAutoencoder", context);
const tried = async (call) => {
  try {
    return (await call()).build;
  } catch ({ name, message }) {
    return name + ": " + message;
  }
};
const config = { layers: [3, 2], simd: "baseline" };
const sync = await tried(() => TiedAutoencoder.createSync(config));
const made = await tried(() => TiedAutoencoder.create(config));
console.log("RESULT " + JSON.stringify({ sync, made }));
`;
