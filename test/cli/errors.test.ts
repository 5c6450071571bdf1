// Error messages: one sentence that names the place, and the exit code.

import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeNpy } from "../../src/formats/npy.ts";
import { activations } from "../../src/layers/activations.ts";
import { losses } from "../../src/losses/index.ts";
import { scalers } from "../../src/model/scalers.ts";
import { optimizers } from "../../src/optimizers/index.ts";
import { noises } from "../../src/training/noise/index.ts";
import { jsonLines, run, runHere, runLines, temporaryFolder } from "./program.ts";

const scales = scalers.names.filter((name) => name !== "range");
const folder = temporaryFolder();
const files: Record<string, string | Uint8Array> = {
  "good.csv": "a,b,c\n1,2,3\n4,5,6\n7,8,10\n",
  "text.csv": "a,b,species\n1,2,setosa\n",
  "texts.csv": "id;n;plan;price;weight\nC1;1.5;free;1,5;2 kg\nC2;2;pro;2,5;3 kg\n",
  "texts.jsonl": '{"a":1,"b":"x","c":"y"}\n{"a":2,"b":"z","c":"y"}\n',
  "comma.csv": "a;b\n1,5;2.5\n",
  "commas.csv": "a;b\n1,5;2,5\n2,5;3,5\n4;5.5\n",
  "units.csv": "time,height\ns,m\n1,2\n3,4\n",
  "text.jsonl": '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n',
  "ragged.csv": "1,2,3\n4,5\n",
  "gap.csv": "a,b,c\n\n1,2,3\n4,,6\n",
  "infinite.csv": "1,2,3\n4,inf,6\n",
  "empty.csv": "",
  "header.csv": "a,b,c\n",
  "binary.bin": Uint8Array.from([1, 2, 0, 0, 5, 6]),
  "cut.npy": encodeNpy({ shape: [2, 2], data: new Float32Array(4) }).subarray(0, 140),
  "labels.npy": encodeNpy({ shape: [4], data: new Float32Array(4) }),
  "wide.csv": "1,2,3,4\n5,6,7,8\n",
  "cut.safetensors": Uint8Array.from([232, 3, 0, 0, 0, 0, 0, 0, 123, 34]),
};

beforeAll(async () => {
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
  const { code } = await runHere(folder, ["train", "good.csv", "-o", "m.safetensors", "-e", "2"]);
  expect(code).toBe(0);
});

