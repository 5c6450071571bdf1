// Runs the cases of cases.mjs on the packed tarball in every host there is: several Nodes, Deno, Bun,
// workerd inside a request, Chromium and Firefox under several policies, and the output of bundlers in
// Chromium. Prints a line a host and a count; what is missing is named with the reason.
//
//   node test/runtime/hosts.mjs [--digests] [part of a host's name …]

import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { casesAtTheEdge } from "./edge-light.mjs";
import { copyExamples, edgeWorker, pressingPages, record, recordsIn } from "./examples.mjs";
import { haveBrowser } from "./have-browser.mjs";
import { programs } from "./programs.mjs";
import { bundleForWorkerd, serving } from "./workerd.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const run = promisify(execFile);
const options = process.argv.slice(2).filter((word) => word.startsWith("--"));
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const isWanted = (host) => wanted.length === 0 || wanted.some((part) => host.includes(part));

let passed = 0;
let failed = 0;
const skipped = [];

function report(host, records) {
  const bad = records.filter(({ ok }) => !ok);
  passed += records.length - bad.length;
  failed += bad.length;
  console.log(
    `${bad.length > 0 ? "FAIL" : "ok  "}  ${host}: ${records.length - bad.length} of ${records.length}`,
  );
  for (const { name, message } of bad) console.log(`        ${name}: ${message}`);
}

/** Runs a host; what it throws is one failed case. */
async function host(name, records) {
  try {
    report(name, await records());
  } catch (error) {
    const message = `${error.message}${error.stderr ?? ""}`.trim();
    report(name, [{ name: "the host runs", ok: false, message }]);
  }
}

function skip(name, reason) {
  skipped.push(`${name} (${reason})`);
  console.log(`skip  ${name}: ${reason}`);
}

function installHosts() {
  if (existsSync(join(here, "node_modules/.package-lock.json"))) return true;
  // Not `npm ci`: it wants every platform's packages in the lock file, and not all of them are published.
  const { status, stderr } = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund"], {
    cwd: here,
    encoding: "utf8",
  });
  if (status !== 0) console.log(`the hosts' packages could not be installed: ${stderr.trim()}`);
  return status === 0;
}

/** Packs the package and installs it as a user's project has it; returns that project's folder. */
function makeProject(folder, makeApp) {
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
      cwd: root,
      encoding: "utf8",
    }),
  );
  const installed = join(folder, "package");
  execFileSync("tar", ["xzf", join(folder, filename), "-C", folder]);
  const app = join(folder, "app");
  makeApp(app, installed);
  return app;
}

const binary = (path) => join(here, "node_modules", path);

async function consoles(app) {
  const hosts = {
    [`node ${process.versions.node}`]: [process.execPath],
    "node 22": [binary("node22/bin/node")],
    "node 24": [binary("node24/bin/node")],
    "node 26": [binary("node26/bin/node")],
    deno: [
      binary("@deno/linux-x64-glibc/deno"),
      "run",
      "-A",
      "--no-remote",
      "--node-modules-dir=manual",
    ],
    bun: [binary("@oven/bun-linux-x64/bin/bun"), "run"],
  };
  for (const [name, [command, ...args]] of Object.entries(hosts)) {
    if (!isWanted(name)) continue;
    if (!existsSync(command)) {
      skip(name, "not installed");
      continue;
    }
    await host(name, async () => {
      const options = {
        cwd: app,
        timeout: 120_000,
        env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
      };
      return recordsIn((await run(command, [...args, "console.mjs"], options)).stdout);
    });
  }
}

async function workerd(app, folder) {
  const command = binary("@cloudflare/workerd-linux-64/bin/workerd");
  if (!isWanted("workerd")) return;
  if (!existsSync(command)) {
    skip("workerd", "not installed");
    return;
  }
  await host("workerd, inside a request", async () => {
    const bundle = await bundleForWorkerd(app, "workerd.mjs", join(folder, "workerd"));
    return serving(command, bundle, async (fetch) => (await fetch("/")).json());
  });
  await host("workerd, example edge-worker", () => edgeWorker(command, app, folder));
}

async function edgeLight(app) {
  const name = "edge-light, inside a request";
  if (!isWanted(name)) return;
  if (!existsSync(binary("@edge-runtime/vm"))) return skip(name, "not installed");
  await host(name, () => casesAtTheEdge(app, "workerd.mjs"));
}

async function denoExample(app) {
  const command = binary("@deno/linux-x64-glibc/deno");
  if (!isWanted("deno, example") || !existsSync(command)) return;
  await host("deno, example deno", async () => {
    const args = ["run", "-A", "--no-remote", "--no-config", "--node-modules-dir=manual"];
    const { stdout } = await run(command, [...args, "examples/deno/main.ts"], { cwd: app });
    return [record("finds the odd hour", /oddest hour of today is 14:00/.test(stdout), stdout)];
  });
}

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

