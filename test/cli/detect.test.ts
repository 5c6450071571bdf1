// Detectors on the command line, from a table to explained alarms: tables of customers and of sensors, and detectors in
// files.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { readTable } from "../../src/formats/tables.ts";
import { jsonLines, runHere, runLine, temporaryFolder } from "./program.ts";
import { customers, sensors } from "./tables-made.ts";

const folder = temporaryFolder();
/** Small models are enough, because the odd rows are easy to find. */
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
  test("reports its choices, and which rows are odd and why", async () => {
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

  test("judges rows of one table by models that have not seen them, and says what is unlikely", async () => {
    const odd = (row: number) => (row === 40 ? { plan: "gold" } : row === 50 ? { age: 150 } : {});
    writeFileSync(join(folder, "one.csv"), customers(300, 5, odd));
    const { out, err } = await runLine(folder, `detect one.csv ${SMALL}`);
    expect(out).toMatch(
      /C1040 \(line 42\).*\n +plan +gold +0\.\d+ % likely, expected (free|basic|pro)\n/,
    );
    expect(out).toMatch(/C1050 \(line 52\).*\n +age +150 +expected \d\d(\.\d+)? \(above\)/);
    expect(err).not.toContain("orders rows");
  });

  test("writes every row with its names, and the column of the first reason", async () => {
    await runLine(folder, `detect d.safetensors new.csv -q -o scores.csv`);
    const [header, ...rows] = readFileSync(join(folder, "scores.csv"), "utf8").trim().split("\n");
    expect(header).toBe("row,customer_id,score,pValue,flagged,column,value,expected");
    expect(rows).toHaveLength(100);
    expect(rows[10]).toMatch(/^11,C1010,[\d.]+,0\.00\d+,1,age,170,/);
    expect(rows[0]).toMatch(/^1,C1000,[\d.]+,[\d.]+,0,,,$/);
  });

  test("prints JSON for programs, with rows counted from 0", async () => {
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

  test("ends with code 3 on request if a row is flagged", async () => {
    const codes: (number | null)[] = [];
    for (const words of ["new.csv --alpha .01", "customers.csv --pot 1e-9"]) {
      const line = `detect d.safetensors ${words} -q --fail-on-anomaly`;
      codes.push((await runLine(folder, line)).code);
    }
    expect(codes).toEqual([3, 0]);
  });
});

describe("score with a detector", () => {
  test("decimal commas and points give the same scores, and the options for numbers count", async () => {
    const points = readFileSync(join(folder, "new.csv"), "utf8");
    const commas = points.replaceAll(",", ";").replaceAll(".", ",");
    expect(commas).toMatch(/\d,\d/);
    writeFileSync(join(folder, "commas.csv"), commas);
    const expected = await runLine(folder, "score d.safetensors new.csv");
    const found = await runLine(folder, "score d.safetensors commas.csv");
    expect(found.out).toBe(expected.out);
    const refused = await runLine(folder, "score d.safetensors commas.csv --decimal .");
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("--decimal , reads")]);
  });

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
    expect(rows[3]).toMatchObject({ row: 3, names: { customer_id: "C1003" } });
    const csv = await runLine(folder, "score d.safetensors new.csv -o s.csv");
    expect(csv.err).toMatch(/^100 rows in [\d.]+ s; saved s\.csv\n$/);
    const lines = readFileSync(join(folder, "s.csv"), "utf8").trim().split("\n");
    expect(lines[0]).toBe("customer_id,score,pValue");
    expect(lines).toHaveLength(101);
    expect(lines[4]).toMatch(/^C1003,[\d.]+,0\.\d+$/);
    const encoded = await runLine(folder, "encode d.safetensors new.csv");
    expect([encoded.code, encoded.err]).toEqual([1, expect.stringContaining("is a detector")]);
  });

  test("names the line of an error", async () => {
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

  test("describes detectors", async () => {
    const { out } = await runLine(folder, "info d.safetensors");
    expect(out).toMatch(
      /detector +2 models of 9,16,8\nlearned +400 rows\nflags +p-values of at most/,
    );
    expect(out).toMatch(/currency +constant +always EUR/);
  });
});

