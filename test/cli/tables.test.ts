// The columns that a command takes from a file, the requirements of --resume and --continue for the data, and messages about
// wrong tables.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeModel, readModel } from "../../src/cli/model-file.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { jsonLines, runHere, runLine, runLines, temporaryFolder } from "./program.ts";

const folder = temporaryFolder();
const inFolder = (name: string) => join(folder, name);

/** Rows of numbers that do not look like row numbers or images. */
const rows = (count: number, columns: number, seed = 1) =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: columns }, (_, j) => ((i * 37 + j * 91 + seed * 17) % 101) / 10),
  );
const csv = (header: string | undefined, table: readonly (readonly unknown[])[]) =>
  [...(header ? [header] : []), ...table.map((row) => row.join(","))].map((x) => `${x}\n`).join("");

const files: Record<string, string | Uint8Array> = {
  "abc.csv": csv("a,b,c", rows(30, 3)),
  "cab.csv": csv(
    "c,a,b",
    rows(30, 3).map(([a, b, c]) => [c, a, b]),
  ),
  "abz.csv": csv("a,b,zzz", rows(30, 3)),
  "bare.csv": csv(undefined, rows(30, 3)),
  "next.csv": csv("a,b,c", rows(40, 3, 2)),
  "wide.csv": csv("a,b,c,d", rows(30, 4)),
  "twice.csv": csv("a,a,b", rows(30, 3)),
  "id.csv": csv(
    "id,b,c",
    rows(30, 3).map(([, b, c], i) => [i, b, c]),
  ),
  "empty-column.csv": csv(
    "a,b,c",
    rows(30, 3).map(([a, , c]) => [a, "", c]),
  ),
  "one.csv": "1,2,3\n",
  "infinite.csv": "a,b,c\n1,2,3\n1,inf,3\n",
  "half.csv": csv("a,b", rows(30, 2)).replaceAll(/,0\n/g, ",\n"),
  "big.npy": encodeNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 1e300, 6) }),
  "x.json": '[{"a": 1}]\n',
  "x.parquet": "PAR1\0\0\0",
  "a b.csv": csv("a,b", rows(10, 2)),
};

beforeAll(async () => {
  for (const [name, data] of Object.entries(files)) writeFileSync(inFolder(name), data);
  expect((await runLine(folder, "train abc.csv -o m.st -e 2 -q")).code).toBe(0);
});

/** Runs a line and expects it to end with a message. */
async function fails(line: string, message: string | RegExp, code = 1) {
  const result = await runLine(folder, line);
  if (typeof message === "string") expect(result.err).toContain(message);
  else expect(result.err).toMatch(message);
  expect([result.code, result.out]).toEqual([code, ""]);
}

describe("columns by name", () => {
  const noC = 'abz.csv: has no column "c", which';

  test("score, --validation and --resume name the column that is missing", async () => {
    await fails("score m.st abz.csv", `${noC} the model was trained on; it has a, b, zzz`);
    await fails("evaluate m.st abz.csv", noC);
    await fails("train abc.csv -o v.st -e 1 -q --validation abz.csv", `${noC} abc.csv has`);
    await fails("train abz.csv -o m.st -q --resume", noC);
  });

  test("columns are found by position in files without a header, by name in any order in others", async () => {
    const [named, other, bare] = await runLines(
      folder,
      ["abc.csv", "cab.csv", "bare.csv"].map((file) => `score m.st ${file}`),
    );
    expect(other?.out).toBe(named?.out);
    expect(bare?.out).toBe(named?.out);
    expect(named?.out.split("\n")).toHaveLength(32);
  });

  test("--validation finds the columns of the training in a file with another order", async () => {
    const line = (file: string) => `train wide.csv -c b,a -o ${file}.st -e 1 --validation ${file}`;
    const last = (out: string) => jsonLines(out).find(({ event }) => event === "epoch")?.valLoss;
    const [one, two, three] = await runLines(
      folder,
      ["abc.csv", "cab.csv", "bare.csv"].map((file) => `${line(file)} --json`),
    );
    expect(last(one?.out ?? "")).toBeGreaterThan(0);
    expect(last(two?.out ?? "")).toBe(last(one?.out ?? ""));
    expect(three?.code).toBe(1); // there are no names
  });

  test("two columns of one name are distinguished, in training and later", async () => {
    const line = "train twice.csv -o t.st -q -e";
    const trained = await runLine(folder, `${line} 1`);
    expect(trained.code).toBe(0);
    expect(trained.err).toMatch(/"a" is the name of more than one column; .* is called "a\.1"/);
    expect((await runLine(folder, "score t.st twice.csv")).code).toBe(0);
    expect((await runLine(folder, `${line} 2 --resume`)).code).toBe(0);
    await fails("score t.st half.csv", /has no column "a\.1"/);
  });
});

