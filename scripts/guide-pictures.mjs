// Makes the pictures of the guides again: runs the examples of the families and copies their pictures.
//
//   node scripts/guide-pictures.mjs      after npm run build

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const examples = join(root, "examples/families");
const pictures = join(root, "docs/guides/pictures");
const folder = mkdtempSync(join(tmpdir(), "guide-pictures-"));
for (const name of readdirSync(examples)) {
  const { status } = spawnSync(process.execPath, [join(examples, name), folder], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
}
for (const name of readdirSync(folder).filter((name) => name.endsWith(".svg"))) {
  copyFileSync(join(folder, name), join(pictures, name));
}
rmSync(folder, { recursive: true });
