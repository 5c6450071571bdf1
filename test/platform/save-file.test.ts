// Saving a file is atomic, and keeps links, owner and mode.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { discardAllSync, openReplacement, saveFile } from "../../src/platform/save-file.ts";

const root = mkdtempSync(join(tmpdir(), "save-file-"));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
/** A separate folder: leftovers are looked for once a folder. */
function folder(): string {
  const path = join(root, String(count++));
  mkdirSync(path);
  return path;
}

const text = (path: string) => readFileSync(path, "utf8");

describe("saveFile", () => {
  test("writes all pieces to a file, and leaves no other file", async () => {
    const place = folder();
    await saveFile(join(place, "a"), ["one ", new TextEncoder().encode("two")]);
    expect(text(join(place, "a"))).toBe("one two");
    expect(readdirSync(place)).toEqual(["a"]);
  });

  test("the old content stays until the commit, and after a discard", async () => {
    const path = join(folder(), "a");
    writeFileSync(path, "old");
    const first = await openReplacement(path);
    await first.write("new");
    expect(text(path)).toBe("old");
    await first.discard();
    expect(text(path)).toBe("old");
    const second = await openReplacement(path);
    await second.write("___er");
    await second.writeStart(new TextEncoder().encode("new"));
    await second.commit();
    await second.discard();
    expect(text(path)).toBe("newer");
    expect(readdirSync(join(path, ".."))).toEqual(["a"]);
  });

  test("a process that is about to end removes its temporary files", async () => {
    const place = folder();
    const replacement = await openReplacement(join(place, "a"));
    await replacement.write("half");
    expect(readdirSync(place)).toHaveLength(1);
    discardAllSync();
    expect(readdirSync(place)).toEqual([]);
    await replacement.discard();
  });

  test("accepts the longest names of the file system", async () => {
    const path = join(folder(), "n".repeat(255));
    await saveFile(path, ["long"]);
    expect(text(path)).toBe("long");
  });

  test.skipIf(process.platform === "win32")("keeps the mode", async () => {
    const path = join(folder(), "a");
    writeFileSync(path, "old");
    chmodSync(path, 0o640);
    await saveFile(path, ["new"]);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(text(path)).toBe("new");
  });

  test.skipIf(process.getuid?.() !== 0)("keeps owner and group where it may", async () => {
    const path = join(folder(), "a");
    writeFileSync(path, "old");
    chownSync(path, 1234, 1235);
    await saveFile(path, ["new"]);
    const { uid, gid } = statSync(path);
    expect([uid, gid]).toEqual([1234, 1235]);
  });

  test("follows links to the file, which need not exist", async () => {
    const place = folder();
    mkdirSync(join(place, "far"));
    writeFileSync(join(place, "far/there"), "old");
    symlinkSync("far/there", join(place, "one"));
    symlinkSync("one", join(place, "two"));
    symlinkSync("far/not-yet", join(place, "dangling"));
    await saveFile(join(place, "two"), ["new"]);
    await saveFile(join(place, "dangling"), ["made"]);
    expect(text(join(place, "far/there"))).toBe("new");
    expect(text(join(place, "far/not-yet"))).toBe("made");
    for (const link of ["one", "two", "dangling"]) {
      expect(lstatSync(join(place, link)).isSymbolicLink()).toBe(true);
    }
    symlinkSync("loop", join(place, "loop"));
    await expect(saveFile(join(place, "loop"), [""])).rejects.toMatchObject({ code: "ELOOP" });
  });

  test("another name of the same file keeps the old content", async () => {
    const place = folder();
    writeFileSync(join(place, "a"), "old");
    linkSync(join(place, "a"), join(place, "backup"));
    await saveFile(join(place, "a"), ["new"]);
    expect([text(join(place, "a")), text(join(place, "backup"))]).toEqual(["new", "old"]);
  });

  test("refuses folders, and missing folders", async () => {
    const place = folder();
    await expect(saveFile(place, [""])).rejects.toMatchObject({ code: "EISDIR" });
    const missing = join(place, "not/here");
    await expect(saveFile(missing, [""])).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("leftovers", () => {
  /** The name that a process of this machine would give its temporary file. */
  async function leftover(place: string, pid: number | string, machine?: string): Promise<string> {
    const probe = await openReplacement(join(place, "probe"));
    const [name] = readdirSync(place);
    await probe.discard();
    const [, here] = /^\.tied-autoencoder-([0-9a-f]+)-/.exec(name as string) ?? [];
    return `.tied-autoencoder-${machine ?? here}-${pid}-0123456789abcdef.tmp`;
  }

  /** Saves into a folder with an old temporary file, and returns whether that file still exists. */
  async function survives(pid: number | string, machine?: string, age = 0): Promise<boolean> {
    const name = await leftover(folder(), pid, machine);
    const place = folder();
    const path = join(place, name);
    writeFileSync(path, "half");
    const then = Date.now() / 1000 - age;
    utimesSync(path, then, then);
    await saveFile(join(place, "a"), ["new"]);
    return existsSync(path);
  }

  test("of processes that are dead are removed at the next save", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    expect(await survives(pid)).toBe(false);
    expect(await survives(process.pid)).toBe(false); // an earlier process with the same id
  });

  test("of living processes are not removed", async () => {
    expect(await survives(process.ppid)).toBe(true);
  });

  test("of other machines are removed after a day", async () => {
    expect(await survives(1, "00000000", 3600)).toBe(true);
    expect(await survives(1, "00000000", 90_000)).toBe(false);
  });
});
