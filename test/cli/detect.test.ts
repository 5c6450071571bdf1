// From nothing to explained alarms: tables of customers, of sensors, and detectors in files.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { readTable } from "../../src/formats/tables.ts";
import { jsonLines, runHere, runLine, temporaryFolder } from "./program.ts";
import { customers, sensors } from "./tables-made.ts";

const folder = temporaryFolder();
/** Small models: what they find here is plain. */
const SMALL = "--models 2 --steps 300 --hidden 16,8";

const oddCustomers = (row: number) => {
  const odd: Record<number, Record<string, string | number>> = {
    10: { age: 170 },
    11: { country: "XX" },
    12: { currency: "USD" },
    13: { plan: "free", seats: 35, revenue: "1000.00" },
  };
  return odd[row] ?? {};
};
const stuck = (row: number) => (row >= 300 && row < 330 ? { pressure: "6.5" } : {});

beforeAll(async () => {
  const files: Record<string, string> = {
    "customers.csv": customers(400, 1),
    "new.csv": customers(100, 2, oddCustomers),
    "sensors.csv": sensors(600, 1),
    "today.csv": sensors(500, 2, stuck),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { code } = await runLine(folder, `detect customers.csv --save d.safetensors -q ${SMALL}`);
  expect(code).toBe(0);
});

describe("detect DATA NEW", () => {
  test("says what it decided, and which rows are odd and why", async () => {
    const { code, out, err } = await runLine(folder, `detect customers.csv new.csv ${SMALL}`);
    expect(code).toBe(0);
    expect(err).toMatch(/customer_id +id +names rows; not learned/);
    expect(err).toMatch(/country +category +DE, IT, FR/);
    expect(err).toMatch(/age +number +missing in \d/);
    expect(err).toMatch(/currency +constant +always EUR/);
    expect(err).toMatch(/flags +p-values of at most 0\.01: 1 % of normal rows; score above/);
    expect(out).toMatch(
      /customer_id C1010 \(line 12\): score .*\n +age +170 +expected .* \(above\)/,
    );
    expect(out).toMatch(/C1011 \(line 13\).*\n +country +XX +never seen; expected/);
    expect(out).toMatch(/C1012 \(line 14\).*\n +currency +USD +always EUR before/);
    expect(out).toMatch(/\d of 100 rows are flagged/);
    const widths = `${err}${out}`.split("\n").map(({ length }) => length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
  });

  test("writes every row with its names, and the column to blame", async () => {
    await runLine(folder, `detect d.safetensors new.csv -q -o scores.csv`);
    const [header, ...rows] = readFileSync(join(folder, "scores.csv"), "utf8").trim().split("\n");
    expect(header).toBe("row,customer_id,score,pValue,flagged,column,value,expected");
    expect(rows).toHaveLength(100);
    expect(rows[10]).toMatch(/^11,C1010,[\d.]+,0\.00\d+,1,age,170,/);
    expect(rows[0]).toMatch(/^1,C1000,[\d.]+,[\d.]+,0,,,$/);
  });

  test("tells programs as JSON, rows counted from 0", async () => {
    const { out } = await runLine(folder, "detect d.safetensors new.csv --json");
    const events = jsonLines(out);
    expect(events.at(-1)).toMatchObject({ event: "done", rows: 100, decision: { alpha: 0.01 } });
    const anomaly = events.find(({ event, row }) => event === "anomaly" && row === 10);
    expect(anomaly).toMatchObject({
      line: 12,
      names: { customer_id: "C1010" },
      reasons: expect.arrayContaining([expect.objectContaining({ column: "age", value: 170 })]),
    });
  });

  test("ends with code 3 where that is asked for and a row is flagged", async () => {
    const codes: (number | null)[] = [];
    for (const words of ["new.csv --alpha .01", "customers.csv --pot 1e-9"]) {
      const line = `detect d.safetensors ${words} -q --fail-on-anomaly`;
      codes.push((await runLine(folder, line)).code);
    }
    expect(codes).toEqual([3, 0]);
  });
});

describe("score by a detector", () => {
  test("gives its scores and p-values, in parts or whole", async () => {
    const bytes = readFileSync(join(folder, "d.safetensors"));
    const detector = await AnomalyDetector.load(bytes);
    const { columns } = await readTable(readFileSync(join(folder, "new.csv")));
    const { score, pValue } = detector.detect({ columns });
    const { out } = await runLine(folder, "score d.safetensors new.csv --json");
    const rows = jsonLines(out);
    expect(rows).toHaveLength(100);
    for (const [i, row] of rows.entries()) {
      expect(row.score).toBeCloseTo(score[i] ?? 0, 4 - Math.ceil(Math.log10(score[i] ?? 1)));
      expect(row.pValue).toBeCloseTo(pValue[i] ?? 0, 6);
    }
    const encoded = await runLine(folder, "encode d.safetensors new.csv");
    expect([encoded.code, encoded.err]).toEqual([1, expect.stringContaining("is a detector")]);
  });

  test("names the line of what it cannot read", async () => {
    const text = customers(20, 3).replace(/C1004,(.*),\d+,EUR/, "C1004,$1,old,EUR");
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, "score d.safetensors x.csv");
    expect([code, err]).toEqual([1, expect.stringMatching(/x\.csv: line 6, column 7 \("age"\)/)]);
  });
});

describe("info", () => {
  test("describes tables with text, column by column", async () => {
    const { out } = await runLine(folder, "info customers.csv");
    expect(out).toMatch(/width +8 columns/);
    expect(out).toMatch(/country +category +DE, IT, FR/);
    expect(out).toContain('train takes numbers, and "customer_id" holds text; detect takes both');
  });

  test("and what a detector knows", async () => {
    const { out } = await runLine(folder, "info d.safetensors");
    expect(out).toMatch(
      /detector +2 models of 9,16,8\nlearned +400 rows\nflags +p-values of at most/,
    );
    expect(out).toMatch(/currency +constant +always EUR/);
  });
});

test("report tells of a detector in one page, with names from files escaped", async () => {
  const rows = readFileSync(join(folder, "new.csv"), "utf8").trim().split("\n");
  const labelled = rows.map(
    (row, i) => `${row},${i === 0 ? "odd" : i > 10 && i < 15 ? "yes" : "no"}`,
  );
  const text = labelled.join("\n").replace("C1010", "<b>C1010");
  writeFileSync(join(folder, "told.csv"), text);
  await runLine(folder, "report d.safetensors told.csv --labels odd -o r.html");
  const html = readFileSync(join(folder, "r.html"), "utf8");
  expect(html).toContain("which call 4 rows odd: AUROC");
  expect(html).toMatch(/<td>12<\/td><td>&lt;b&gt;C1010<\/td>.*<td>age 170, expected/);
  // Which of the rows are flagged; where few are, the next oddest are told too.
  expect(html).toMatch(/<td>yes<\/td><td>age 170, expected/);
  const again = await runLine(folder, "report d.safetensors told.csv -o r.html");
  expect(again.code).toBe(0); // a report may be replaced by the next one
  const strict = await runLine(folder, "report d.safetensors told.csv --alpha 0.005 -o r.html");
  expect(strict.code).toBe(0);
  expect(readFileSync(join(folder, "r.html"), "utf8")).toMatch(/<td>no<\/td>/);
  writeFileSync(join(folder, "own.html"), "<p>mine</p>");
  const refused = await runLine(folder, "report d.safetensors told.csv -o own.html");
  expect(refused.err).toContain("exists and is not a report of this program");
  expect(html).toMatch(/<td>currency<\/td><td>constant<\/td><td><\/td><td>always EUR<\/td>/);
});

describe("train --detector", () => {
  test("makes the same detector as detect, and --continue learns on", async () => {
    await runLine(folder, `train customers.csv --detector -o t.safetensors -q ${SMALL}`);
    const [made, saved] = ["t", "d"].map((name) =>
      readFileSync(join(folder, `${name}.safetensors`)),
    );
    expect(made?.equals(saved ?? Buffer.of())).toBe(true);
    writeFileSync(join(folder, "next.csv"), customers(100, 9));
    const { code, err } = await runLine(folder, "train next.csv --continue -o t.safetensors");
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/Learned on from 100 rows in .* saved t/),
    ]);
    expect(readFileSync(join(folder, "t.safetensors")).equals(made ?? Buffer.of())).toBe(false);
  });

  test("refuses options of models, and a model options of detectors", async () => {
    const detector = await runLine(folder, "train customers.csv --detector --layers 4");
    expect([detector.code, detector.err]).toEqual([
      2,
      expect.stringContaining("--layers is for models"),
    ]);
    const model = await runLine(folder, "train customers.csv --window 4");
    expect([model.code, model.err]).toEqual([
      2,
      expect.stringContaining("--window is for detectors"),
    ]);
  });
});

