// The manifest in the tarball has no `prepare`: that script is for a checkout, and npm warns whoever installs a package
// that has it. `prepack` takes it out of package.json, and `postpack` puts it back. scripts/check-package.mjs packs with `pack`.
//
//   node scripts/packed-manifest.mjs strip|restore

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const manifest = join(root, "package.json");
/** A copy of the manifest. It remains if packing was interrupted. */
const kept = join(root, "build/package.json");

function strip() {
  restore();
  mkdirSync(join(root, "build"), { recursive: true });
  copyFileSync(manifest, kept);
  writeFileSync(manifest, stripped(readFileSync(manifest, "utf8")));
}

/** Puts the copy back, unless the manifest has changed since: a copy of an interrupted run must not replace new work. */
function restore() {
  if (!existsSync(kept)) return;
  if (readFileSync(manifest, "utf8") === stripped(readFileSync(kept, "utf8"))) {
    copyFileSync(kept, manifest);
  }
  rmSync(kept);
}

function stripped(text) {
  const content = JSON.parse(text);
  delete content.scripts.prepare;
  return `${JSON.stringify(content, null, 2)}\n`;
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
