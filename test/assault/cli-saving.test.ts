// Training that is killed, gets signals or loses its disk at random moments. The model's file is always complete and never
// older than the last reported save, and leftover files are removed.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { ended, jsonLines, run, start, temporaryFolder, written } from "../cli/program.ts";

const SECONDS = Number(process.env.ASSAULT_SECONDS ?? 15);
vi.setConfig({ testTimeout: 60_000 + 2000 * SECONDS });
const folder = temporaryFolder("disk");
const isUnix = process.platform !== "win32";

/** A model of 0.4 million weights. Writing its file of 5 MB takes long enough for a signal to arrive during it. */
const WIDE = ["--layers", "128", "--scale", "none", "-b", "16", "--simd", "baseline"];

beforeAll(() => {
  const rows = Array.from({ length: 64 }, (_, i) =>
    Array.from({ length: 3000 }, (_, j) => ((i * 37 + j * 91) % 101) / 100),
  );
  const csv = (table: number[][]) => table.map((row) => `${row.join()}\n`).join("");
  writeFileSync(join(folder, "wide.csv"), csv(rows));
  writeFileSync(join(folder, "narrow.csv"), csv(rows.map((row) => row.slice(0, 8))));
});

/** Steps of the model in a file, which must be complete. */
async function stepsOf(path: string): Promise<number> {
  const model = await TiedAutoencoder.load(readFileSync(path));
  const steps = model.stepCount;
  model.dispose();
  return steps;
}

const leftovers = (place: string) => readdirSync(place).filter((name) => name.endsWith(".tmp"));

/** Repeats `round` for the available time. Returns the number of rounds. */
async function repeatedly(round: (number: number) => Promise<void>): Promise<number> {
  const end = performance.now() + SECONDS * 1000;
  let rounds = 0;
  for (; performance.now() < end; rounds++) await round(rounds);
  return rounds;
}

const random = (low: number, high: number) => low + Math.random() * (high - low);

describe("kill -9", () => {
  test("leaves the old model or the new one, and the next save removes leftover files", async () => {
    const place = join(folder, "killed");
    mkdirSync(place);
    const path = join(place, "m.st");
    let before = 0;
    let hit = 0;
    const rounds = await repeatedly(async (number) => {
      const again = number === 0 ? [] : ["--resume"];
      const options = number === 0 ? WIDE : ["--simd", "baseline"];
      const words = ["../wide.csv", "-o", "m.st", "-e", "100000", "--autosave", ".01", ...again];
      const child = start(place, ["train", ...words, ...options, "--json"]);
      const result = ended(child);
      while (number === 0 && !existsSync(path) && child.exitCode === null) await wait(20);
      await wait(random(600, 2500));
      child.kill("SIGKILL");
      const { out, err } = await result;
      expect(err).toBe("");
      const after = await stepsOf(path);
      expect(after).toBeGreaterThanOrEqual(before);
      const reported = [...out.matchAll(/"event":"autosave",.*"steps":(\d+)\}/g)].at(-1)?.[1];
      expect(after).toBeGreaterThanOrEqual(Number(reported ?? 0));
      before = after;
      expect(leftovers(place).length).toBeLessThanOrEqual(1); // only that of the last run; earlier ones are removed
      hit += leftovers(place).length;
    });
    console.log(`${rounds} kills, ${hit} of them in a save, ${before} steps`);
    const last = ["../wide.csv", "-o", "m.st", "--resume", "--max-seconds", ".1", "-q"];
    expect(await run(place, ["train", ...last])).toMatchObject({ code: 0, err: "" });
    expect(readdirSync(place)).toEqual(["m.st"]);
    expect(await stepsOf(path)).toBeGreaterThan(before);
  });
});

describe.skipIf(!isUnix)("signals", () => {
  const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;

  test("save the model, also during a save and more than once", async () => {
    const place = join(folder, "signalled");
    mkdirSync(place);
    const rounds = await repeatedly(async (number) => {
      const name = `m${number}.st`;
      const [signal, code] = Object.entries(SIGNALS)[number % 4] as [NodeJS.Signals, number];
      const words = ["train", "../wide.csv", "-o", name, "-e", "100000", "--autosave", ".05"];
      const child = start(place, [...words, ...WIDE, "--json"]);
      const result = ended(child);
      await written(child.stdout, '"event":"step"');
      await wait(random(0, 400));
      child.kill(signal);
      for (let i = 0; i < 3; i++) {
        await wait(random(0, 60)); // about the duration of the final save
        child.kill(signal);
      }
      const { code: got, out } = await result;
      // A signal after the save, while the program ends, is handled by the system. The shell reports the same.
      expect(got ?? code).toBe(code);
      const saved = jsonLines(out).at(-1);
      expect(saved).toMatchObject({ event: "saved", complete: false });
      expect(await stepsOf(join(place, name))).toBe(saved?.steps);
      expect(leftovers(place)).toEqual([]);
      rmSync(join(place, name));
    });
    console.log(`${rounds} runs ended by signals`);
  });

  test("during the last save of a complete run change only the exit code", async () => {
    for (let round = 0; round < 6; round++) {
      const words = ["train", "wide.csv", "-o", "done.st", "-e", "2", "--force"];
      const child = start(folder, [...words, ...WIDE, "--json"]);
      const result = ended(child);
      await written(child.stdout, '"epoch":2,"epochs":2');
      await wait(random(0, 40));
      child.kill("SIGINT");
      const { code, out } = await result;
      // A signal after the save, while the program ends, is handled by the system. The shell reports 130.
      expect([130, 0]).toContain(code ?? 130);
      expect(jsonLines(out).at(-1)).toMatchObject({ event: "saved", steps: 8 });
      expect(await stepsOf(join(folder, "done.st"))).toBe(8);
    }
  });
});

