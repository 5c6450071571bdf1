// Random command lines: every command with its real options, odd values, and files of all kinds. Each ends in bounded time
// with an exit code of the documentation. A failure has one message in plain words. Only requested files are written, and
// never by a command that fails.

import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test, vi } from "vitest";
import type { Command, Option } from "../../src/cli/arguments.ts";
import { decode, encode, reconstruct, score } from "../../src/cli/commands/apply.ts";
import { detect } from "../../src/cli/commands/detect.ts";
import { evaluate } from "../../src/cli/commands/evaluate.ts";
import { exportModel } from "../../src/cli/commands/export.ts";
import { info } from "../../src/cli/commands/info.ts";
import { report } from "../../src/cli/commands/report.ts";
import { train } from "../../src/cli/commands/train.ts";
import { watch } from "../../src/cli/commands/watch.ts";
import { runHere, runLine, temporaryFolder } from "../cli/program.ts";
import { attack, SECONDS } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 + 3000 * SECONDS, hookTimeout: 60_000 });

const commands: readonly Command[] = [
  detect,
  watch,
  train,
  encode,
  decode,
  reconstruct,
  score,
  evaluate,
  report,
  exportModel,
  info,
];

/** The program runs in `folder`, which is in a folder of its own. */
const outside = temporaryFolder();
const folder = join(outside, "here");

const rows = (count: number, row: (i: number) => readonly (string | number)[]): string =>
  Array.from({ length: count }, (_, i) => `${row(i).join(",")}\n`).join("");
const wave = (i: number) => Math.sin(i / 3).toFixed(3);
const minute = (i: number) => new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString();

const tables: Readonly<Record<string, string | Uint8Array>> = {
  "mixed.csv": `a,b,kind\n${rows(40, (i) => [(i * 7) % 13, wave(i), `k${i % 3}`])}`,
  "numbers.csv": `a,b,c\n${rows(40, (i) => [(i * 7) % 13, wave(i), i % 5])}`,
  "series.csv": `time,a,b\n${rows(120, (i) => [minute(i), wave(i), i % 5])}`,
  "gaps.csv": `a,b,c\n1,,NA\n2,?,x\n${rows(12, (i) => [i, wave(i), i % 5])}`,
  "comma.csv": "a;b\n1,5;2\n2,5;3\n",
  "bad.csv": 'a,b\n1,x\n"open,2\n',
  "strange.csv": "\u001b[31m,__proto__\n1,2\n2,1\n1,4\n",
  "empty.csv": "",
  "one.csv": "a,b\n1,2\n",
  "rows.json": JSON.stringify([{ a: 1, b: 2, kind: "k" }, { a: null }, { a: 3, b: 1, kind: "k" }]),
  "broken.npy": Uint8Array.of(0x93, 0x4e, 0x55, 255, 0, 9),
  "notes.txt": "not a table\n",
};
/** The tables, and models and detectors that are made of them. */
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  mkdirSync(join(folder, "sub"), { recursive: true });
  for (const [name, data] of Object.entries(tables)) writeFileSync(join(folder, name), data);
  for (const line of [
    "train numbers.csv -o model.st -e 1",
    "train mixed.csv --detector -o rows.st --steps 20 --models 2",
    "train series.csv --detector -o series.st",
  ]) {
    expect((await runLine(folder, `${line} -q`)).code).toBe(0);
  }
  for (const name of readdirSync(folder)) {
    if (name !== "sub") files.set(name, readFileSync(join(folder, name)));
  }
});

const MODELS = ["model.st", "rows.st", "series.st"];
const fileName = fc.constantFrom(
  ...[...Object.keys(tables), ...MODELS, "missing.csv", "sub", "sub/new.st", "new.csv", "new.html"],
);
const ODD_TEXTS = ["", "x", "a", "a,b", "!1", "!b", "4-2", "1-", "'", '"', '"1"', ",", "=", ":"];
const odd = fc.oneof(
  fc.constantFrom(...ODD_TEXTS, "kind=category", "a=number,b=ignore", "2x2", "\u001b[31m", "--"),
  fc.constantFrom("__proto__", "constructor", "toString", "\u202e", "json"),
  fc.string({ maxLength: 8 }),
);
const numbers = fc.constantFrom("0", "-1", "1", "2", "5", ".1", ".5", ".99", "1.5", "1e999", "nan");
const setting = fc.tuple(fc.constantFrom("", "=", "=x", "=0", "=-1", "=.1", "=1", "=3", "=true"));

/** A value for an option: often a possible one. */
function valueFor(name: string, option: Option): fc.Arbitrary<string> {
  const { kind, choices = [], registry, value } = option;
  if (name === "threads") return fc.constantFrom("1", "0", "x", "auto ");
  if (name === "layers" || name === "hidden") {
    return fc.oneof(fc.constantFrom("2", "3,2", "4,2", "0", "1,,", "a"), odd);
  }
  const some = [...choices, ...(registry?.all.map(({ type }) => type) ?? [])];
  const named = some.length > 0 ? [fc.constantFrom(...some)] : [];
  const settled = (registry?.all ?? []).flatMap(({ type, options }) =>
    Object.keys(options).map((key) => setting.map(([end]) => `${type}:${key}${end}`)),
  );
  if (kind !== undefined) return fc.oneof({ weight: 3, arbitrary: numbers }, odd, ...named);
  if (/FILE/.test(value ?? "")) return fc.oneof({ weight: 4, arbitrary: fileName }, odd);
  return fc.oneof(odd, numbers, ...named, ...settled);
}