describe("--resume and --continue", () => {
  test("--resume refuses other numbers, with a hint", async () => {
    await fails(
      "train cab.csv -o m.st -q --resume -c 1-3",
      /cab\.csv: is not what the run in m\.st was trained on: its numbers are others.*\n {2}tied-autoencoder train cab\.csv -o m\.st --continue/,
    );
    const sizes = "it has 40 rows of 3 where that had 30 rows of 3";
    await fails("train next.csv -o m.st -q --resume", sizes);
    expect((await runLine(folder, "train cab.csv -o m.st -q --resume")).code).toBe(0);
  });

  test("--continue trains with other data in a new run", async () => {
    writeFileSync(inFolder("on.st"), readFileSync(inFolder("m.st")));
    const { code, out } = await runLine(folder, "train next.csv -o on.st --continue -e 3 --json");
    expect(code).toBe(0);
    const saved = jsonLines(out).at(-1);
    expect(saved).toMatchObject({ event: "saved", steps: 2 * 1 + 3 * 2, complete: true });
    const again = await runLine(folder, "train next.csv -o on.st --resume -e 4 -q");
    expect(again).toMatchObject({ code: 0, err: "" });
  });

  test("a path in a model's file is never opened", async () => {
    const checked = "train abc.csv -o c.st -e 1 -q --validation next.csv";
    expect((await runLine(folder, checked)).code).toBe(0);
    await fails("train abc.csv -o c.st -q --resume", "name it with --validation", 2);
    const named = "train abc.csv -o c.st -q --resume -e 2 --validation";
    await fails(`${named} cab.csv`, "is not what the run in c.st was checked on");
    expect((await runLine(folder, `${named} next.csv`)).code).toBe(0);

    const { model } = await readModel(inFolder("m.st"), {});
    const training = {
      validation: "next.csv",
      output: "elsewhere",
      json: true,
      "learning-rate": "5",
      epochs: "-1",
      columns: "1-3",
    };
    const evil = encodeModel(model, { columns: ["a", "b", "c"], training });
    writeFileSync(inFolder("evil.st"), Buffer.concat(evil));
    const { code, out, err } = await runLine(folder, "train abc.csv -o evil.st --resume");
    expect([code, out]).toEqual([0, ""]);
    expect(err).toMatch(/learning rate 0\.001\n/);
    expect(err).not.toContain("next.csv");
  });
});

