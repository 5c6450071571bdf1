// Training with more rows than memory that is killed, gets signals or finds its disk full at random moments. Nothing but a
// complete model is left in the folder.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { encodeNpy } from "../../src/formats/npy.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { ended, run, start, temporaryFolder } from "../cli/program.ts";
import { SECONDS } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 + 2000 * SECONDS });
const folder = temporaryFolder("disk");
const isUnix = process.platform !== "win32";

/** 4 MB of rows. */
const ROWS = 20_000;
const data = Float32Array.from({ length: ROWS * 50 }, (_, i) => Math.sin(i * 1.3));
const npy = encodeNpy({ shape: [ROWS, 50], data });
writeFileSync(join(folder, "rows.npy"), npy);
const options = ["--memory", "1", "--layers", "8", "--autosave", ".2", "--force"];

test.skipIf(!isUnix).each<NodeJS.Signals>(["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])(
  "%s at any moment leaves no rows, and no part of a model",
  async (signal) => {
    const place = join(folder, signal);
    mkdirSync(place);
    const end = performance.now() + (SECONDS * 1000) / 2;
    let runs = 0;
    for (; performance.now() < end || runs < 3; runs++) {
      const isPiped = runs % 2 === 1;
      const words = ["train", isPiped ? "-" : "../rows.npy", "-o", "m.st", "-e", "100000"];
      const child = start(place, [...words, ...options]);
      const result = ended(child);
      // The pipe stays open, so that the rows are being copied when the signal comes.
      if (isPiped) child.stdin?.write(npy.subarray(0, 3_000_000));
      await wait(150 + Math.random() * 700);
      child.kill(signal);
      const { code, err } = await result;
      expect(code === null || code > 128, err).toBe(true);
      // A kill during a save may leave its temporary file, which the next save removes.
      const names = readdirSync(place).filter((name) => signal !== "SIGKILL" || !isSave(name));
      expect(names.filter((name) => name !== "m.st")).toEqual([]);
      if (!names.includes("m.st")) continue;
      (await TiedAutoencoder.load(readFileSync(join(place, "m.st")))).dispose();
      rmSync(join(place, "m.st"));
    }
    console.log(`${signal}: ${runs} runs`);
  },
);

const isSave = (name: string) => name.endsWith(".tmp") && !name.includes("rows");

const disk = join(folder, "disk");
mkdirSync(disk);
const canMount = isUnix && mountsSmallDisk();

function mountsSmallDisk(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount)("a disk that is too small for the rows", () => {
  test("is named, and gets its room back", async () => {
    try {
      for (const output of [join(disk, "m.st"), "/dev/null"]) {
        const words = ["train", "rows.npy", "-o", output, "-e", "1", ...options];
        const child = start(folder, words, { TMPDIR: disk });
        child.stdin?.end();
        const { code, err } = await ended(child);
        expect(code).toBe(1);
        expect(err).toBe(
          `tied-autoencoder: ${disk}: no space left on the device; the rows take more than --memory and are kept on disk in this folder\n`,
        );
        expect(readdirSync(disk)).toEqual([]);
        writeFileSync(join(disk, "large"), new Uint8Array(1_900_000));
        rmSync(join(disk, "large"));
      }
      const inMemory = ["train", "rows.npy", "-o", join(disk, "m.st"), "-e", "1", "-q"];
      expect(await run(folder, inMemory)).toMatchObject({ code: 0, err: "" });
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