describe("exit code 1 with one sentence", () => {
  test.each([
    ["train nope.csv", "nope.csv: no such file or folder"],
    ["train .", ".: is a folder, not a file"],
    [
      "train text.csv",
      `text.csv: line 2, column 3 ("species"): expected a number, got "setosa" (--columns '!3' leaves the column out; train --detector learns text as well)`,
    ],
    [
      "train texts.csv",
      `texts.csv: columns 1 ("id"), 3 ("plan") hold text, and train takes numbers; --columns '!1,!3' leaves them out; train --detector learns text as well; column 4 ("price"): --decimal , reads decimal commas; column 5 ("weight"): --units kg drops it`,
    ],
    [
      "train texts.csv -c 2-4",
      `texts.csv: column 3 ("plan") holds text, and train takes numbers; --columns '!1,!3,!5' leaves the column out; train --detector learns text as well; column 4 ("price"): --decimal , reads decimal commas`,
    ],
    [
      "train texts.jsonl",
      `texts.jsonl: columns 2 ("b"), 3 ("c") hold text, such as "x" (--columns '!2,!3' leaves them out)`,
    ],
    [
      "train comma.csv",
      'comma.csv: line 2, column 1 ("a"): expected a number, got "1,5" (--decimal , reads decimal commas)',
    ],
    [
      "train commas.csv",
      'commas.csv: line 2, column 1 ("a"): expected a number, got "1,5" (the numbers of this table are written in more than one way, with decimal points and decimal commas)',
    ],
    [
      "train units.csv",
      `units.csv: line 2, column 1 ("time"): expected a number, got "s" (--columns '!1' leaves the column out)`,
    ],
    [
      "train text.jsonl",
      `text.jsonl: column 2 ("b") holds text, such as "x" (--columns '!2' leaves the column out)`,
    ],
    ["train ragged.csv", "ragged.csv: line 2 has 2 cells, the first row has 3"],
    [
      "train gap.csv",
      'gap.csv: line 4, column 2 ("b"): no value here; --missing mask leaves such cells out, --missing mean fills them in',
    ],
    [
      "train infinite.csv",
      "infinite.csv: line 2, column 2: training wants finite numbers, this one is Infinity",
    ],
    ["train empty.csv", "empty.csv: the file is empty"],
    ["train header.csv", "header.csv: there are no rows to train on"],
    [
      "train binary.bin",
      "binary.bin: it is neither CSV or JSON in UTF-8 nor an NPY, NPZ or IDX file",
    ],
    [
      "train cut.npy",
      "cut.npy: f4 of shape (2,2) takes 16 bytes, the file has 12 from byte 128 on",
    ],
    ["train labels.npy", "labels.npy: a table has rows and columns, this array has the shape (4)"],
    ["train good.csv -o no/where.st", "no/where.st: there is no folder no"],
    [
      "encode m.safetensors wide.csv",
      "wide.csv: has 4 columns, the model takes 3; --columns chooses some",
    ],
    [
      "encode good.csv good.csv",
      "good.csv: is a table, and encode takes a model. To make one of the table:\n  tied-autoencoder train good.csv -o good.safetensors",
    ],
    [
      "score good.csv good.csv",
      "good.csv: is a table, and score takes a model or a detector. To make one of the table:\n  tied-autoencoder train good.csv -o good.safetensors",
    ],
    [
      "watch good.csv",
      "good.csv: is a table, and watch takes a detector. To make one of the table:\n  tied-autoencoder train good.csv --detector -o good.safetensors",
    ],
    [
      "watch labels.npy",
      "labels.npy: is a table, and watch takes a detector. To make one of the table:\n  tied-autoencoder train labels.npy --detector -o labels.safetensors",
    ],
    [
      "evaluate empty.csv good.csv",
      'empty.csv: is an empty file, and evaluate takes a model, which "train" makes',
    ],
    [
      "watch binary.bin",
      'binary.bin: is binary data of an unknown kind, and watch takes a detector, which "train --detector" makes',
    ],
    [
      "watch m.safetensors",
      "m.safetensors: is a model, not a detector; score tells its errors, train --detector makes a detector",
    ],
    ["train m.safetensors", "m.safetensors: is a model, and train takes a table"],
    [
      "score m.safetensors m.safetensors",
      "m.safetensors: is a model, and the rows for score come from a table",
    ],
    [
      "score cut.safetensors good.csv",
      "cut.safetensors: is damaged: the header claims 1000 bytes and the file has 2 after its length",
    ],
    [
      "train good.csv --optimizer sgd -l 1e30 --scale none",
      /^(.*\n)*tied-autoencoder: Training diverged: /,
    ],
    ["train good.csv --resume -o new.st", "new.st: no such file or folder"],
  ])("%s", async (line, message) => {
    const { code, out, err } = await runHere(folder, line.split(" "));
    if (typeof message === "string") expect(err).toBe(`tied-autoencoder: ${message}\n`);
    else expect(err).toMatch(message);
    expect([code, out]).toEqual([1, ""]);
  });

  test("--debug shows the stack", async () => {
    const { code, err } = await run(folder, ["train", "nope.csv", "--debug"]);
    expect(code).toBe(1);
    expect(err).toMatch(/no such file or folder\n +at .*dist\/cli-program\.js/);
  });
});