describe("errors in a table", () => {
  test.each([
    ["train empty-column.csv", "column 2 (\"b\"): no row has a value here; --columns '!2'"],
    ["train empty-column.csv --missing mask", 'column 2 ("b"): no row has a value here'],
    ["train one.csv", "one.csv: there is one row, and training needs at least two"],
    ["train x.json", "x.json: there is one row, and training needs at least two"],
    ["train x.parquet", "it is a Parquet file"],
    ["train m.st", "m.st: is a model, and train takes a table"],
    [
      "train big.npy",
      "big.npy: row 2, column 2: training wants numbers below 3.4e38, this one is 1e+300",
    ],
    [
      "train abc.csv --loss bce --scale none",
      /abc\.csv: line \d+, column \d \("[abc]"\): the loss bce takes numbers between 0 and 1/,
    ],
    [
      "train abc.csv --validation infinite.csv",
      'infinite.csv: line 3, column 2 ("b"): training wants finite numbers',
    ],
    ["train abc.csv --validation .01", "--validation 0.01 of 30 rows comes to no row"],
  ])("%s", async (line, message) => {
    const { code, err } = await runLine(folder, `${line} -o none.st`);
    if (typeof message === "string") expect(err).toContain(message);
    else expect(err).toMatch(message);
    expect(code).toBe(1);
    expect(err).not.toMatch(/\bx\b.*row 0|validationData/);
  });

  test("a hint includes the columns that were left out before", async () => {
    writeFileSync(inFolder("texts.csv"), "a,b,c\n1,x,y\n2,x,y\n");
    const { err } = await runHere(folder, ["train", "texts.csv", "-c", "!2", "-o", "none.st"]);
    expect(err).toContain("(--columns '!2,!3' leaves the column out;");
  });

  test("columns of row numbers cause a warning, and the rows of a share are reported", async () => {
    const { code, err } = await runLine(folder, "train id.csv -o i.st -e 1 --validation .2");
    expect(code).toBe(0);
    expect(err).toContain(
      `warning: id.csv: column 1 ("id") seems to number the rows, which says nothing of what is in them; --columns '!1' leaves`,
    );
    expect(err).toMatch(/^checks +the last 6 rows, which are not trained on$/m);
    const drawn = "train id.csv -o i.st -e 1 --validation .2 --validation-shuffle";
    expect((await runLine(folder, drawn)).err).toMatch(/^checks +6 rows drawn at random, which/m);
  });

  test("hints can be copied and typed", async () => {
    const words = ["train", "a b.csv", "-o", "it's.st", "-e", "1"];
    await runHere(folder, words);
    const { err } = await runHere(folder, [...words.slice(0, 4), "--resume"]);
    expect(err).toContain("tied-autoencoder train 'a b.csv' -o 'it'\\''s.st' --resume --epochs 2");
  });
});

test("--json prints errors and warnings as JSON, with the place", async () => {
  const results = await runLines(folder, [
    "score m.st abz.csv --json",
    "info nope.csv --json",
    "train abc.csv --epochs x --json",
  ]);
  for (const { code, err } of results) {
    expect(jsonLines(err)).toMatchObject([{ event: "error", exitCode: code }]);
  }
  expect(results.map(({ code }) => code)).toEqual([1, 1, 2]);
  const { out, err } = await runLine(folder, "train infinite.csv -o none.st --json");
  const error = { event: "error", file: "infinite.csv", line: 3, column: 2, columnName: "b" };
  expect(jsonLines(err)).toMatchObject([error]);
  expect(jsonLines(out).at(-1)).toMatchObject(error);
  const warned = await runLine(folder, "train id.csv -o i2.st -e 1 --json");
  expect(jsonLines(warned.err)).toMatchObject([{ event: "warning" }]);
  const renamed = await runLine(folder, "info twice.csv --json");
  expect(jsonLines(renamed.err)).toMatchObject([{ event: "warning" }]);
});

test("names from a file are escaped for a terminal", async () => {
  const name = "a\u001b]0;title\u0007\u009b31m";
  writeFileSync(inFolder("escapes.csv"), csv(`${name},b`, rows(10, 2)));
  const results = await runLines(folder, [
    "info escapes.csv",
    "info escapes.csv --json",
    "train escapes.csv -o e.st -e 1 --json",
    "train escapes.csv -o e2.st -c zz",
    "score m.st escapes.csv",
    "info e.st",
    "info e.st --json",
  ]);
  for (const { out, err } of results) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not remain
    expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  }
  expect(results[0]?.out).toContain("a\\x1b]0;title\\x07\\x9b31m  number");
  // In data, names are not escaped.
  const { out } = await runLine(folder, "reconstruct e.st escapes.csv");
  expect(out.split("\n")[0]).toContain(name);
});

test("info tells of numbers of another style in options that it takes", async () => {
  writeFileSync(inFolder("hexadecimal.csv"), "2,1,0x1F\n1,9,5\n3,4,5\n");
  const refused = await runLine(folder, "info hexadecimal.csv");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('If it is none, say --kinds "column3"=category');
  const { code, out } = await runLine(folder, "info hexadecimal.csv --kinds column3=category");
  expect([code, out]).toEqual([0, expect.stringMatching(/column3 +category/)]);
  const chosen = await runLine(folder, "info hexadecimal.csv --columns 1-2");
  expect([chosen.code, chosen.out]).toEqual([0, expect.not.stringContaining("column3")]);
});
