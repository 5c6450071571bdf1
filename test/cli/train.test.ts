// Training from the command line: defaults, Ctrl-C and continuing. The model equals the one that the library
// makes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeNpy } from "../../src/formats/npy.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { jsonLines, run, runLine, temporaryFolder } from "./program.ts";

const folder = temporaryFolder();
const digits = new URL("../../examples/data/optdigits.csv", import.meta.url);
const inFolder = (name: string) => join(folder, name);
const pixels = ["--columns", "1-64"];

beforeAll(() => writeFileSync(inFolder("digits.csv"), readFileSync(digits)));

/** A model's file with parsed metadata, because the order of keys does not matter. */
function contents(name: string) {
  const { tensors, metadata } = decodeSafetensors(readFileSync(inFolder(name)));
  const { format, version, ...json } = metadata;
  const parsed = Object.entries(json).map(([key, text]) => [key, JSON.parse(text)]);
  return { tensors, format, version, ...Object.fromEntries(parsed) };
}

test("warns of a model that has learned nothing, and not of others", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => `${i % 10},${(i % 10) * 2},${i % 10}`);
  writeFileSync(join(folder, "dead.csv"), `a,b,c\n${rows.join("\n")}\n`);
  const line = "train dead.csv --layers 1 --activation linear -o dead.safetensors -q --force";
  const dead = await runLine(folder, `${line} -e 100 --learning-rate .01 --l2 10`);
  const alive = await runLine(folder, `${line} -e 60 --learning-rate .01`);
  expect([dead.code, dead.err]).toEqual([
    0,
    expect.stringContaining("dead.safetensors has learned nothing: it answers every row alike"),
  ]);
  expect([alive.code, alive.err]).toEqual([0, ""]);
});

