// Builds the package a second time in another folder, to check that the files depend only on the sources.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a build makes, or brings along otherwise. */
const LEFT_OUT = /(^|[\\/])(node_modules|\.git|build|dist|generated)$/;

/** The names of files in dist/ that differ, or that contain the path of a folder of the builder. */
export function rebuild(root) {
  const folder = mkdtempSync(join(tmpdir(), "rebuild-"));
  try {
    cpSync(root, folder, { recursive: true, filter: (path) => !LEFT_OUT.test(path) });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    mkdirSync(join(folder, "build"));
    const { status, stderr } = spawnSync("npm", ["run", "-s", "build"], {
      cwd: folder,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`The build failed in ${folder}:\n${stderr}`);
    const [here, there] = [root, folder].map((each) => digests(join(each, "dist")));
    const names = [...new Set([...here.keys(), ...there.keys()])];
    const personal = names.filter((name) => {
      const bytes = readFileSync(join(here.has(name) ? root : folder, "dist", name));
      return [root, folder].some((path) => bytes.includes(path));
    });
    return { different: names.filter((name) => here.get(name) !== there.get(name)), personal };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function digests(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  return new Map(
    files.map((name) => {
      const bytes = readFileSync(join(folder, name));
      return [name, createHash("sha256").update(bytes).digest("hex")];
    }),
  );
}
