// Files that are replaced without --force: only files that this program wrote.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runLine, temporaryFolder } from "./program.ts";

const folder = temporaryFolder();
const inFolder = (name: string) => join(folder, name);
const csv = "a,b,c\n1,2,3\n4,5,6\n7,8,10\n1,2,4\n0,1,1\n";

const SMALL = "--models 2 --steps 10 -q";

beforeAll(async () => {
  writeFileSync(inFolder("data.csv"), csv);
  writeFileSync(inFolder("notes.txt"), "mine");
  writeFileSync(inFolder("empty"), "");
  for (const name of ["m.st", "other.st"]) {
    expect((await runLine(folder, `train data.csv -o ${name} -e 2 -q`)).code).toBe(0);
  }
  writeFileSync(inFolder("other.csv"), csv.replace("a,b,c", "a,b,d"));
  await runLine(folder, `train data.csv --detector -o d.st ${SMALL}`);
  await runLine(folder, "export m.st -o bare.safetensors");
  await runLine(folder, "export m.st -o m.onnx");
});

test.each([
  ["train data.csv -o data.csv", "data.csv: is a file that this command reads"],
  ["train data.csv --validation notes.txt -o notes.txt", "is a file that this command reads"],
  ["train data.csv -o notes.txt", "notes.txt: exists and is not a model of this program"],
  ["train data.csv -o m.onnx", "m.onnx: exists and is not a model of this program"],
  ["score m.st data.csv -o data.csv", "data.csv: is a file that this command reads"],
  ["score m.st data.csv -o m.st", "m.st: is a file that this command reads"],
  ["score m.st data.csv -o other.st", "other.st: is a model of this program"],
  ["encode m.st data.csv -o ./m.onnx", "m.onnx: is an ONNX file of this program"],
  ["export m.st -o m.st -f safetensors", "m.st: is a file that this command reads"],
  ["export m.st -o other.st -f safetensors", "exists and is not a model without its training"],
  ["export m.st -o notes.txt -f onnx", "notes.txt: exists and is not an ONNX file"],
])("%s is refused", async (line, message) => {
  const before = new Map(readdirSync(folder).map((name) => [name, readFileSync(inFolder(name))]));
  const { code, out, err } = await runLine(folder, line);
  expect(err).toContain(message);
  expect(err).toContain("; --force replaces it, --output takes another name\n");
  expect([code, out]).toEqual([1, ""]);
  for (const [name, bytes] of before) expect(readFileSync(inFolder(name))).toEqual(bytes);
});

test.each([
  "train data.csv -o m.st -e 1 -q",
  "train data.csv -o bare.safetensors -e 1 -q",
  "train data.csv -o empty -e 1 -q",
  "train data.csv -o notes.txt --force -e 1 -q",
  "score m.st data.csv -o scores.csv",
  "score m.st data.csv -o scores.csv --no-names",
  "export m.st -o m.onnx --part encoder",
])("%s is not", async (line) => {
  const { code, err } = await runLine(folder, line);
  expect([code, err]).toEqual([0, expect.stringMatching(/^(\d+ rows in [\d.]+ s; saved .*\n)?$/)]);
});

test.each([
  [
    "train other.csv -o m.st",
    "m.st: is a model of other columns (only in the model: c; only in other.csv: d); --output OTHER saves under another name, --force replaces the model",
  ],
  [
    "train other.csv -o bare.safetensors -c 1-2",
    "bare.safetensors: is a model of other columns (only in the model: c); --output OTHER saves under another name, --force replaces the model",
  ],
  [
    "train other.csv --detector -o d.st",
    "d.st: is a detector of other columns (only in the detector: c; only in other.csv: d); --output OTHER saves under another name, --force replaces the detector",
  ],
  [
    "detect other.csv --save d.st",
    "d.st: is a detector of other columns (only in the detector: c; only in other.csv: d); --save OTHER saves under another name, --force replaces the detector",
  ],
])("%s, which has learned another table, is refused", async (line, message) => {
  const before = new Map(readdirSync(folder).map((name) => [name, readFileSync(inFolder(name))]));
  const { code, err } = await runLine(folder, line);
  expect([code, err.split("\n").at(-2)]).toEqual([1, `tied-autoencoder: ${message}`]);
  for (const [name, bytes] of before) expect(readFileSync(inFolder(name))).toEqual(bytes);
  const quick = /detect/.test(line) ? SMALL : "-e 1 -q";
  const again = line.replace("other.csv", "data.csv").replace(" -c 1-2", "");
  for (const allowed of [`${line} --force`, `${again} --force`, again]) {
    expect((await runLine(folder, `${allowed} ${quick}`)).code, allowed).toBe(0);
  }
});

test("a PyTorch folder is written completely or not at all", async () => {
  const place = inFolder("torch");
  mkdirSync(place);
  writeFileSync(join(place, "tied_autoencoder.py"), "mine");
  const refused = await runLine(folder, "export m.st -f pytorch -o torch");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("torch/tied_autoencoder.py: exists with other contents; --force");
  expect(readdirSync(place)).toEqual(["tied_autoencoder.py"]);
  for (const line of [
    "export m.st -f pytorch -o torch --force",
    "export m.st -f pytorch -o torch",
  ]) {
    expect(await runLine(folder, line)).toMatchObject({ code: 0, err: "" });
  }
  expect(readdirSync(place)).toHaveLength(3);
});

test("a read-only file is not replaced", async () => {
  chmodSync(inFolder("m.st"), 0o444);
  const { code, err } = await runLine(folder, "train data.csv -o m.st -e 1");
  expect(code).toBe(1);
  expect(err).toContain("m.st: is read-only; --force replaces it");
  expect((await runLine(folder, "train data.csv -o m.st -e 1 --force -q")).code).toBe(0);
  expect(existsSync(inFolder("m.st"))).toBe(true);
});