describe("exit code 2 with a hint", () => {
  test.each([
    ["trian good.csv", 'There is no command "trian"; perhaps train is meant.'],
    ["train", "train needs DATA: tied-autoencoder train DATA [options]."],
    ["encode m.safetensors", "encode needs DATA: tied-autoencoder encode MODEL DATA [options]."],
    [
      "report good.csv",
      'report needs MODEL before "good.csv": tied-autoencoder report MODEL DATA [options]; train makes a model, and train --detector a detector.',
    ],
    ["encode m.safetensors a b", 'encode takes MODEL DATA, and "b" is one word too many.'],
    ["train good.csv new.csv", 'train takes DATA, and "new.csv" is one word too many.'],
    [
      "train new.csv --continue m.safetensors",
      'train takes DATA, and "m.safetensors" is one word too many; -o names the model: tied-autoencoder train new.csv --continue -o m.safetensors',
    ],
    [
      "train m.safetensors new.csv --continue",
      'train takes DATA, and "new.csv" is one word too many; -o names the model: tied-autoencoder train new.csv --continue -o m.safetensors',
    ],
    [
      "train good.csv m.safetensors",
      'train takes DATA, and "m.safetensors" is one word too many; -o names the model: tied-autoencoder train good.csv -o m.safetensors',
    ],
    ["train good.csv --epoch 3", "train has no option --epoch; perhaps --epochs is meant."],
    ["train good.csv --epochs x", '--epochs must be a number; got "x".'],
    ["train good.csv --max-seconds 0", '--max-seconds must be a number greater than 0; got "0".'],
    ["train good.csv -e 1.5", '--epochs must be a whole number of at least 1; got "1.5".'],
    ["train good.csv -e 1 --epochs 2", "--epochs is given twice."],
    ["train good.csv --output", "--output needs a value: --output FILE."],
    [
      "train good.csv --output --resume",
      '--output needs a value and is followed by "--resume"; write --output=--resume if that is the value.',
    ],
    ["train good.csv --resume=yes", '--resume is a switch and takes no value; got "yes".'],
    ["train good.csv -o -", "train saves a model in a file; give --output the file's name."],
    [
      "train good.csv --layers 4,2",
      `--layers starts with the data's columns, of which there are 3; got "4,2".`,
    ],
    [
      "train good.csv --scale big",
      `--scale takes none, ${scales.join(", ")}, auto or a range such as 0:255; got "big".`,
    ],
    [
      "train good.csv -o m.safetensors --resume --seed 3",
      "--seed is for a new model; --resume trains the one in m.safetensors on.",
    ],
    ["export m.safetensors", "export needs --output FILE."],
    [
      "train good.csv --activation rellu",
      `--activation must be one of ${activations.names.join(", ")}; got "rellu"; perhaps relu is meant.`,
    ],
    ["train good.csv --code topK", "--code topK needs k, as in --code topK:k=32."],
    ["train good.csv --code topK:kk=3", '--code topK has no setting "kk"; it has k, centered.'],
    ["train good.csv --code topK:k", "--code topK:k needs a value, as in k=32."],
    ["train good.csv --code topK:", '--code takes settings such as k=32; got "".'],
    [
      "train good.csv --penalty klSparsity:rho=.1",
      "--penalty klSparsity needs weight, as in --penalty klSparsity:rho=0.05,weight=0.001.",
    ],
    [
      "train good.csv --constraint maxNorm:2",
      '--constraint takes settings such as max=3; got "2".',
    ],
    [
      "train good.csv --schedule step:stepSize=1.5",
      "--schedule step:stepSize must be a whole number of at least 1; got 1.5.",
    ],
    [
      "train good.csv --noise gaussian",
      "--noise gaussian needs std, as in --noise gaussian:std=0.2.",
    ],
    [
      "train good.csv --optimizer adam:learningrate=1",
      '--optimizer adam has no setting "learningrate"; perhaps learningRate is meant; it has learningRate, weightDecay, clipNorm, beta1, beta2, epsilon.',
    ],
    ["train good.csv --initializer pca:x=1", '--initializer pca has no setting "x"; it has none.'],
    [
      "train good.csv --early-stopping patience=-1",
      "--early-stopping patience must be a whole number of at least 0; got -1.",
    ],
    [
      "train good.csv --loss mixed",
      `--loss must be one of ${losses.names.filter((name) => name !== "mixed").join(", ")}; got "mixed".`,
    ],
    [
      "train good.csv --dropout 1",
      '--dropout must be a number of at least 0 and less than 1; got "1".',
    ],
    [
      "export m.safetensors -o m.h5",
      "export writes onnx, pytorch, safetensors; say which with --format.",
    ],
    ["train good.csv --header --no-header", "--header and --no-header contradict each other."],
    ["train good.csv --continue --resume", "--resume and --continue contradict each other."],
  ])("%s", async (line, message) => {
    const { code, out, err } = await runHere(folder, line.split(" "));
    const lines = err.split("\n").filter((one) => !one.startsWith("data "));
    expect(lines[0]).toBe(`tied-autoencoder: ${message}`);
    expect(lines[1]).toMatch(/--help/);
    expect([code, out]).toEqual([2, ""]);
  });
});