test("report describes a detector in one page, with names from files escaped", async () => {
  const rows = readFileSync(join(folder, "new.csv"), "utf8").trim().split("\n");
  const labelled = rows.map(
    (row, i) => `${row},${i === 0 ? "odd" : i > 10 && i < 15 ? "yes" : "no"}`,
  );
  const text = labelled.join("\n").replace("C1010", "<b>C1010");
  writeFileSync(join(folder, "told.csv"), text);
  const { err } = await runLine(folder, "report d.safetensors told.csv --labels odd -o r.html");
  expect(err).toBe("saved r.html\n");
  const html = readFileSync(join(folder, "r.html"), "utf8");
  expect(html).toContain("which call 4 rows odd: AUROC");
  expect(html).toMatch(
    /<td data-label="Line">12<\/td><td data-label="Name">&lt;b&gt;C1010<\/td>.*>age 170, expected/,
  );
  // The report marks the flagged rows. If they are few, it also shows the next oddest rows.
  expect(html).toMatch(/>yes<\/td><td data-label="Reasons">age 170, expected/);
  const again = await runLine(folder, "report d.safetensors told.csv -o r.html");
  expect(again.code).toBe(0); // a report may be replaced by the next one
  const strict = await runLine(folder, "report d.safetensors told.csv --alpha 0.005 -o r.html");
  expect(strict.code).toBe(0);
  expect(readFileSync(join(folder, "r.html"), "utf8")).toMatch(/<td data-label="Flagged">no<\/td>/);
  writeFileSync(join(folder, "own.html"), "<p>mine</p>");
  const refused = await runLine(folder, "report d.safetensors told.csv -o own.html");
  expect(refused.err).toContain("exists and is not a report of this program");
  expect(html).toMatch(/<td>currency<\/td><td>constant<\/td><td><\/td><td>always EUR<\/td>/);
});

describe("train --detector", () => {
  test("makes the same detector as detect, and --continue continues learning", async () => {
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
    expect(out).toMatch(
      /of 400 rows are flagged.* Among 400\s+normal rows about 8 would be flagged/s,
    );
  });

  test("a note says if more rows are odd than the share that is flagged", async () => {
    // A sensor sends the same value in 40 of 400 rows.
    const stuck = (i: number) => (i >= 200 && i < 240 ? { temp: "900" } : {});
    writeFileSync(join(folder, "many.csv"), sensors(400, 8, stuck));
    const { err } = await runLine(folder, "detect many.csv");
    expect(err.replaceAll(/\s+/g, " ")).toMatch(
      /note (\d+) rows score more than 10 times as high .* only 1 % of all are flagged\. --contamination 0\.0\d flags more/,
    );
    writeFileSync(join(folder, "many.csv"), sensors(400, 8));
    expect((await runLine(folder, "detect many.csv")).err).not.toContain("--contamination");
  });

  test("with a contamination flags that share, and states no rate for normal rows", async () => {
    const line = `detect mixed.csv -q --contamination .02 ${SMALL}`;
    const { out } = await runLine(folder, line);
    expect(out.replace(/\s+/g, " ")).toContain(
      "8 of 400 rows are flagged. Flagged is what scores as high as the oddest 2 % of the rows learned from.",
    );
    expect(out).not.toContain("normal");
  });

  test("shows a threshold below the flagged scores", async () => {
    const { out, err } = await runLine(folder, `detect mixed.csv --alpha .02 --top 400 ${SMALL}`);
    const [, threshold] = /score above ([\d.]+)/.exec(err) ?? [];
    const scores = [...out.matchAll(/score ([\d.]+),/g)].map(([, score]) => Number(score));
    expect(scores).toHaveLength(8);
    expect(Math.min(...scores)).toBeGreaterThan(Number(threshold));
  });

  test("refuses a false discovery rate for the training rows", async () => {
    const { code, err } = await runLine(folder, "detect customers.csv --fdr .1");
    expect(code).toBe(2);
    expect(err).toContain("name a second file of rows to judge");
  });
});

