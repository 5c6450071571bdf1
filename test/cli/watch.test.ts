// `watch`: rows are judged as they arrive.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readLines } from "../../src/cli/detector/lines.ts";
import { ended, jsonLines, run, runLine, start, temporaryFolder, written } from "./program.ts";
import { customers, numbersFrom, sensors } from "./tables-made.ts";

const folder = temporaryFolder();
const SMALL = "--models 2 --steps 300 --hidden 16,8";
const news = customers(30, 2, (row) => (row === 5 ? { age: 170 } : {}));

beforeAll(async () => {
  writeFileSync(join(folder, "customers.csv"), customers(400, 1));
  writeFileSync(join(folder, "sensors.csv"), sensors(600, 1));
  await runLine(folder, `detect customers.csv --save c.safetensors -q ${SMALL}`);
  await runLine(folder, "train sensors.csv --detector -o s.safetensors -q");
});

describe("watch", () => {
  test("reports each alarm with its reasons", async () => {
    const { code, out, err } = await run(
      folder,
      ["watch", "c.safetensors", "-", "--alpha", ".003"],
      news,
    );
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^flags {5}p-values of at most 0\.003: .*\n30 rows, 1 flagged\n$/),
    ]);
    expect(out).toMatch(
      /^customer_id C1005 \(line 7\): score .*\n {2}age +170 +expected .* \(above\)\n$/,
    );
  });

  test("gives the scores and flags of detect, for a table", async () => {
    writeFileSync(join(folder, "news.csv"), news);
    await runLine(folder, "detect c.safetensors news.csv -q -o news.jsonl");
    const table = jsonLines(readFileSync(join(folder, "news.jsonl"), "utf8"));
    const { out } = await run(folder, ["watch", "c.safetensors", "news.csv", "--json"]);
    const watched = jsonLines(out).filter(({ event }) => event === undefined);
    expect(watched.map(({ score, pValue, flagged }) => ({ score, pValue, flagged }))).toEqual(
      table.map(({ score, pValue, flagged }) => ({ score, pValue, flagged })),
    );
    expect(watched.some(({ flagged }) => flagged)).toBe(true);
  });

  test("prints its decision, which is that of detect with new rows, and says how windows differ", async () => {
    await runLine(folder, "detect sensors.csv --save d.safetensors -q");
    writeFileSync(join(folder, "more.csv"), sensors(60, 3));
    const { err: detected } = await runLine(folder, "detect sensors.csv more.csv");
    const { err: saved } = await runLine(folder, "detect d.safetensors more.csv");
    const { err } = await run(folder, ["watch", "d.safetensors", "more.csv"]);
    const flags = /^flags .*$/m.exec(detected)?.[0] ?? "";
    expect(flags).toContain("scores that one normal row in 10,000 exceeds; score above");
    expect([saved, err]).toEqual([expect.stringContaining(flags), expect.stringContaining(flags)]);
    expect(err.replace(/\s+/g, " ")).toContain(
      "windows each row is judged by the window that ends with it; detect, which has later rows too, takes the mean of all windows with the row, so scores differ",
    );
  });

  test("answers each row before the next one arrives", async () => {
    const child = start(folder, ["watch", "c.safetensors", "-", "--json"]);
    const result = ended(child);
    const [header, ...rows] = news.trim().split("\n");
    child.stdin?.write(`${header}\n`);
    for (const [i, row] of rows.slice(0, 6).entries()) {
      const answered = written(child.stdout, `{"row":${i},"line":${i + 2},`);
      child.stdin?.write(`${row}\n`);
      await answered; // or the test never ends
    }
    child.stdin?.end();
    const { code, out } = await result;
    expect(code).toBe(0);
    const anomaly = jsonLines(out).find(({ event }) => event === "anomaly");
    expect(anomaly).toMatchObject({ row: 5, names: { customer_id: "C1005" }, flagged: true });
  });

  test("reports the line of a row that cannot be read, and continues", async () => {
    const lines = news.split("\n");
    lines.splice(2, 0, "only,three,cells", "", 'C1,2024-01-01,"DE,free,1,0,20,EUR');
    lines.splice(6, 0, lines[6]?.replace(/,\d\d,EUR/, ",old,EUR") ?? "", lines[0] ?? "");
    const { code, out, err } = await run(
      folder,
      ["watch", "c.safetensors", "--alpha", ".003"],
      lines.join("\n"),
    );
    expect(code).toBe(0);
    expect(err).toContain("standard input: line 3: has 3 cells, the header has 8; skipped");
    expect(err).toContain("standard input: line 5: opens a quote and never closes it; skipped");
    expect(err).toMatch(
      /line 7: column "age" must be a number, as in training; got "old"; taken as missing/,
    );
    expect(err).toContain("31 rows, 1 flagged; 2 lines and 1 cell could not be read");
    expect(out).toMatch(/C1005 \(line 12\)/);
  });

  test("accepts rows without a header, and JSON objects", async () => {
    const [, first = ""] = news.split("\n");
    const object = JSON.stringify({
      country: "XX",
      plan: "free",
      seats: 1,
      revenue: 0,
      age: 30,
      currency: "EUR",
    });
    const { out } = await run(
      folder,
      ["watch", "c.safetensors", "-", "--json"],
      `${first}\n${object}\n`,
    );
    const [row, json] = jsonLines(out);
    expect(row).toMatchObject({ row: 0, line: 1, flagged: false });
    expect(json).toMatchObject({ row: 1, line: 2, flagged: true });
  });

  test("ends with the name of the column if the header lacks one", async () => {
    const { code, err } = await run(folder, ["watch", "c.safetensors"], "country,plan\nDE,free\n");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        "standard input: line 1: the header has no columns seats, revenue, age, currency, which the detector learned; it has country, plan\n",
      ),
    ]);
  });

  test.each([
    ["x,y,z\n1,2,3\n", "header", "x, y, z"],
    ["a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n", "header", "a, b, c, d, e, f, g, h"],
    ['{"x":1}\n{"x":2}\n', "object", "x"],
  ])("rows of another table are refused at once: %j", async (text, what, names) => {
    const { code, out, err } = await run(folder, ["watch", "c.safetensors", "-q"], text);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      `tied-autoencoder: standard input: line 1: the ${what} has none of the columns that the detector learned (country, plan, seats, revenue, age, currency); it has ${names}\n`,
    );
  });

  test("the same problem is reported for the first, the tenth and the hundredth line", async () => {
    const [header = "", row = ""] = news.split("\n");
    const bad = Array.from({ length: 100 }, (_, i) => row.replace(/\d+,EUR$/, `x${i},EUR`));
    const cut = Array.from({ length: 20 }, (_, i) => `only,${i}`);
    const text = [header, ...bad, ...cut].join("\n");
    const { code, err } = await run(folder, ["watch", "c.safetensors"], text);
    expect(code).toBe(0);
    const told = (line: number, value: string) =>
      `tied-autoencoder: warning: standard input: line ${line}: column "age" must be a number, as in training; got "${value}"; taken as missing`;
    const short = (line: number) =>
      `tied-autoencoder: warning: standard input: line ${line}: has 2 cells, the header has 8; skipped`;
    expect(err.split("\n").filter((line) => /warning.*(?:missing|skipped)/.test(line))).toEqual([
      told(2, "x0"),
      `${told(11, "x9")}, as 9 times before`,
      `${told(101, "x99")}, as 99 times before`,
      short(102),
      `${short(111)}, as 9 times before`,
    ]);
    expect(err).toContain("100 rows, 0 flagged; 20 lines and 100 cells could not be read");
  });

  test("reports the start and the end of events of a series", async () => {
    const text = sensors(200, 2, (row) => (row >= 100 && row < 120 ? { pressure: "6.5" } : {}));
    const words = ["watch", "s.safetensors", "-", "--fail-on-anomaly"];
    const { code, out } = await run(folder, words, text);
    expect(code).toBe(3);
    expect(out).toMatch(
      /^2026-01-01 01:4\d:00 \(line 10\d\): score .*\n {2}pressure +6\.5 +expected/,
    );
    expect(out).toMatch(/lines 10\d to 1[23]\d: over; \d+ rows flagged/);
  });

  test("a lost or unreadable reading of a series is not an alarm", async () => {
    const swings = (count: number, seed: number) => {
      const random = numbersFrom(seed);
      const rows = Array.from({ length: count }, (_, i) => {
        const noise = () => 0.02 * random();
        const time = new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString();
        const wave = [Math.sin(i / 4), 0.5 * Math.sin(i / 4), Math.sin(i / 4 - 0.7)];
        return [time, ...wave.map((value) => (value + noise()).toFixed(4))].join(",");
      });
      return ["time,a,b,c", ...rows];
    };
    writeFileSync(join(folder, "swings.csv"), `${swings(800, 1).join("\n")}\n`);
    await runLine(folder, "train swings.csv --detector -o w.safetensors -q");
    const lines = swings(200, 2);
    lines[60] = lines[60]?.replace(/,[^,]*$/, ",err") ?? "";
    lines[90] = `${lines[90]?.split(",")[0]},,,`;
    lines[120] = "2026-01-01T0";
    lines.splice(150, 2);
    const { code, out, err } = await run(folder, ["watch", "w.safetensors"], lines.join("\n"));
    expect([code, out]).toEqual([0, ""]);
    expect(err).toMatch(/line 61: column "c" must be a number.*got "err"; taken as missing/);
    expect(err).toContain("line 121: has 1 cell, the header has 4; skipped");
    expect(err).toContain("197 rows, 0 flagged; 1 line and 1 cell could not be read");
  });

  test("names the detector's file and possible options for a decision that its rows do not allow", async () => {
    for (const command of ["watch", "detect"]) {
      const words = [command, "c.safetensors", "news.csv", "--alpha", ".0001"];
      const { code, err } = await run(folder, words);
      expect([code, err.split("\n").at(-2)]).toEqual([
        1,
        "tied-autoencoder: c.safetensors: --alpha 0.0001 takes at least 9999 calibration rows; this detector has 400. Give --alpha 0.0025 or a larger one or --pot 0.0001, or fit more rows",
      ]);
    }
  });

  test("refuses a false discovery rate", async () => {
    const { code, err } = await run(folder, ["watch", "c.safetensors", "-", "--fdr", ".1"]);
    expect([code, err]).toEqual([
      2,
      expect.stringContaining(
        "--fdr judges all rows together, and watch judges each row when it arrives",
      ),
    ]);
  });
});

describe("lines", () => {
  test("do not depend on the pieces of the bytes", async () => {
    const text = new TextEncoder().encode("a,ä\r\n\nlast");
    for (let size = 1; size <= text.length; size++) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      const lines: (string | undefined)[] = [];
      for await (const { text: line } of readLines(iterate(pieces))) lines.push(line);
      expect(lines).toEqual(["a,ä", "", "last"]);
    }
  });

  test("without an end are skipped and not kept in memory", async () => {
    const piece = new Uint8Array(1 << 16).fill(120);
    const pieces = [...Array.from({ length: 40 }, () => piece), Uint8Array.of(10, 97, 10)];
    const lines: (string | undefined)[] = [];
    for await (const { text } of readLines(iterate(pieces))) lines.push(text);
    expect(lines).toEqual([undefined, "a"]);
  });
});

async function* iterate(pieces: readonly Uint8Array[]) {
  yield* pieces;
}
