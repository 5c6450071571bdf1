// The manifest in the tarball has no `prepare`: that script is for a checkout, and npm warns whoever installs a package
// that has it. `prepack` takes it out of package.json, `postpack` puts it back; checks pack through `pack`.
//
//   node scripts/packed-manifest.mjs strip|restore

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const manifest = join(root, "package.json");
/** The manifest as it was, also where a pack was cut. */
const kept = join(root, "build/package.json");

function strip() {
  restore();
  mkdirSync(join(root, "build"), { recursive: true });
  copyFileSync(manifest, kept);
  const content = JSON.parse(readFileSync(manifest, "utf8"));
  delete content.scripts.prepare;
  writeFileSync(manifest, `${JSON.stringify(content, null, 2)}\n`);
}

function restore() {
  if (!existsSync(kept)) return;
  copyFileSync(kept, manifest);
  rmSync(kept);
}

/** Packs what is built into a folder. Returns what npm says of the tarball. */
export function pack(folder) {
  strip();
  try {
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    return JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8" }))[0];
  } finally {
    restore();
  }
}

const [, program, what] = process.argv;
if (program === import.meta.filename) {
  if (what === "strip") strip();
  else if (what === "restore") restore();
  else throw new Error("Say strip or restore.");
}
