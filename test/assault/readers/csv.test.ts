// Random CSV, well-formed or not, with random options. The result is rows or a FormatError. It is the same in one piece, in
// many pieces and through gzip, and for all readers.

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CsvDialectOptions, openCsv } from "../../../src/formats/csv.ts";
import { FormatError } from "../../../src/formats/errors.ts";
import type { ByteSource } from "../../../src/formats/streams.ts";
import { readTable, streamTable } from "../../../src/formats/tables.ts";
import { attack, cuts, damaged, inPieces } from "../support.ts";

const number = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x.toExponential(17)),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => x.toFixed(4)),
  fc.stringMatching(/^[+-]?\d{0,40}[.,]?\d{0,40}([eEdD][+-]?\d{0,5})?$/),
  fc.stringMatching(/^[$€]?\d{1,3}([,.' ]\d{3}){0,3}( ?%| ?kg)?$/),
);
const token = fc.constantFrom(
  "",
  "NA",
  "nan",
  "-NaN",
  "null",
  "?",
  "-",
  "#N/A",
  "inf",
  "-Infinity",
  "0x1F",
  "1.#IND",
);
const label = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "id",
    "x y",
    "größe",
    "1940",
    "1945",
    "0",
    "1",
    "2",
    "2024-05-01",
    "é😀",
  ),
  fc.string({ maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('"', ",", ";", "|", "\t", "\n", "\r", " ", "a", "1", "."),
    maxLength: 12,
  }),
);
const cell = fc.oneof({ weight: 5, arbitrary: number }, token, label);

/** A cell with or without quotation marks, which may be missing even if they are necessary. */
const written = fc
  .tuple(cell, fc.constantFrom("auto", "auto", "always", "never"), fc.nat(3))
  .map(([text, quotes, blanks]) => {
    const quoted = quotes === "always" || (quotes === "auto" && /[",;|\t\r\n]/.test(text));
    const body = quoted ? `"${text.replaceAll('"', '""')}"` : text;
    return blanks === 1 ? ` ${body} ` : body;
  });

const file = fc
  .record({
    mark: fc.constantFrom("", "", "", "\ufeff"),
    header: fc.option(fc.array(label, { minLength: 1, maxLength: 6 })),
    width: fc.integer({ min: 1, max: 6 }),
    cells: fc.array(written, { maxLength: 60 }),
    delimiter: fc.constantFrom(",", ";", "\t", "|"),
    lineEnd: fc.constantFrom("\n", "\n", "\r\n", "\r", "\n\n"),
    last: fc.boolean(),
  })
  .map(({ mark, header, width, cells, delimiter, lineEnd, last }) => {
    const rows: string[] = header ? [header.join(delimiter)] : [];
    const columns = header?.length ?? width;
    for (let at = 0; at + columns <= cells.length; at += columns) {
      rows.push(cells.slice(at, at + columns).join(delimiter));
    }
    return new TextEncoder().encode(mark + rows.join(lineEnd) + (last ? lineEnd : ""));
  });

const options: fc.Arbitrary<CsvDialectOptions> = fc.record(
  {
    header: fc.constantFrom(true, false, "auto" as const),
    delimiter: fc.constantFrom(
      "auto" as const,
      "," as const,
      ";" as const,
      "\t" as const,
      "|" as const,
    ),
    decimal: fc.constantFrom("." as const, "," as const),
    thousands: fc.constantFrom("'" as const, " " as const),
    units: fc.constant(["%", "kg", "$"]),
    missing: fc.constantFrom(["x"], ["0", "-1"], []),
    columns: fc.constantFrom("1", "!1", "2-", '"a"', ["a", 1], "", "1,1"),
    expected: fc.constantFrom(["a"], ["1940", "1945"], []),
  },
  { requiredKeys: [] },
);

interface Outcome {
  readonly error?: string;
  readonly names?: readonly string[] | undefined;
  readonly values?: readonly number[];
  readonly lines?: readonly (number | undefined)[];
  readonly warnings?: readonly string[];
}

async function outcome(
  source: ByteSource,
  read: CsvDialectOptions,
  type: "float32" | "float64",
): Promise<Outcome> {
  try {
    const warnings: string[] = [];
    const csv = await openCsv(source, { ...read, onWarning: (message) => warnings.push(message) });
    const values: number[] = [];
    let rows = 0;
    for await (const batch of type === "float32"
      ? csv.batches({ batchRows: 3 })
      : csv.batchesFloat64({ batchRows: 7 })) {
      expect(batch.data.length).toBe(batch.rows * batch.columns);
      values.push(...batch.data);
      rows += batch.rows;
    }
    const lines = Array.from({ length: rows }, (_, row) => csv.lines.of(row));
    return { names: csv.names, values, lines, warnings };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { error: `${error.message} ${JSON.stringify(error.place)}` };
  }
}

test("numbers are the same in one piece or many, plain or gzipped, float32 or float64", async () => {
  await attack(fc.tuple(damaged(file), options, cuts), async ([bytes, read, at]) => {
    const whole = await outcome(bytes, read, "float32");
    expect(await outcome(inPieces(bytes, at), read, "float32")).toEqual(whole);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    if (!isGzip) expect(await outcome(gzipSync(bytes), read, "float32")).toEqual(whole);
    const double = await outcome(inPieces(bytes, at), read, "float64");
    expect({ ...double, values: double.values?.map(Math.fround) }).toEqual({
      ...whole,
      values: whole.values,
    });
  });
});

test("tables have the same numbers, and the same texts in one piece or many", async () => {
  const table = async (source: ByteSource, read: CsvDialectOptions) => {
    try {
      const { columns, rows, warnings, lineOf } = await readTable(source, {
        ...read,
        format: "csv",
      });
      const lines = Array.from({ length: rows }, (_, row) => lineOf(row));
      return {
        columns: columns.map(({ name, kind, values }) => ({ name, kind, values: [...values] })),
        warnings,
        lines,
      };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { error: `${error.message} ${JSON.stringify(error.place)}` };
    }
  };
  await attack(fc.tuple(damaged(file), options, cuts), async ([bytes, read, at]) => {
    const whole = await table(bytes, read);
    expect(await table(inPieces(bytes, at), read)).toEqual(whole);
    const numbers = await outcome(bytes, read, "float64");
    if (numbers.values === undefined || whole.columns === undefined) return;
    expect(whole.columns.every(({ kind }) => kind === "number")).toBe(true);
    const width = whole.columns.length;
    const rows = width === 0 ? 0 : numbers.values.length / width;
    const transposed = Array.from({ length: rows * width }, (_, i) => {
      return whole.columns[i % width]?.values[Math.floor(i / width)];
    });
    expect(transposed).toEqual(numbers.values);
    expect(whole.lines).toEqual(numbers.lines);
  });
});

test("streamed tables have the texts of the whole table", async () => {
  const texts = async (source: ByteSource, read: CsvDialectOptions, batchRows: number) => {
    const rows: string[][] = [];
    try {
      for await (const part of streamTable(source, { ...read, format: "csv", batchRows })) {
        for (let row = 0; row < part.rows; row++) {
          rows.push([
            `${part.lineOf(row)}`,
            ...part.columns.map(({ values }) => String(values[row])),
          ]);
        }
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { rows: [], error: error.message };
    }
    return { rows };
  };
  await attack(fc.tuple(damaged(file), options, cuts), async ([bytes, read, at]) => {
    const whole = await texts(bytes, read, 1000);
    expect(await texts(inPieces(bytes, at), read, 3)).toEqual(whole);
  });
});
