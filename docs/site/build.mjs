// Builds the documentation site into build/site, or serves it: `node docs/site/build.mjs [serve]`. It installs what
// only the site needs into docs/site/node_modules if that is missing, so that the package itself installs quickly.
// SITE_BASE is the folder from which the site will be served, such as /docs/; the default is /.

import { spawnSync } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(here, "node_modules/vitepress"))) {
  run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], here);
}
const { stage, restage, addPlayground } = await import("./stage.mjs");
const { build, createServer } = await import("vitepress");

run("npm", ["run", "-s", "build:playground"], root);
stage();
addPlayground();

if (process.argv[2] === "serve") {
  const server = await createServer(here);
  await server.listen();
  server.printUrls();
  // A changed page is collected again. The API reference does not change while the server runs.
  watch(join(root, "docs"), { recursive: true }, (_, file) => {
    if (file?.endsWith(".md") && !file.startsWith("site")) restage(`docs/${file}`);
  });
} else {
  await build(here);
}
