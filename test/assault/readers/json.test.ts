// Random JSON, complete or damaged, gives a table or a FormatError. Well-formed tables are read without a change.

import fc from "fast-check";
import { expect, test } from "vitest";
import { MISSING } from "../../../src/formats/cell-values.ts";
import { FormatError } from "../../../src/formats/errors.ts";
import type { ByteSource } from "../../../src/formats/streams.ts";
import { readTable, streamTable } from "../../../src/formats/tables.ts";
import { attack, cuts, damaged, inPieces } from "../support.ts";

const encode = (text: string) => new TextEncoder().encode(text);

// In JavaScript objects, keys that are whole numbers come first.
const key = fc
  .oneof(fc.constantFrom("a", "b", "__proto__", "constructor", ""), fc.string())
  .filter((name) => !/^\d+$/.test(name));
const scalar = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom("NA", "", "NaN", "x", "1.5", "\u202e"),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
);
/** Rows with the same keys. JSON.parse makes them, so that "__proto__" is an ordinary key. */
const rows = fc
  .tuple(
    fc.uniqueArray(key, { minLength: 1, maxLength: 5 }),
    fc.array(fc.array(scalar, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 12 }),
  )
  .map(([keys, values]) => values.map((row) => keys.map((name, i) => [name, row[i]] as const)));

type Row = readonly (readonly [string, unknown])[];
const objectText = (row: Row) =>
  `{${row.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;

const forms: readonly ((table: readonly Row[]) => string)[] = [
  (table) => `[${table.map(objectText).join(",\n")}]`,
  (table) => table.map((row) => `${objectText(row)}\n`).join(""),
  (table) => table.map(objectText).join("\r\n\r\n"),
  (table) =>
    `{${(table[0] ?? []).map(([name], i) => `${JSON.stringify(name)}:${JSON.stringify(table.map((row) => row[i]?.[1]))}`).join()}}`,
  (table) => JSON.stringify(table.map((row) => row.map(([, value]) => value))),
];
const text = fc.tuple(rows, fc.constantFrom(...forms)).map(([table, form]) => encode(form(table)));

async function read(source: ByteSource) {
  try {
    const { columns, rows: count, format } = await readTable(source);
    for (const { values } of columns) expect(values.length).toBe(count);
    return { format, columns: columns.map(({ name, kind, values }) => [name, kind, ...values]) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { error: error.message };
  }
}

test("damaged JSON gives a table or a FormatError, the same in one piece or many", async () => {
  await attack(fc.tuple(damaged(text), cuts), async ([bytes, at]) => {
    expect(await read(inPieces(bytes, at))).toEqual(await read(bytes));
  });
});

test("damaged lines give streamed tables or a FormatError", async () => {
  const kinds = { a: "number", b: "text" } as const;
  await attack(fc.tuple(damaged(text), cuts, fc.boolean()), async ([bytes, at, withKinds]) => {
    try {
      const options = { format: "jsonl", batchRows: 2, ...(withKinds ? { kinds } : {}) } as const;
      for await (const table of streamTable(inPieces(bytes, at), options)) {
        expect(table.rows).toBeGreaterThan(0);
        for (const { values } of table.columns) expect(values.length).toBe(table.rows);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  });
});

test("a table in any form is read without a change", async () => {
  const tokens = new Set(["", ...MISSING].map((token) => token.toLowerCase()));
  const isMissing = (value: unknown) =>
    value === null || (typeof value === "string" && tokens.has(value.toLowerCase()));
  await attack(fc.tuple(rows, fc.nat(2)), async ([table, form]) => {
    const { columns, rows: count } = await readTable(encode(forms[form]!(table)));
    expect(count).toBe(table.length);
    expect(columns.map(({ name }) => name)).toEqual(table[0]!.map(([name]) => name));
    for (const [i, column] of columns.entries()) {
      const given = table.map((row): unknown => JSON.parse(JSON.stringify(row[i]![1]))); // no -0
      for (const [row, value] of given.entries()) {
        const got = column.values[row];
        if (column.kind === "number") expect(got).toBe(isMissing(value) ? Number.NaN : value);
        else if (!isMissing(value)) expect(got).toBe(String(value));
      }
      const isNumeric = given.every((value) => typeof value === "number" || isMissing(value));
      expect(column.kind).toBe(isNumeric ? "number" : "text");
    }
  });
});