describe("time series", () => {
  test("are recognised by a column of times, and alarms are events", async () => {
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

  test("with faults among the rows learned from have a note about --contamination", async () => {
    const faults = (row: number) => (row % 200 === 100 ? { pressure: "25" } : {});
    writeFileSync(join(folder, "faulty.csv"), sensors(600, 1, faults));
    const told = async (line: string) => (await runLine(folder, line)).err.replace(/\s+/g, " ");
    const note = "a detector made with --contamination .01 finds smaller ones";
    expect(await told("detect faulty.csv today.csv")).toContain(note);
    expect(await told("detect sensors.csv today.csv")).not.toContain(note);
  });

  test("of many machines are separated by a column", async () => {
    const [header, ...first] = sensors(120, 4).trim().split("\n");
    const [, ...second] = sensors(120, 5).trim().split("\n");
    const rows = first.flatMap((row, i) => [`${row},north`, `${second[i]},south`]);
    writeFileSync(join(folder, "machines.csv"), `${header},machine\n${rows.join("\n")}\n`);
    const { err } = await runLine(folder, "detect machines.csv");
    expect(err).toContain('"time" goes up evenly for each "machine"');
    expect(err).toMatch(/machine +ignore +names the series; not learned/);
    expect(err).toMatch(/time +time +orders rows; not learned/);
  });
});

describe("errors and warnings", () => {
  const refusals: Record<string, [string, string, RegExp]> = {
    "one row": ["a,b\n1,2\n", "detect x.csv", /x\.csv: a detector needs at least 5 rows/],
    "no rows": ["a,b\n", "detect x.csv", /x\.csv: there are no rows to learn from/],
    "all rows equal": [
      "a,b\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n",
      "detect x.csv",
      /x\.csv: .*nothing to learn|no column/i,
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
    "alpha 0, before anything is read": [
      "",
      "detect nothing.csv --alpha 0",
      /--alpha must be greater than 0 and less than 1; got 0\./,
    ],
    "alpha below 0 says the same": [
      "",
      "detect nothing.csv --alpha -0.1",
      /--alpha must be greater than 0 and less than 1; got -0\.1\./,
    ],
    "a calibration that is no share": [
      "",
      "detect nothing.csv --calibration 2",
      /--calibration must be greater than 0 and less than 1, or cross; got 2\./,
    ],
    "a common alarm by a tail": [
      "",
      "detect customers.csv --pot .5",
      /--pot is for rare alarms, at most 0\.03 with 400 rows; got 0\.5\. --alpha flags such a share/,
    ],
    "a tail of few rows": [
      "a,b\n1,2\n2,1\n3,5\n4,4\n5,1\n",
      "detect x.csv --pot .01",
      /x\.csv: --pot takes at least 100 rows to learn from; here are 5/,
    ],
    "an alpha that the detector of a report cannot reach": [
      "",
      "report d.safetensors nothing.csv -o r.html --alpha .0001",
      /^tied-autoencoder: d\.safetensors: --alpha 0\.0001 takes at least 9999 calibration rows/m,
    ],
    "a tail for common alarms in a report": [
      "",
      "report d.safetensors nothing.csv -o r.html --pot .5",
      /^tied-autoencoder: d\.safetensors: --pot fits a tail to the .* nothing of a chance above .*; got 0\.5\. Take --alpha or --quantile/m,
    ],
    "an alpha that few rows cannot reach": [
      "a,b\n1,2\n2,1\n3,5\n4,4\n5,1\n",
      "detect x.csv --alpha .01",
      /x\.csv: --alpha 0\.01 takes at least 99 rows to learn from; here are 5/,
    ],
    "labels of several classes": [
      "a,b,kind\n1,2,0\n2,1,1\n3,5,2\n4,4,0\n5,1,1\n",
      "detect x.csv --labels kind",
      /x\.csv: column "kind": a label is 1 or 0.*this one has 3 values: 0, 1, 2/,
    ],
    "labels that are no labels": [
      "a,b,kind\n1,2,1\n2,1,2\n3,5,1\n",
      "detect x.csv --labels kind",
      /x\.csv: line 3, column "kind": a label is 1 or 0, .*got "2"/,
    ],
    "nothing but times": [
      "time,a\n2024-01-01,1\n2024-01-02,2\n2024-01-03,5\n",
      "detect x.csv --columns time",
      /nothing to learn from: .*\(orders rows: time; left out: a\)/,
    ],
    "series told apart by what is measured": [
      `time,a\n${Array.from({ length: 30 }, (_, i) => `2024-01-${String(i + 1).padStart(2, "0")},${i * i}`).join("\n")}\n`,
      "detect x.csv --group-by a",
      /--group-by a: no value of this column stands in as many as 2 rows/,
    ],
    "a folder that is not there": [
      "",
      "detect nothing.csv -o nowhere/scores.csv",
      /nowhere\/scores\.csv: there is no folder nowhere/,
    ],
    "a folder of a detector that is not there": [
      "",
      "detect nothing.csv --save nowhere/d.safetensors",
      /there is no folder nowhere/,
    ],
    "a column of numbers with a unit names the option": [
      "a,b\n1,2.50 kg\n2,3.50 kg\n",
      "detect x.csv",
      /column "b" looks like numbers of another style, such as "2\.50 kg": --units reads numbers with a unit/,
    ],
    "decimal points and decimal commas": [
      "a;b;c\n1.5;2,50;3 %\n2;3,50;4 %\n",
      "detect x.csv",
      /^tied-autoencoder: x\.csv: line 2, column 2 \("b"\): expected a number, got "2,50" \(the numbers of this table are written in more than one way, with decimal points and decimal commas\)$/m,
    ],
    "options that read a part of the notation name all": [
      "a;b\n9,5 €;3 %\n1.234,50 €;4 %\n",
      "detect x.csv --units € --decimal ,",
      /^tied-autoencoder: x\.csv: line 3, column 1 \("a"\): expected a number, got "1\.234,50 €" \(--decimal , --thousands \. --units '€,%' reads all numbers of this table\)$/m,
    ],
    "decimal commas between commas": [
      'a,b\n"1,5",1\n"2,5 €",2\n',
      "detect x.csv",
      /got "1,5" \(--delimiter , --decimal , --units '€' reads all numbers of this table\)/,
    ],
    "digits in groups or decimals, which no cell decides": [
      'a,b\n"1,234",1\n"2,345",2\n',
      "detect x.csv",
      /got "1,234" \(--decimal , reads decimal commas\)/,
    ],
    "operands in the wrong order": [
      "",
      "detect new.csv d.safetensors",
      /d\.safetensors is a detector, which comes first: tied-autoencoder detect d\.safetensors new\.csv/,
    ],
    "two decisions": ["a\n1\n", "detect x.csv --alpha .1 --fdr .1", /take one/],
  };
  test.each(Object.entries(refusals))("%s", async (_, [text, line, message]) => {
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, line);
    expect([code === 1 || code === 2, err]).toEqual([true, expect.stringMatching(message)]);
    expect(err).not.toMatch(/ at .*\.ts:/);
  });

  test("signs of percentages and of money are dropped, and so in later tables", async () => {
    const line = (i: number) => `${i % 7},5 %;€ ${(i * 3) % 11},25;${i % 5}`;
    const rows = Array.from({ length: 40 }, (_, i) => line(i));
    writeFileSync(join(folder, "signs.csv"), `share;price;n\n${rows.join("\n")}\n`);
    const words = `detect signs.csv --save signs.safetensors --alpha .1 ${SMALL}`;
    const { code, err, out } = await runLine(folder, words);
    expect(code, err).toBe(0);
    expect(out + err).toContain("csv with decimal commas, % € dropped");
    expect(out + err).toMatch(/share +number/);
    const { config } = await AnomalyDetector.load(readFileSync(join(folder, "signs.safetensors")));
    expect(config.cells).toMatchObject({ decimal: ",", units: ["%", "€"] });
    writeFileSync(join(folder, "new.csv"), `share;price;n\n${line(1)}\n`);
    const later = await runLine(folder, "detect signs.safetensors new.csv");
    expect(later.code, later.err).toBe(0);
  });

  test.each([
    ["German", ".", (n: number) => `${n % 9},50 €`, (n: number) => `1.${100 + n},25 €`],
    [
      "French",
      " ",
      (n: number) => `${n % 9},50\u00a0€`,
      (n: number) => `1\u202f${100 + n},25\u00a0€`,
    ],
    ["Swiss", "'", (n: number) => `${n % 9}.50 €`, (n: number) => `1\u2019${100 + n}.25 €`],
  ])("amounts of thousands, %s", async (_, thousands, small, large) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 3 ? small(i) : large(i)};${i % 7}`);
    writeFileSync(join(folder, "money.csv"), `price;n\n${rows.join("\n")}\n`);
    const words = `detect money.csv --save money.safetensors --alpha .1 ${SMALL}`;
    const { code, err } = await runLine(folder, words);
    expect(code, err).toBe(0);
    const example = `1${thousands}234${thousands === "'" ? "." : ","}5`;
    expect(err.replaceAll(/\s+/g, " ")).toContain(`csv with numbers like ${example}, € dropped`);
    expect(err).toMatch(/price +number/);
    const { config } = await AnomalyDetector.load(readFileSync(join(folder, "money.safetensors")));
    expect(config.cells).toMatchObject({ thousands, units: ["€"] });
    writeFileSync(join(folder, "new.csv"), `price;n\n${large(0)};0\n`);
    expect((await runLine(folder, "detect money.safetensors new.csv")).code).toBe(0);
  });

  test("words for missing values are known in later tables", async () => {
    const line = (i: number) => `${i % 25 === 7 ? "k.A." : i % 9},${i % 5}`;
    const rows = Array.from({ length: 100 }, (_, i) => line(i));
    writeFileSync(join(folder, "words.csv"), `a,b\n${rows.join("\n")}\n`);
    const { code, err } = await runLine(
      folder,
      `detect words.csv --save words.safetensors ${SMALL}`,
    );
    expect(code, err).toBe(0);
    expect(err).toMatch(/"k\.A\." is no number, as 96 of 100 values are/);
    const info = await runLine(folder, "info words.csv");
    expect(info.out).toMatch(/a +number +missing in 4 %/);
    writeFileSync(join(folder, "new.csv"), "a,b\nk.A.,1\n3,4\n");
    const later = await runLine(folder, "detect words.safetensors new.csv");
    expect(later.code, later.err).toBe(0);
    writeFileSync(join(folder, "new.csv"), "a,b\nold,1\n3,4\n");
    expect((await runLine(folder, "detect words.safetensors new.csv")).err).toMatch(/got "old"/);
  });

  test("text in a column of numbers, in a file to judge", async () => {
    const text = customers(20, 3).replace(/C1004,(.*),\d+,EUR/, "C1004,$1,old,EUR");
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, "detect d.safetensors x.csv");
    expect(code).toBe(1);
    expect(err).toMatch(/x\.csv: line 6, column 7 \("age"\): expected a number, got "old"/);
  });

  test("a file to judge is checked before the learning", async () => {
    writeFileSync(join(folder, "x.csv"), "country,plan\nDE,free\n");
    for (const [other, why] of [
      [
        "x.csv",
        /x\.csv: has no columns? .*seats.*, which the detector learned; it has country, plan/,
      ],
      ["nothing.csv", /nothing\.csv: no such file/],
    ] as const) {
      const { code, err } = await runLine(folder, `detect customers.csv ${other}`);
      expect([code, err]).toEqual([1, expect.stringMatching(why)]);
      expect(err).not.toContain("learning");
    }
    writeFileSync(join(folder, "x.csv"), sensors(9, 2));
    const { code, err } = await runLine(folder, "detect sensors.csv x.csv");
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/x\.csv: windows of 10 rows are longer than the 9 rows to judge/),
    ]);
    expect(err).not.toContain("detector ");
  });

  test("a typing error among numbers counts as missing, with a warning", async () => {
    const text = sensors(200, 4).replace(/(02:00:00),[\d.]+/, "$1,7o.1");
    writeFileSync(join(folder, "x.csv"), text);
    const { code, err } = await runLine(folder, "detect x.csv");
    expect(code).toBe(0);
    expect(err).toContain(
      'warning: x.csv: line 122, column "temp": "7o.1" is no number, as 199 of 200 values are; it is taken as missing',
    );
    expect(err).toMatch(/temp +number +missing in 0\.5 %/);
  });

  test("if times are not those of a series, the message has the reason and the remedy", async () => {
    const rows = sensors(200, 4).trim().split("\n");
    const says = async (lines: readonly string[]) => {
      writeFileSync(join(folder, "x.csv"), `${lines.join("\n")}\n`);
      const { err } = await runLine(folder, `detect x.csv ${SMALL}`);
      const [, text = ""] = /series +(.*?)\n(?=\S)/s.exec(err) ?? [];
      return text.replace(/\s+/g, " ");
    };
    const [header = "", ...data] = rows;
    expect(await says(rows.slice(0, 60))).toBe(
      '"time" is a time, but 59 rows are few: each row by itself; --window N makes windows',
    );
    const swapped = [
      header,
      ...data.slice(0, 50),
      data[51] ?? "",
      data[50] ?? "",
      ...data.slice(52),
    ];
    expect(await says(swapped)).toBe(
      '"time" goes back at line 53: each row by itself; rows in order of time, or of each --group-by COLUMN, make windows',
    );
    const long = sensors(400, 4).trim().split("\n");
    const rates = long.filter((_, i) => i <= 100 || i % 5 === 0);
    expect(await says(rates)).toMatch(/^"time" goes up at more than one rate: each row by itself/);
    const slashed = data.map((row) => row.replace(/^(\d+)-(\d+)-(\d+)/, "$2/$3/$1"));
    expect(await says([header, ...slashed])).toBe(
      'in dates of "time" such as "01/01/2026 00:00:00" the day may be the first number or the second: each row by itself; dates written as 2026-12-31 order rows',
    );
    const apart = data.map((row) => row.replace(" ", ","));
    expect(await says([`date,${header}`, ...apart])).toBe(
      '"time" has times of day without dates: each row by itself; one column with both orders rows',
    );
    const twoDays = apart.map((row, i) =>
      i < 100 ? row : row.replace("2026-01-01", "2026-01-02"),
    );
    expect(await says([`date,${header}`, ...twoDays])).toBe(
      '"date" has dates, and "time" times of day: each row by itself; one column with both orders rows',
    );
    const soon = data.map((row, i) => (i === 7 ? row.replace(/^[^,]*/, "soon") : row));
    writeFileSync(join(folder, "x.csv"), [header, ...soon].join("\n"));
    const { err } = await runLine(folder, `detect x.csv ${SMALL}`);
    expect(err).toContain(
      'x.csv: line 9, column "time": "soon" is no time, as 199 of 200 values are; the column orders no rows',
    );
  });

  test("rows of a series that no window covers are reported", async () => {
    const [header, ...data] = sensors(130, 4).trim().split("\n");
    const apart = [...data.slice(0, 60), ...data.slice(80, 84), ...data.slice(100)];
    writeFileSync(join(folder, "x.csv"), [header, ...apart].join("\n"));
    const { err } = await runLine(folder, "detect sensors.csv x.csv");
    expect(err).toContain(
      "x.csv: 4 rows are in no window, the first of them line 62: their stretches between gaps are shorter than 10 rows. They are not judged; their score is 0",
    );
  });

  test("an existing detector is kept", async () => {
    const before = readFileSync(join(folder, "d.safetensors"));
    const { code, err } = await runLine(folder, "train new.csv -c seats,revenue -o d.safetensors");
    expect([code, err]).toEqual([1, expect.stringContaining("is not a model of this program")]);
    expect(readFileSync(join(folder, "d.safetensors")).equals(before)).toBe(true);
  });

  test("a model is refused as a detector", async () => {
    await runLine(folder, "train customers.csv -c seats,revenue -e 1 -q -o m.safetensors");
    const { code, err } = await runHere(folder, ["detect", "m.safetensors", "new.csv"]);
    expect([code, err]).toEqual([1, expect.stringContaining("is a model, not a detector")]);
  });
});

test("one row and one column are singular, and a table without numbers has no range", async () => {
  writeFileSync(join(folder, "header.csv"), "a,b\n");
  const { out } = await runLine(folder, "info header.csv");
  expect(out).toContain("range     none\n");
  expect(out).not.toContain("train would take");
  writeFileSync(join(folder, "one.csv"), "a\n1\n");
  const { err } = await runLine(folder, "detect one.csv");
  expect(err).toContain("1 row of 1 column in one.csv");
});

test("if a file to save may not be replaced, the message names the option for another name", async () => {
  const { err } = await runLine(folder, `detect customers.csv --save customers.csv ${SMALL}`);
  expect(err).toContain("--save takes another name");
});