describe("train", () => {
  test("chooses defaults for open options, and reports them", async () => {
    const { err } = await run(folder, ["train", "digits.csv", ...pixels, "-e", "1"]);
    expect(err).toMatch(/^data +1,797 rows of 64, from 0 to 16 {2}\(csv, read in [\d.]+ s\)$/m);
    expect(err).toMatch(/^scale +0:16 {2}\(whole numbers in many columns/m);
    expect(err).toMatch(/^layers +64,16 /m);
    expect(err).toMatch(/^training +1 epochs of 57 steps, 32 rows a step, learning rate 0.001$/m);
    expect(err).toMatch(/^loss [\d.]+, 57 steps in [\d.]+ s; saved model.safetensors$/m);
    for (const line of err.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const info = await run(folder, ["info", "model.safetensors"]);
    expect(info.out).toMatch(/^columns +p0, p1, /m);
  });

  test("is bit-identical to fit of the library", async () => {
    const words =
      "--layers 64,24,8 --activation tanh --loss huber:delta=.5 --seed 7 --simd baseline";
    const more =
      "--optimizer adamw:beta1=.8,clipNorm=1 -l .003 --dropout .1 --noise gaussian:std=.1";
    const rest = "--schedule cosine --validation .2 -e 2 -b 50 --scale minMax -o own.st -q";
    const line = `train digits.csv --columns 1-64 ${words} ${more} ${rest}`;
    expect(await run(folder, line.split(" "))).toMatchObject({ code: 0, err: "" });

    const rows = readFileSync(digits, "utf8").trim().split("\n").slice(1);
    const x = rows.map((row) => row.split(",").slice(0, 64).map(Number));
    const model = await TiedAutoencoder.create({
      layers: [64, 24, 8],
      activation: "tanh",
      loss: { type: "huber", delta: 0.5 },
      seed: 7,
      simd: "baseline",
      optimizer: { type: "adamw", beta1: 0.8, clipNorm: 1, learningRate: 0.003 },
      dropout: 0.1,
      scaler: "minMax",
    });
    await model.fit(x, {
      epochs: 2,
      batchSize: 50,
      corruption: { type: "gaussian", std: 0.1 },
      schedule: { type: "cosine", tMax: 2 * Math.ceil(1438 / 50) },
      validationSplit: 0.2,
    });
    const made = await TiedAutoencoder.load(readFileSync(inFolder("own.st")), { simd: "baseline" });
    expect(made.config).toEqual(model.config);
    expect(made.weights()).toEqual(model.weights());
  });

  test("threads change only the time", async () => {
    for (const threads of ["1", "2"]) {
      const line = `train digits.csv -c 1-64 -e 1 -b 256 --threads ${threads} -o threads${threads}.st`;
      expect((await run(folder, line.split(" "))).code).toBe(0);
    }
    expect(contents("threads2.st")).toEqual(contents("threads1.st"));
  });

  test("missing values are left out on request, also from validation files", async () => {
    writeFileSync(inFolder("gaps.csv"), "a,b\n1,2\n,4\n3,6\n4,NaN\n");
    writeFileSync(inFolder("more.csv"), "b,a\n4,2\n,1\n");
    const line = "train gaps.csv --missing mask -e 3 --validation more.csv --json -o gaps.st";
    const { code, out } = await run(folder, line.split(" "));
    expect(code).toBe(0);
    const epochs = jsonLines(out).filter(({ event }) => event === "epoch");
    expect(epochs).toHaveLength(3);
    for (const { valLoss } of epochs) expect(valLoss).toBeGreaterThan(0);
  });
});

describe("Ctrl-C", () => {
  const words = ["train", "digits.csv", ...pixels, "-e", "60", "--simd", "baseline", "--json"];
  const options = ["--early-stopping", "patience=50,restoreBest", "--validation", ".1"];

  test("saves and prints how to continue, and the result equals that of a run without a stop", async () => {
    const whole = run(folder, [...words, ...options, "-o", "whole.st"]);
    let stopped = false;
    const first = await run(folder, [...words, ...options, "-o", "cut.st"], "", (text, child) => {
      if (stopped || !text.includes('"epoch":3,')) return;
      stopped = true;
      child.kill("SIGINT");
    });
    expect(first.code).toBe(130);
    const saved = jsonLines(first.out).at(-1) as { steps: number };
    expect(saved).toMatchObject({ event: "saved", file: "cut.st", complete: false });
    expect(saved.steps).toBeLessThan(60 * 51);

    const second = await run(folder, ["train", "digits.csv", "-o", "cut.st", "--resume", "-q"]);
    expect(second).toMatchObject({ code: 0, err: "" });
    expect((await whole).code).toBe(0);
    expect(contents("cut.st")).toEqual(contents("whole.st"));

    const third = await run(folder, ["train", "digits.csv", "-o", "cut.st", "--resume"]);
    expect(third.err).toMatch(/The run has had its 60 epochs\. For more:\n.*--epochs 120\n/);
  });

  test("--max-seconds ends a run before its end and saves it", async () => {
    const words = ["train", "-", ...pixels, "-e", "100000", "-o", "long.st"];
    const limited = [...words, "--max-seconds", "0.2"];
    const { err, code } = await run(folder, limited, readFileSync(digits));
    expect(code).toBe(0);
    expect(err).toMatch(/steps in [\d.]+ s; saved long\.st/);
  });

  test("SIGTERM has the same effect", async () => {
    const long = ["train", "digits.csv", ...pixels, "-e", "100000", "-o", "term.st", "--json"];
    let stopped = false; // a second signal would end waiting at once
    const { code, out } = await run(folder, long, "", (text, child) => {
      if (stopped || !text.includes('"event":"epoch"')) return;
      stopped = true;
      child.kill("SIGTERM");
    });
    expect(code).toBe(143);
    expect(jsonLines(out).at(-1)).toMatchObject({ event: "saved", complete: false });
  });
});

describe("with more rows than --memory", () => {
  const line = "train digits.csv --columns 1-64 -e 3 -q --force";

  test("the order of the file gives the same bits as in memory", async () => {
    await runLine(folder, `${line} --no-shuffle -o whole.st`);
    await runLine(folder, `${line} --no-shuffle --memory .1 -o parts.st`);
    expect(contents("parts.st").tensors).toEqual(contents("whole.st").tensors);
  });

  test.each([
    "--scale standard",
    "--scale minMax --loss bce --missing mean --validation .2",
    "--missing mask --noise gaussian:std=.1 --schedule cosine",
    "--scale standard --validation .1 --early-stopping patience=1,minDelta=.5,restoreBest",
    "--code gaussian --dropout .1 --micro-batches 3",
    "--batch-size 9007199254740991",
  ])("so it does with %s", async (options) => {
    await runLine(folder, `${line} --no-shuffle ${options} -o whole.st`);
    await runLine(folder, `${line} --no-shuffle ${options} --memory .1 -o parts.st`);
    expect(contents("parts.st").tensors).toEqual(contents("whole.st").tensors);
  });

  test("--resume refuses the same numbers of another type, because their order would differ", async () => {
    const numbers = Float64Array.from({ length: 3000 }, (_, i) => (i * i) % 97);
    const file = (name: string, data: Float32Array | Float64Array) =>
      writeFileSync(inFolder(name), encodeNpy({ shape: [1000, 3], data }));
    file("doubles.npy", numbers);
    file("singles.npy", Float32Array.from(numbers));
    await runLine(folder, "train doubles.npy --memory .01 -e 1 -q -o typed.st");
    const other = await runLine(folder, "train singles.npy --resume -e 2 -q -o typed.st");
    expect(other.code).toBe(1);
    expect(other.err).toContain(
      "its numbers are the same, but the rows are on disk, with 4 bytes a number, and then they were on disk, with 8 bytes a number",
    );
    const same = await runLine(folder, "train doubles.npy --resume -e 2 -q -o typed.st");
    expect(same).toMatchObject({ code: 0, err: "" });
  });

  test("a number that float32 cannot hold is refused before training, by its place", async () => {
    const data = Float64Array.from({ length: 3000 }, (_, i) => (i === 2999 ? 1e300 : Math.sin(i)));
    writeFileSync(inFolder("large.npy"), encodeNpy({ shape: [1000, 3], data }));
    for (const memory of [".01", "1"]) {
      const { err } = await runLine(folder, `train large.npy --memory ${memory} -o no.st`);
      expect(err).toContain(
        "large.npy: row 1000, column 3: training wants numbers below 3.4e38, this one is 1e+300",
      );
    }
  });

  test("a cut run and --resume give the model of a run without a cut", async () => {
    const disk = `${line.replace("-e 3", "-e 40")} --memory .1 --validation .1 --schedule oneCycle`;
    expect(await runLine(folder, `${disk} -o long.st`)).toMatchObject({ code: 0, err: "" });
    await runLine(folder, `${disk} -o cut-disk.st --max-seconds .000001`); // the shortest time: some steps
    const cut = contents("cut-disk.st").training.stepCount;
    const resumed = await runLine(folder, "train digits.csv -o cut-disk.st --resume -q");
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect(cut).toBeLessThan(contents("long.st").training.stepCount);
    expect(contents("cut-disk.st")).toEqual(contents("long.st"));
  });

  test("a resumed run must have the rows in the same order", async () => {
    await runLine(folder, `${line} --memory .1 -o order.st`);
    for (const option of ["--memory 5", "--batch-size 7", "--no-shuffle"]) {
      const { code, err } = await runLine(
        folder,
        `train digits.csv -o order.st --resume -e 5 ${option}`,
      );
      expect(code).toBe(2);
      const began = { "--memory 5": "--memory 0.1", "--batch-size 7": "--batch-size 32" }[option];
      expect(err).toContain(
        `The run in order.st began ${began ? `with ${began}` : "without --no-shuffle"}, and`,
      );
    }
  });

  test("says where the rows are, and what does not fit", async () => {
    const { out } = await runLine(folder, `${line.replace("-q", "--json")} --memory .1 -o json.st`);
    expect(jsonLines(out).find(({ event }) => event === "data")).toMatchObject({ onDisk: true });
    const large = await runLine(folder, `${line} --memory .1 --validation .5 -o no.st`);
    expect(large.err).toContain(
      "--validation 0.5 comes to 898 rows of 0.2299 MB in all, and they are kept in memory. The 1,797 rows have 0.46 MB, and --memory is 0.1 MB.",
    );
    const drawn = await runLine(
      folder,
      `${line} --memory .1 --validation .1 --validation-shuffle -o no.st`,
    );
    expect(drawn.err).toContain("--validation-shuffle draws from rows in memory.");
  });

  test("values that training refuses are named by their line", async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i % 7},${i === 4321 ? "" : i % 5}`);
    writeFileSync(join(folder, "gap.csv"), `a,b\n${rows.join("\n")}\n`);
    const { err } = await runLine(folder, "train gap.csv --memory .01 -o no.st");
    expect(err).toContain('gap.csv: line 4323, column 2 ("b"): no value here');
    const bce = await runLine(
      folder,
      "train gap.csv --memory .01 -o no.st --loss bce --scale none --missing mask",
    );
    expect(bce.err).toContain("line 4, column 1");
  });

  test("starts from the principal components of random rows", async () => {
    const { code } = await runLine(folder, `${line} --memory .1 --initializer pca -o pca.st`);
    expect(code).toBe(0);
    await runLine(folder, `${line} -o plain.st`);
    const last = (name: string) => contents(name)["command-line"].losses.history.loss.at(-1);
    expect(last("pca.st")).toBeLessThan(last("plain.st"));
  });
});