describe("help", () => {
  test("every command has a help text with examples, in 80 columns", async () => {
    const { out, code } = await runHere(folder, ["--help"]);
    expect(code).toBe(0);
    const commands = [...out.matchAll(/^ {2}(\w+) {2,}\S/gm)].map((match) => match[1] as string);
    expect(commands).toContain("reconstruct");
    const helps = await runLines(
      folder,
      commands.map((name) => `${name} --help`),
    );
    for (const help of helps) {
      expect(help.code).toBe(0);
      expect(help.out).toMatch(/\nExamples?\n {2}# /);
    }
    for (const line of [out, ...helps.map((help) => help.out)].join("\n").split("\n")) {
      expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  test("--version is the version of the package", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect((await run(folder, ["--version"])).out).toBe(`${version}\n`);
  });
});

describe("files", () => {
  test("a failed run does not change the old file and leaves no other file", async () => {
    const before = readFileSync(join(folder, "m.safetensors"));
    const names = readdirSync(folder);
    const words = ["train", "good.csv", "-o", "m.safetensors", "--optimizer", "sgd", "-l", "1e30"];
    expect((await runHere(folder, [...words, "--scale", "none"])).code).toBe(1);
    const bad = ["encode", "m.safetensors", "ragged.csv", "-o", "half.csv", "--no-header"];
    expect((await runHere(folder, bad)).code).toBe(1);
    expect(readFileSync(join(folder, "m.safetensors"))).toEqual(before);
    expect(readdirSync(folder)).toEqual(names);
  });

  test("a link stays a link, and its target is replaced", async () => {
    writeFileSync(join(folder, "target.csv"), "old");
    symlinkSync("target.csv", join(folder, "link.csv"));
    await runHere(folder, ["score", "m.safetensors", "good.csv", "-o", "link.csv"]);
    expect(readFileSync(join(folder, "target.csv"), "utf8")).toMatch(/^error\n.+\n.+\n.+\n$/);
    expect(
      readdirSync(folder, { withFileTypes: true }).find((f) => f.name === "link.csv"),
    ).toSatisfy((entry: { isSymbolicLink(): boolean }) => entry.isSymbolicLink());
  });

  test.skipIf(!existsSync("/dev/full"))(
    "a device stays one, and tells when it is full",
    async () => {
      const words = ["score", "m.safetensors", "good.csv", "-o", "/dev/full"];
      const { code, err } = await run(folder, words);
      expect([code, err]).toEqual([
        1,
        "tied-autoencoder: /dev/full: no space left on the device\n",
      ]);
      expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
    },
  );

  test("a reader that closes the pipe ends the program without a message", async () => {
    const rows = "1,2,3\n".repeat(300_000);
    const words = ["reconstruct", "m.safetensors", "-"];
    const { code, err } = await run(folder, words, rows, (_, child) => child.stdout?.destroy());
    expect([code, err]).toEqual([0, ""]);
  });

  test("--json events are objects, also with an error after them", async () => {
    const { out, code } = await run(folder, [
      "train",
      "good.csv",
      "-o",
      "j.st",
      "-e",
      "2",
      "--json",
    ]);
    expect(code).toBe(0);
    const events = jsonLines(out);
    expect(events.map(({ event }) => event).filter((event) => event !== "step")).toEqual([
      "data",
      "start",
      "epoch",
      "epoch",
      "saved",
    ]);
    expect(events.at(-1)).toMatchObject({ file: "j.st", steps: 2, complete: true });
  });
});

test("the help of train lists the names, settings and defaults of the library", async () => {
  const { out } = await runHere(folder, ["train", "--help"]);
  for (const { type, options } of [...optimizers.all, ...losses.all, ...noises.all]) {
    if (type === "mixed") continue; // its categories are a list of lists, which is not for a command line
    const first = Object.keys(options)[0];
    expect(out).toMatch(first === undefined ? type : new RegExp(`${type}:${first}=`));
  }
  expect(out).toContain("adamw:learningRate=0.001,weightDecay=0.01,clipNorm=…");
});

test("a term of the loss may be given more than once", async () => {
  const words = ["train", "good.csv", "-o", "p.st", "-e", "1", "--json"];
  const { out } = await runHere(folder, [
    ...words,
    "--penalty",
    "l1:weight=.1",
    "--penalty",
    "l2:weight=.2",
  ]);
  const start = jsonLines(out).find(({ event }) => event === "start");
  expect(start?.config).toMatchObject({
    penalties: [
      { type: "l1", weight: 0.1 },
      { type: "l2", weight: 0.2 },
    ],
  });
});

test("a code and a constraint have settings", async () => {
  const words =
    "train good.csv -o k.st -e 1 --json --layers 3 --code topK:k=2 --constraint maxNorm:max=2";
  const { out } = await runHere(folder, words.split(" "));
  const start = jsonLines(out).find(({ event }) => event === "start");
  expect(start?.config).toMatchObject({
    code: { type: "topK", k: 2 },
    constraint: { type: "maxNorm", max: 2 },
  });
  const wrong = await runHere(
    folder,
    "train good.csv -o k.st --constraint maxNorm:max=0".split(" "),
  );
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toMatch(/constraint.*max.*got 0/s);
});