describe("detect DATA", () => {
  test("judges each row by models that have not seen it", async () => {
    writeFileSync(join(folder, "mixed.csv"), customers(400, 1, oddCustomers));
    const { code, out } = await runLine(folder, `detect mixed.csv -q --alpha .02 ${SMALL}`);
    expect(code).toBe(0);
    const found = out.match(/C10\d\d/g) ?? [];
    expect(found).toEqual(expect.arrayContaining(["C1010", "C1012"]));
    expect(out).toMatch(/of 400 rows are flagged.* Of as many normal\s+rows about 8 would be/s);
  });

  test("refuses a false discovery rate among the rows that were learned from", async () => {
    const { code, err } = await runLine(folder, "detect customers.csv --fdr .1");
    expect(code).toBe(2);
    expect(err).toContain("name a second file of rows to judge");
  });
});

describe("time series", () => {
  test("are told by a column of times, and alarms are stretches", async () => {
    const { out, err } = await runLine(folder, "detect sensors.csv today.csv");
    expect(err).toContain('"time" goes up evenly');
    expect(err).toContain("windows of 10 rows");
    expect(out).toMatch(/2026-01-01 04:5\d:00 to 05:3\d:00, .*|\(lines 29\d to 33\d/);
    expect(out).toMatch(/pressure +6\.5 +expected .*\(above\)/);
    expect(out).toContain("in 1 stretch");
  });

  test("learn from the first rows and compare with labels", async () => {
    const rows = sensors(600, 3, (row) => (row >= 500 ? { flow: "90" } : {}))
      .trim()
      .split("\n");
    const labelled = rows.map(
      (row, i) => `${row},${i === 0 ? "anomaly" : i > 500 ? "1.0" : "0.0"}`,
    );
    writeFileSync(join(folder, "labelled.csv"), `${labelled.join("\n")}\n`);
    const { out, err } = await runLine(folder, "detect labelled.csv --learn 400 --labels anomaly");
    expect(err).toMatch(/anomaly +ignore/);
    expect(out).toMatch(/call 100 rows odd: AUROC (1\.000|0\.99)/);
    const guessed = await runLine(
      folder,
      `detect labelled.csv --learn 400 --window none -q ${SMALL}`,
    );
    expect(guessed.err).toContain("anomaly looks like the answer and is left out");
  });

  test("of many machines are told apart by a column", async () => {
    const [header, ...first] = sensors(120, 4).trim().split("\n");
    const [, ...second] = sensors(120, 5).trim().split("\n");
    const rows = first.flatMap((row, i) => [`${row},north`, `${second[i]},south`]);
    writeFileSync(join(folder, "machines.csv"), `${header},machine\n${rows.join("\n")}\n`);
    const { err } = await runLine(folder, "detect machines.csv");
    expect(err).toContain('"time" goes up evenly for each "machine"');
  });
});

describe("what is wrong", () => {
  const refusals: Record<string, [string, string, RegExp]> = {
    "one row": ["a,b\n1,2\n", "detect x.csv", /x\.csv: a detector needs at least 5 rows/],
    "no rows": ["a,b\n", "detect x.csv", /x\.csv: there are no rows to learn from/],
    "all rows equal": [
      "a,b\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n",
      "detect x.csv",
      /x\.csv: .*nothing to learn|no column/i,
    ],
    "decimal commas": [
      "a;b\n1,5;2\n2,5;3\n",
      "detect x.csv",
      /line 2, column 1 \("a"\): expected a number, got "1,5".*--decimal/,
    ],
    "time backwards": [
      `time,a\n${[3, 2, 1, 5, 6, 7].map((t) => `2024-01-0${t},${t}`).join("\n")}\n`,
      "detect x.csv --window 2",
      /x\.csv: time runs backwards: line 3 is earlier than line 2.*--group-by/,
    ],
    "a window longer than the series": [
      `a,b\n${[1, 2, 3, 4, 5, 6].map((t) => `${t},${t * t}`).join("\n")}\n`,
      "detect x.csv --window 50",
      /windows of 50 rows are longer than the series.*has 6/i,
    ],
    "contamination .9": ["a\n1\n", "detect x.csv --contamination .9", /at most 0\.5; got 0\.9/],
    "alpha 1": [
      "a\n1\n",
      "detect x.csv --alpha 1",
      /--alpha must be greater than 0 and less than 1/,
    ],
    "a column that is not there": ["a,b\n1,2\n", "detect x.csv --labels c", /has no column "c"/],
    "two decisions": ["a\n1\n", "detect x.csv --alpha .1 --fdr .1", /take one/],
  };
  test.each(Object.entries(refusals))("%s", async (_, [text, line, message]) => {
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, line);
    expect([code === 1 || code === 2, err]).toEqual([true, expect.stringMatching(message)]);
    expect(err).not.toMatch(/ at .*\.ts:/);
  });

  test("text where a number was, in a file to judge", async () => {
    const text = customers(20, 3).replace(/C1004,(.*),\d+,EUR/, "C1004,$1,old,EUR");
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, "detect d.safetensors x.csv");
    expect(code).toBe(1);
    expect(err).toMatch(/x\.csv: line 6, column 7 \("age"\): expected a number, got "old"/);
  });

  test("a detector that is there is kept", async () => {
    const before = readFileSync(join(folder, "d.safetensors"));
    const { code, err } = await runLine(folder, "train new.csv -c seats,revenue -o d.safetensors");
    expect([code, err]).toEqual([1, expect.stringContaining("is not a model of this program")]);
    expect(readFileSync(join(folder, "d.safetensors")).equals(before)).toBe(true);
  });

  test("a model is no detector", async () => {
    await runLine(folder, "train customers.csv -c seats,revenue -e 1 -q -o m.safetensors");
    const { code, err } = await runHere(folder, ["detect", "m.safetensors", "new.csv"]);
    expect([code, err]).toEqual([1, expect.stringContaining("is a model, not a detector")]);
  });
});

test("one row of one column is counted in words, and a table without numbers has no range", async () => {
  writeFileSync(join(folder, "header.csv"), "a,b\n");
  const { out } = await runLine(folder, "info header.csv");
  expect(out).toContain("range     none\n");
  expect(out).not.toContain("train would take");
  writeFileSync(join(folder, "one.csv"), "a\n1\n");
  const { err } = await runLine(folder, "detect one.csv");
  expect(err).toContain("1 row of 1 column in one.csv");
});

test("what a file to save may not replace names the option that takes another", async () => {
  const { err } = await runLine(folder, `detect customers.csv --save customers.csv ${SMALL}`);
  expect(err).toContain("--save takes another name");
});
