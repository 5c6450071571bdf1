// Training that is disturbed at random moments, on the built package: in this host, and in others that
// `npm run test:hosts` has installed. test/browser/training.test.ts does the same in browsers.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SECONDS, SEED } from "./support.ts";

const program = join(import.meta.dirname, "races-program.mjs");
const installed = (path: string) => join(import.meta.dirname, "../runtime/node_modules", path);

const HOSTS: Record<string, string[]> = {
  [`node ${process.versions.node}`]: [process.execPath],
  "node 22": [installed("node22/bin/node")],
  "node 24": [installed("node24/bin/node")],
  "node 26": [installed("node26/bin/node")],
  deno: [installed("@deno/linux-x64-glibc/deno"), "run", "-A", "--no-remote"],
  bun: [installed("@oven/bun-linux-x64/bin/bun"), "run"],
};

test.each(Object.entries(HOSTS))("races in %s", (name, [command = "", ...args]) => {
  if (!existsSync(command)) {
    console.log(`skipped: ${name} is not installed; npm run test:hosts installs it`);
    return;
  }
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" };
  const words = [...args, program, String(SECONDS), String(SEED)];
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: "utf8", env });
  expect(stderr.replace(/^.*Warning.*$/gm, "").trim()).toBe("");
  expect(status).toBe(0);
  console.log(`${name}: ${stdout.trim()}`);
});
