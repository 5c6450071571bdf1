// The program with other programs: closed pipes, full devices, rows that arrive slowly, and signals.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { ended, runHere, runLine, runShell, start, temporaryFolder, written } from "./program.ts";

const folder = temporaryFolder();
const inFolder = (name: string) => join(folder, name);
const isUnix = process.platform !== "win32";

beforeAll(async () => {
  const rows = Array.from({ length: 40 }, (_, i) => [i % 7, (i * i) % 11, (i * 5) % 13].join());
  writeFileSync(inFolder("data.csv"), `a,b,c\n${rows.join("\n")}\n`);
  expect((await runLine(folder, "train data.csv -o m.st -e 2 -q")).code).toBe(0);
  expect((await runLine(folder, "train data.csv --detector -o d.st -q")).code).toBe(0);
});

/** The training steps of the model in a file. Throws if the file is not complete. */
function steps(name: string): number {
  const { training } = decodeSafetensors(readFileSync(inFolder(name))).metadata;
  return (JSON.parse(training ?? "{}") as { stepCount: number }).stepCount;
}

describe("rows that arrive slowly", () => {
  test("are answered one by one, including the first", async () => {
    const child = start(folder, ["score", "m.st", "-", "--json"]);
    const result = ended(child);
    for (let row = 0; row < 3; row++) {
      const answered = written(child.stdout, `{"row":${row},`);
      child.stdin?.write(`1,2,${row}\n`);
      await answered; // or the test never ends
    }
    child.stdin?.end();
    expect(await result).toMatchObject({ code: 0, err: "" });
  });

  test("are also answered one by one after a header and by reconstruct", async () => {
    const child = start(folder, ["reconstruct", "m.st", "-"]);
    const result = ended(child);
    let answered = written(child.stdout, "a,b,c\n");
    child.stdin?.write("b,c,a\n2,3,1\n");
    await answered;
    answered = written(child.stdout, "\n");
    child.stdin?.write("3,4,2\n");
    await answered;
    child.stdin?.end();
    expect((await result).out.split("\n")).toHaveLength(4);
  });

  test("end the program at a wrong row, although the pipe is still open", async () => {
    const child = start(folder, ["score", "m.st", "-"]);
    const result = ended(child);
    child.stdin?.write("1,2,3\n1,x,3\n");
    expect(await result).toMatchObject({
      code: 1,
      err: 'tied-autoencoder: standard input: line 2, column 2: expected a number, got "x"\n',
    });
  });
});

describe.skipIf(!isUnix || !existsSync("/dev/full"))("streams that fail", () => {
  test("results that cannot be written are an error", async () => {
    for (const line of [
      "info m.st",
      "evaluate m.st data.csv",
      "--help",
      "score m.st data.csv",
      "detect d.st data.csv -q",
      "detect d.st data.csv -q --json",
    ]) {
      const { code, err } = await runShell(folder, `tied-autoencoder ${line} > /dev/full`);
      expect(code).toBe(1);
      expect(err).toMatch(/^.*the standard output: no space left on the device.*\n$/);
    }
  });

  test("messages for people that cannot be written are ignored", async () => {
    const train = "tied-autoencoder train data.csv -e 400 -o";
    const [piped, full, events] = await Promise.all([
      runShell(folder, `(${train} piped.st 2>&1; echo $? >code) | head -1`),
      runShell(folder, `${train} full.st 2>/dev/full`),
      runShell(folder, `${train} events.st --json >/dev/full`),
    ]);
    expect([piped.code, full.code, events.code]).toEqual([0, 0, 0]);
    expect(readFileSync(inFolder("code"), "utf8")).toBe("0\n");
    for (const name of ["piped.st", "full.st", "events.st"]) expect(steps(name)).toBe(800);
  });
});

describe.skipIf(!isUnix)("named pipes", () => {
  beforeAll(() => execFileSync("mkfifo", ["in", "out"].map(inFolder)));

  test("without a reader do not delay signals", async () => {
    const lines = ["score m.st in", "score m.st data.csv -o out"];
    await Promise.all(
      lines.map(async (line) => {
        const child = start(folder, line.split(" "));
        const result = ended(child);
        await wait(2000);
        child.kill("SIGTERM");
        const { code, err } = await result; // or the test never ends
        expect([143, null]).toContain(code); // null: on a very busy machine it may not listen yet
        expect(err).toBe("");
      }),
    );
  });

  test("work for input and output", async () => {
    const { out } = await runShell(
      folder,
      "cat data.csv > in & tied-autoencoder score m.st in -o out & cat out",
    );
    expect(out).toBe((await runLine(folder, "score m.st data.csv")).out);
  });
});

describe.skipIf(!isUnix)("signals", () => {
  test("end training after the current step, save, and set the exit code", async () => {
    const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;
    await Promise.all(
      Object.entries(signals).map(async ([signal, code]) => {
        const line = `train data.csv -e 1000000 -o ${signal}.st --json`;
        const child = start(folder, line.split(" "));
        const result = ended(child);
        await written(child.stdout, '"event":"epoch"');
        child.kill(signal as NodeJS.Signals);
        child.kill(signal as NodeJS.Signals); // a second signal is harmless
        expect((await result).code).toBe(code);
        expect(steps(`${signal}.st`)).toBeGreaterThan(0);
      }),
    );
  });

  test("a model is saved at intervals, in the middle of an epoch, and continues from there", async () => {
    const rows = Array.from({ length: 8000 }, (_, i) => [i % 7, (i * i) % 11, (i * 5) % 13]);
    writeFileSync(inFolder("long.csv"), rows.map((row) => `${row.join()}\n`).join(""));
    const options = "--columns 1-3 -b 1 -e 3 --simd baseline";
    const whole = await runLine(folder, `train long.csv ${options} -o whole.st -q`);
    expect(whole.code).toBe(0);
    const line = `train long.csv ${options} -o cut.st --autosave .02 --json`;
    const child = start(folder, line.split(" "));
    const result = ended(child);
    while (!existsSync(inFolder("cut.st"))) await wait(5);
    child.kill("SIGKILL");
    await result;
    expect(steps("cut.st") % 8000).toBeGreaterThan(0);
    const resumed = await runHere(folder, ["train", "long.csv", "-o", "cut.st", "--resume", "-q"]);
    expect(resumed).toMatchObject({ code: 0, err: "" });
    const tensors = (name: string) => decodeSafetensors(readFileSync(inFolder(name))).tensors;
    expect(tensors("cut.st")).toEqual(tensors("whole.st"));
  });
});
