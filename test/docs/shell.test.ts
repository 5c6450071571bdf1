// The commands of the documentation run as written, in a folder with the files that they name. Commands of npm, and of
// node with a script of the project, take minutes: they are checked to exist.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { blocksIn, place, root } from "./support/pages.ts";

const folder = mkdtempSync(join(tmpdir(), "tied-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const table = (rows: number) =>
  [
    "label,a,b,c,d",
    ...Array.from({ length: rows }, (_, i) =>
      [i % 3, Math.sin(i), 2 * Math.sin(i), Math.cos(i), Math.cos(i) - Math.sin(i)].join(","),
    ),
  ].join("\n");
writeFileSync(join(folder, "data.csv"), table(60));
writeFileSync(join(folder, "new.csv"), table(20));
writeFileSync(
  join(folder, "iris.csv"),
  "sepal,width,petal,length,species\n5.1,3.5,1.4,0.2,setosa\n4.9,3,1.4,0.2,setosa\n",
);

// The environment of the commands: the built command line, and checks in place of npm and node.
const functions = `
tied-autoencoder() { ${process.execPath} ${root}dist/cli.js "$@"; }
npx() { if [ "$1" = tied-autoencoder ]; then shift; tied-autoencoder "$@"; else echo "npx $1 is unknown" >&2; return 1; fi; }
npm() {
  case "$1" in
    install | ci) ;;
    test | start) grep -q "\\"$1\\":" ${root}package.json ;;
    run) grep -q "\\"$2\\":" ${root}package.json || { echo "there is no script $2" >&2; return 1; } ;;
    *) echo "npm $1 is unknown" >&2; return 1 ;;
  esac
}
node() { [ -f "${root}$1" ] || { echo "there is no $1" >&2; return 1; }; }
set -e
cd ${folder}
`;

const shell = (commands: string) =>
  spawnSync("bash", ["-c", functions + commands], { encoding: "utf8" });

describe("commands of the documentation", () => {
  test.each(blocksIn("sh").map((block) => [place(block), block] as const))("%s", (_, { code }) => {
    const { status, stderr } = shell(code);
    expect(stderr).not.toMatch(/^there is no|is unknown|command not found/m);
    expect(status, stderr).toBe(0);
  });

  test.each(blocksIn("console").map((block) => [place(block), block] as const))(
    "%s prints what it shows",
    (_, { code }) => {
      const lines = code.trim().split("\n");
      const commands = lines.filter((line) => line.startsWith("$ "));
      const { stdout, stderr } = shell(
        commands.map((line) => `${line.slice(2)} || true`).join("\n"),
      );
      const shown = lines.filter((line) => !line.startsWith("$ "));
      expect(stdout + stderr).toContain(shown.join("\n"));
    },
  );
});
