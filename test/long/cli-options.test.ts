// The help of a command lists exactly the options that the command takes: each of them is accepted with some operands.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runHere, runLine, temporaryFolder } from "../cli/program.ts";

const folder = temporaryFolder();
const SMALL = "--models 1 --steps 2 --hidden 4";

/** For each command, lines that it can run. An option must be accepted by at least one of them. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  detect: [
    `detect data.csv ${SMALL}`,
    `detect data.csv data.csv ${SMALL}`,
    "detect data.csv --models 1 --steps 2",
    "detect data.csv --models 1 --hidden 4",
    "detect data.csv --steps 2 --hidden 4",
  ],
  watch: ["watch d.safetensors data.csv"],
  train: [
    "train data.csv --epochs 1 --force -o t.safetensors",
    "train data.csv --force -o t.safetensors --early-stopping patience=1 --validation 0.5 --epochs 1",
    `train data.csv --detector ${SMALL} --force -o t.safetensors`,
    "train data.csv --epochs 1",
    "train data.csv --batch-size 40 --force -o t.safetensors",
    "train data.csv --detector --steps 2 --hidden 4 --force -o t.safetensors",
    "train data.csv --detector --steps 2 --models 1 --force -o t.safetensors",
    "train data.csv --detector --hidden 4 --models 1 --force -o t.safetensors",
    "train data.csv --continue --output m.safetensors --epochs 1",
    "train data.csv --output m.safetensors",
  ],
  encode: ["encode m.safetensors data.csv"],
  decode: ["decode m.safetensors codes.csv"],
  reconstruct: ["reconstruct m.safetensors data.csv"],
  score: ["score m.safetensors data.csv"],
  evaluate: ["evaluate m.safetensors data.csv"],
  report: [
    "report m.safetensors data.csv -o r.html",
    "report d.safetensors data.csv -o r.html",
    "report m.safetensors data.csv",
  ],
  export: ["export m.safetensors -o e.onnx", "export m.safetensors"],
  info: ["info data.csv"],
  demo: ["demo --epochs 1", "demo --code 2"],
};

/** Values of options by command and name, by name, or by the placeholder in the help. */
const VALUES: Readonly<Record<string, string>> = {
  activation: "tanh",
  array: "X",
  calibration: "0.3",
  "demo code": "2",
  code: "gaussian",
  columns: "1-4",
  constraint: "unitNorm",
  contamination: "0.1",
  decimal: ".",
  delimiter: ",",
  "early-stopping": "patience=1",
  "export format": "onnx",
  format: "csv",
  gradient: "auto",
  hidden: "4",
  "group-by": "g",
  id: "g",
  images: "2x2",
  initializer: "heNormal",
  kinds: "a=number",
  labels: "g",
  layers: "4,2",
  loss: "mae",
  missing: "mask",
  "train noise": "gaussian:std=0.2",
  optimizer: "sgd",
  "output-activation": "tanh",
  part: "encoder",
  penalty: "codeL1:weight=0.1",
  scale: "none",
  schedule: "cosine",
  score: "auto",
  simd: "baseline",
  thousands: ",",
  units: "kg",
  validation: "0.5",
  FILE: "out.onnx",
  MB: "0.001",
  N: "2",
  P: "0.2",
  Q: "0.2",
  RATE: "0.01",
  SECONDS: "100",
  SHARE: "0.1",
  TEXT: "a title",
  X: "0.1",
};

beforeAll(async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 7},${(i * i) % 11},${i % 3},${i % 2}`);
  writeFileSync(join(folder, "data.csv"), `a,b,c,g\n${rows.join("\n")}\n`);
  for (const line of [
    "train data.csv --epochs 1 -o m.safetensors --layers 4,2",
    "encode m.safetensors data.csv -o codes.csv",
    `train data.csv --detector ${SMALL} -o d.safetensors`,
  ]) {
    expect((await runLine(folder, line)).err).not.toMatch(/^tied-autoencoder: /m);
  }
});

/** The long names in the help of a command, each with the placeholder of its value. */
async function listed(command: string): Promise<(readonly [string, string | undefined])[]> {
  const { out } = await runLine(folder, `${command} --help`);
  const [options = ""] = out.split("\nOptions\n")[1]?.split("\n\n") ?? [];
  return [...options.matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)(?: ([A-Za-z|]+)(?= {2}|$))?/gm)].map(
    ([, name = "", value]) => [name, value] as const,
  );
}

test.each(Object.keys(LINES))("%s takes every option in its help", async (command) => {
  const options = await listed(command);
  expect(options.map(([name]) => name)).toContain("help");
  for (const [name, placeholder] of options) {
    const value =
      placeholder && (VALUES[`${command} ${name}`] ?? VALUES[name] ?? VALUES[placeholder]);
    if (placeholder) expect(value, `a value for --${name} ${placeholder}`).toBeDefined();
    const word = value === undefined ? `--${name}` : `--${name}=${value}`;
    const errors: string[] = [];
    for (const line of LINES[command] ?? []) {
      const { code, err } = await runHere(folder, [...line.split(" "), word]);
      if (code !== 2) {
        errors.length = 0;
        break;
      }
      errors.push(err);
    }
    expect(errors, `${command} ${word}`).toEqual([]);
  }
});

test("the list of commands is complete", async () => {
  const { out } = await runLine(folder, "--help");
  const names = [...out.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(([, name]) => name);
  expect(new Set(names)).toEqual(new Set(Object.keys(LINES)));
});

test("watch says why it does not take --fdr, and does not list it", async () => {
  const { code, err } = await runLine(folder, "watch d.safetensors data.csv --fdr 0.1");
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/--fdr judges all rows together, .* take --alpha or --pot\./),
  ]);
  expect((await listed("watch")).map(([name]) => name)).not.toContain("fdr");
});