describe.skipIf(!isUnix)("a closed standard error", () => {
  test("does not change the result, at any moment", async () => {
    const words = "train narrow.csv -e 3000 -b 8 -o lost.st --simd baseline";
    for (let round = 0; round < 4; round++) {
      const child = start(folder, words.split(" "));
      child.stdout?.resume();
      const closed = new Promise((resolve) => child.on("exit", resolve));
      await wait(random(0, 1200));
      child.stderr?.destroy();
      expect(await closed).toBe(0);
      expect(await stepsOf(join(folder, "lost.st"))).toBe(3000 * 8);
    }
  });
});

describe("a folder that is removed", () => {
  test("loses no model: it is saved in another folder, which the message names", async () => {
    const place = join(folder, "here");
    mkdirSync(place);
    mkdirSync(join(place, "gone"));
    const words = "train ../narrow.csv -e 1000000 -b 8 -o gone/m.st --autosave .1";
    const child = start(place, words.split(" "));
    child.stdout?.resume();
    const result = ended(child);
    await written(child.stderr, "epoch ");
    const told = written(
      child.stderr,
      "warning: the model could not be saved: gone/m.st: no such file or folder",
    );
    // In one step, because the program may make a file in the folder at any time.
    renameSync(join(place, "gone"), join(folder, "gone"));
    await told;
    child.kill("SIGTERM");
    const { code, err } = await result;
    expect(code).toBe(1);
    const [, rescued] = /The model is saved in (\S+)\. /.exec(err) ?? [];
    expect(await stepsOf(rescued as string)).toBeGreaterThan(0);
    expect(readdirSync(place)).toHaveLength(1);
  });
});

const disk = join(folder, "disk");
const mount = () => execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
const unmount = () => execFileSync("umount", [disk]);
const canMount = isUnix && mountsSmallDisks();
if (!canMount) console.log("no small disk could be mounted: full disks are not tried");

function mountsSmallDisks(): boolean {
  mkdirSync(disk);
  try {
    mount();
    unmount();
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount)("a full disk", () => {
  beforeAll(() => void mount());
  afterAll(() => void unmount());

  const fill = (kilobytes: number) => {
    for (let i = 0; i < kilobytes; i++) {
      try {
        writeFileSync(join(disk, `fill${i}`), new Uint8Array(1024));
      } catch {
        return; // full
      }
    }
  };
  const free = () => {
    for (const name of readdirSync(disk)) if (name.startsWith("fill")) rmSync(join(disk, name));
  };
  /** An environment in which all folders that the program tries are on this disk. */
  const onlyHere = { HOME: disk, TMPDIR: disk };

  test("during training is reported, and a later save works when there is space", async () => {
    const line = "train ../narrow.csv -e 1000000 -b 8 -o m.st --autosave .2";
    const child = start(disk, line.split(" "), onlyHere);
    child.stdout?.resume();
    const result = ended(child);
    while (!existsSync(join(disk, "m.st"))) await wait(20);
    const told = written(child.stderr, "m.st: no space left on the device. Training continues");
    fill(1000);
    await told;
    const again = written(child.stderr, "Saved m.st again.");
    free();
    await again;
    child.kill("SIGTERM");
    expect((await result).code).toBe(143);
    expect(await stepsOf(join(disk, "m.st"))).toBeGreaterThan(0);
    expect(leftovers(disk)).toEqual([]);
    rmSync(join(disk, "m.st"));
  });

  test("at the end makes the process wait, which keeps the model", async () => {
    const line = "train ../narrow.csv -e 1000000 -b 8 -o m.st --autosave 0 --max-seconds .5";
    fill(1000); // the program makes an empty file at its start, and this needs no room
    const child = start(disk, line.split(" "), onlyHere);
    child.stdout?.resume();
    const result = ended(child);
    await written(child.stderr, "Nothing is lost yet");
    free();
    expect((await result).code).toBe(0);
    const { training } = decodeSafetensors(readFileSync(join(disk, "m.st"))).metadata;
    expect(training).toBeDefined();
    rmSync(join(disk, "m.st"));
  });

  test("at the end: a signal ends the wait with its exit code", async () => {
    const line = "train ../narrow.csv -e 1000000 -b 8 -o m.st --autosave 0 --max-seconds .5";
    fill(1000); // the program makes an empty file at its start, and this needs no room
    const child = start(disk, line.split(" "), onlyHere);
    child.stdout?.resume();
    const result = ended(child);
    await written(child.stderr, "Nothing is lost yet");
    child.kill("SIGTERM");
    const { code, err } = await result;
    expect(code).toBe(1);
    expect(err).toContain("m.st: no space left on the device; the model is lost");
    free();
    expect(readdirSync(disk)).toEqual([]);
  });
});