async function browsers(app, { bundlers, viteServer }, { runPages }) {
  // Plain pages import the package by its file, as a page without a bundler does.
  const plain = join(app, "plain");
  cpSync(join(app, "node_modules/tied-autoencoder/dist"), join(plain, "dist"), { recursive: true });
  const { build } = await import("esbuild").catch(() => ({ build: undefined }));
  if (!build) return skip("browsers", "the bundlers are not installed");
  await build({
    absWorkingDir: app,
    entryPoints: ["page.mjs", "manners.mjs", "refused.mjs"],
    outdir: plain,
    bundle: true,
    format: "esm",
    logLevel: "error",
  });
  await build({
    absWorkingDir: app,
    entryPoints: ["script.mjs"],
    outdir: plain,
    bundle: true,
    format: "iife",
    logLevel: "error",
  });
  const page = (body) => `<!doctype html><meta charset="utf-8"><title>cases</title>${body}\n`;
  writeFileSync(
    join(plain, "index.html"),
    page('<script type="module" src="/plain/page.js"></script>'),
  );
  writeFileSync(
    join(plain, "script.html"),
    page(
      '<script src="dist/script/tied-autoencoder.js"></script><script src="script.js"></script>',
    ),
  );
  writeFileSync(
    join(plain, "manners.html"),
    page('<script type="module" src="/plain/manners.js"></script>'),
  );
  writeFileSync(
    join(plain, "refused.html"),
    page('<script type="module" src="/plain/refused.js"></script>'),
  );
  pressingPages(app);
  const pages = [
    { name: "a file:// page", file: join(plain, "script.html") },
    { name: "a page", path: "/plain/index.html" },
    { name: "an isolated page", path: "/plain/index.html", isolated: true },
    {
      name: "a page under a strict policy",
      path: "/plain/index.html",
      headers: { "Content-Security-Policy": POLICY },
      query: { script: "/plain/dist/worker-script.js" },
    },
    {
      name: "a page that may not compile",
      path: "/plain/refused.html",
      headers: { "Content-Security-Policy": "script-src 'self'" },
    },
  ];
  for (const browser of ["chromium", "firefox-esr"]) {
    const own = pages.filter(({ name }) => isWanted(`${browser}, ${name}`));
    const stops = [];
    if (browser === "chromium") {
      for (const [name, bundle] of Object.entries(bundlers)) {
        if (!isWanted(name)) continue;
        const out = join(app, `bundled-${name}`);
        try {
          await bundle(app, out);
          own.push({ name, path: `/bundled-${name}/index.html` });
        } catch (error) {
          report(name, [{ name: "the bundle is made", ok: false, message: error.message }]);
        }
      }
      if (isWanted("example image-page")) {
        own.push({ name: "example image-page", path: "/examples/image-page/index.html" });
      }
      if (isWanted("example script-page")) {
        own.push({ name: "example script-page", path: "/examples/script-page/index.html" });
      }
      // Firefox reports no long tasks.
      if (isWanted("manners")) own.push({ name: "manners", path: "/plain/manners.html" });
      if (isWanted("example vite-page")) {
        await bundlers.vite(join(app, "examples/vite-page"), join(app, "vite-page"));
        own.push({ name: "example vite-page", path: "/vite-page/index.html" });
      }
      if (isWanted("vite dev")) {
        const { url, stop } = await viteServer(app);
        own.push({ name: "vite dev", url });
        stops.push(stop);
      }
    }
    if (own.length === 0) continue;
    if (!haveBrowser(browser)) {
      skip(browser, "not installed, and apt-get could not install it");
      continue;
    }
    const results = await runPages(browser, app, own);
    for (const { name } of own) report(`${browser}, ${name}`, results.get(name) ?? []);
    for (const stop of stops) await stop();
  }
}

const started = Date.now();
const installedHosts = installHosts();
const tools = await import("./bundlers.mjs");
const folder = mkdtempSync(join(tmpdir(), "hosts-"));
try {
  const app = makeProject(folder, tools.makeApp);
  if (options.includes("--digests")) {
    cpSync(join(here, "digests.mjs"), join(app, "digests.mjs"));
    console.log(execFileSync(process.execPath, ["digests.mjs"], { cwd: app, encoding: "utf8" }));
  } else {
    copyExamples(join(root, "examples"), app);
    await consoles(app);
    await denoExample(app);
    if (installedHosts) {
      const hosts = {
        node24: binary("node24/bin/node"),
        deno: binary("@deno/linux-x64-glibc/deno"),
      };
      await programs(app, folder, hosts, async (name, records) => {
        if (isWanted(name)) await host(name, records);
      });
    }
    if (installedHosts) await workerd(app, folder);
    if (installedHosts) await edgeLight(app);
    await browsers(app, tools, await import("./pages.mjs"));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const each of skipped) console.log(`skipped: ${each}`);
console.log(`${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