const optionOf = (command: Command): fc.Arbitrary<string[]> => {
  const options: [string, Option][] = [
    ...Object.entries(command.options),
    ["nonsense", { help: "" }],
    ["help", { help: "" }],
  ];
  return fc.oneof(
    ...options.map(([name, option]) =>
      option.value === undefined
        ? fc.constant<string[]>([`--${name}`])
        : fc.oneof(
            valueFor(name, option).map((value) => [`--${name}`, value]),
            valueFor(name, option).map((value) => [`--${name}=${value}`]),
          ),
    ),
  );
};

/** Operands that often fit. */
const operandsOf = ({ name, operands }: Command): fc.Arbitrary<string[]> => {
  const table = fc.constantFrom("mixed.csv", "numbers.csv", "series.csv", "gaps.csv");
  const fitting = /MODEL|DETECTOR/.test(operands[0] ?? "") ? fc.constantFrom(...MODELS) : table;
  const first = fc.oneof({ weight: name === "info" ? 1 : 5, arbitrary: fitting }, fileName, odd);
  const second = fc.oneof({ weight: 4, arbitrary: table }, fileName, odd);
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(first, second).map((all) => all.slice(0, operands.length)) },
    fc.array(fileName, { maxLength: 3 }),
  );
};

const line: fc.Arbitrary<string[]> = fc
  .constantFrom(...commands)
  .chain((command) =>
    fc.tuple(
      fc.constant(command),
      operandsOf(command),
      fc.array(optionOf(command), { maxLength: 4 }),
    ),
  )
  .map(([command, operands, options]) => {
    // The standard input of this process is no source of rows.
    const given = command === watch && operands.length === 1 ? [...operands, "x"] : operands;
    const words = [command.name, ...given, ...options.flat()].filter((word) => word !== "-");
    const has = (name: string) => words.some((word) => word.split("=", 1)[0] === name);
    const isDetector = command === detect || has("--detector");
    // Only so that a run is short.
    if (isDetector && !has("--steps")) words.push("--steps", "5");
    if (isDetector && !has("--models")) words.push("--models", "1");
    if (command === train && !isDetector && !has("--epochs")) words.push("--epochs", "1");
    return words;
  });

/** The files in the folder and their sizes and contents. */
const contents = (): Map<string, Buffer> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name))]),
  );

function restore(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "sub"), { recursive: true });
  for (const [name, data] of files) writeFileSync(join(folder, name), data);
}

/** The files that a command line asks for. */
function asked(words: readonly string[]): Set<string> {
  const names = words.flatMap((word, i) => {
    const [, inline] = /^--(?:output|save)=(.*)$/s.exec(word) ?? [];
    if (inline !== undefined) return [inline];
    return /^(?:--output|--save|-o)$/.test(words[i - 1] ?? "") ? [word] : [];
  });
  return new Set(names.length > 0 ? names : words[0] === "train" ? ["model.safetensors"] : []);
}

const LONGEST = 20_000;

test("every command line ends with a documented exit code and a clear message", async () => {
  await attack(line, async (words) => {
    const started = performance.now();
    const { code, out, err } = await runHere(folder, words);
    const took = performance.now() - started;
    const told = `${JSON.stringify(words)} ended with ${code} and ${JSON.stringify(err)}`;
    expect([0, 1, 2, 3], told).toContain(code);
    expect(took, told).toBeLessThan(LONGEST);
    expect(err, told).not.toMatch(/\n +at |\b[A-Z]\w*Error\b|undefined|\bNaN\b|\[object/);
    // The numbers of a binary file may have any bytes.
    const isBinary = out.slice(1, 6) === "NUMPY";
    expect(isBinary ? err : out + err, told).not.toContain("\u001b");
    if (code === 1 || code === 2) {
      const errors = words.includes("--json")
        ? err.split("\n").filter((one) => one.includes('"event":"error"'))
        : err.split("\n").filter((one) => /^tied-autoencoder: (?!warning)/.test(one));
      expect(errors, told).toHaveLength(1);
    }
    const after = contents();
    const changed = [...after.keys(), ...files.keys()].filter((name) => {
      const [before, now] = [files.get(name), after.get(name)];
      return before === undefined || now === undefined || !now.equals(before);
    });
    if (changed.length > 0) restore();
    const wanted = asked(words);
    const strange = changed.filter((name) => ![...wanted].some((one) => name.startsWith(one)));
    expect(strange, told).toEqual([]);
    if (code === 1 || code === 2) expect(changed, told).toEqual([]);
    expect(readdirSync(outside), told).toEqual(["here"]);
  });
});
