// Tables of numbers and text, from every format.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InvalidTypeError, InvalidValueError } from "../../src/errors.ts";
import { FormatError } from "../../src/formats/errors.ts";
import { encodeIdx } from "../../src/formats/idx.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { encodeNpz } from "../../src/formats/npz.ts";
import type { DataTable } from "../../src/formats/table.ts";
import { readTable, streamTable, type TableOptions } from "../../src/formats/tables.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The columns as `name: values`, missing numbers as null. */
const contents = ({ columns }: Pick<DataTable, "columns">) =>
  Object.fromEntries(
    columns.map(({ name, values }) => [
      name,
      Array.from<string | number, string | number | null>(values, (value) =>
        Number.isNaN(value) ? null : value,
      ),
    ]),
  );

const read = async (text: string, options?: TableOptions) =>
  contents(await readTable(encode(text), options));

const refusal = async (text: string | Uint8Array, options?: TableOptions) => {
  const bytes = typeof text === "string" ? encode(text) : text;
  const error = await readTable(bytes, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
};

const customers = `id,name,since,score,note
A-1,Ann,2020-01-31,1.5,"says ""hi"", twice"
A-2,Bob,2021-02-28,NA,
A-3,größe,,-2e3,NA
`;

describe("CSV", () => {
  test("columns have numbers or text, as in the file", async () => {
    const expected = {
      id: ["A-1", "A-2", "A-3"],
      name: ["Ann", "Bob", "größe"],
      since: ["2020-01-31", "2021-02-28", ""],
      score: [1.5, null, -2000],
      note: ['says "hi", twice', "", "NA"],
    };
    for (const bytes of [encode(customers), new Uint8Array(gzipSync(customers))]) {
      for (const size of [1, 7, 1e9]) {
        const table = await readTable(pieces(bytes, size));
        expect(contents(table)).toEqual(expected);
        expect(table).toMatchObject({ format: "csv", rows: 3, named: true, warnings: [] });
        expect([0, 1, 2, 3].map((row) => table.lineOf(row))).toEqual([2, 3, 4, undefined]);
      }
    }
  });

  test("numbers that turn out to be text keep their original digits", async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `00${i},${i}.50,${i}`);
    const text = `zip,price,n\n${rows.join("\n")}\nB7,x,1\n`;
    for (const size of [1000, 4096, 1e9]) {
      const { columns } = await readTable(pieces(encode(text), size));
      expect(columns.map(({ kind }) => kind)).toEqual(["text", "text", "number"]);
      expect(columns[0]!.values.slice(0, 2)).toEqual(["000", "001"]);
      expect(columns[0]!.values.slice(-2)).toEqual(["004999", "B7"]);
      expect(columns[1]!.values[1]).toBe("1.50");
      expect(columns[2]!.values[4999]).toBe(4999);
    }
  });

  test("numbers are float64", async () => {
    expect(await read("t,x\n1700000000.25,0.1\n")).toEqual({ t: [1700000000.25], x: [0.1] });
  });

  test("the kinds of columns can be given", async () => {
    expect(await read("zip,x\n007,1\n", { kinds: { zip: "text" } })).toEqual({
      zip: ["007"],
      x: [1],
    });
    const kinds = { x: "number", constructor: "text" } as const;
    expect(await refusal("zip,x\n007,1\n8,\n9,low\n", { kinds })).toBe(
      'line 4, column 2 ("x"): expected a number, got "low"',
    );
    await expect(read("a\n1\n", { kinds: { a: "category" as "text" } })).rejects.toThrow(
      /kinds\["a"\] must be "number" or "text"; got "category"/,
    );
  });

  test.each([
    ["12%", /the option units "%"/],
    ["$3", /name the currency sign/],
    ["1,234,567", /the option thousands/],
    ["1.5D+03", /exponents are written with an e/],
  ])("amounts do not pass for categories: %s", async (cell, hint) => {
    const text = `a;b\n3;x\n${cell};y\n;z\n${cell};z\n4;u\n`;
    expect(await refusal(text)).toMatch(/^line 3, column 1 \("a"\): expected a number, got /);
    expect(await refusal(text)).toMatch(hint);
    expect(await refusal(text)).toMatch(/the option kinds may call it text$/);
    expect((await read(text, { kinds: { a: "text" } })).a).toEqual(["3", cell, "", cell, "4"]);
  });

  test("amounts with and without groups of digits do not pass for categories", async () => {
    const text = "a;b\n9,42;x\n1.628,27;y\n";
    expect(await refusal(text)).toMatch(/^line 2, column 1 \("a"\): expected a number, got "9,42"/);
    expect(await read(text, { decimal: ",", thousands: "." })).toEqual({
      a: [9.42, 1628.27],
      b: ["x", "y"],
    });
    const french = "a;b\n1\u202f628,27\u00a0€;x\n9,42\u00a0€;y\n";
    expect(await refusal(french)).toMatch(/name the currency sign/);
    const cells = { decimal: ",", thousands: " ", units: ["€"] } as const;
    expect((await read(french, cells)).a).toEqual([1628.27, 9.42]);
    expect((await read("a\n1.2\n1.2.3\n")).a).toEqual(["1.2", "1.2.3"]);
  });

  test("decimal commas are found, unless points are asked for", async () => {
    const text = "a;b\n1,5;x\n-2;y\n";
    const table = await readTable(encode(text));
    expect(table.decimal).toBe(",");
    expect([...(table.columns[0]?.values ?? [])]).toEqual([1.5, -2]);
    expect(await refusal(text, { decimal: "." })).toMatch(
      /^line 2, column 1 \("a"\): .*; decimals want a point; the option decimal ","/,
    );
    expect((await readTable(encode("a,b\n1,2\n"))).decimal).toBe(".");
  });

  test("numbers with texts among them are categories", async () => {
    expect((await read("a;b\n1,5;x\nhigh;y\n")).a).toEqual(["1,5", "high"]);
  });

  test("numbers with units are text, with a warning", async () => {
    const { columns, warnings } = await readTable(encode("w,n\n5 kg,1\n6 kg,2\n"));
    expect(columns[0]).toEqual({ name: "w", kind: "text", values: ["5 kg", "6 kg"] });
    expect(warnings).toEqual([expect.stringMatching(/"w" was taken for text: .* "5 kg"/)]);
    expect(await read("w,n\n5 kg,1\n6 kg,2\n", { units: ["kg"] })).toEqual({
      w: [5, 6],
      n: [1, 2],
    });
  });

  test("warnings are in the table and are reported immediately", async () => {
    const heard: string[] = [];
    const options = { onWarning: (message: string) => heard.push(message) };
    const table = await readTable(encode("a,a\n1,2\n"), options);
    expect(table.warnings).toEqual([expect.stringMatching(/"a" is the name of more than one/)]);
    expect(heard).toEqual(table.warnings);
  });

  test("text that is not UTF-8 is read as Latin-1", async () => {
    const bytes = Uint8Array.from("n,x\nM\xfcller,1\n", (c) => c.charCodeAt(0));
    expect(contents(await readTable(bytes))).toEqual({ n: ["Müller"], x: [1] });
  });
});

describe("JSON", () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      "an array of objects",
      '[{"a":1,"b":"x"},{"b":"y","c":true}]',
      { a: [1, null], b: ["x", "y"], c: ["", "true"] },
    ],
    ["an object of columns", '{"a":[1,null],"b":["x",null]}', { a: [1, null], b: ["x", ""] }],
    ["an object of columns by row", '{"a":{"0":1,"1":2}}', { a: [1, 2] }],
    ["an array of arrays", "[[1,2],[3,null]]", { column1: [1, 3], column2: [2, null] }],
    ["an array of arrays under names", '[["a","b"],[1,"x"]]', { a: [1], b: ["x"] }],
    ["several lines", '\ufeff[\n {"a": 1},\n {"a": 2}\n]\n', { a: [1, 2] }],
    ["lines of objects", '{"a":1}\n\n{"a":2.5}\n', { a: [1, 2.5] }],
    ["one line", '{"a":1,"b":"x"}', { a: [1], b: ["x"] }],
    ["lines of arrays", "[1,2]\r\n[3,4]\r\n", { column1: [1, 3], column2: [2, 4] }],
    [
      "what Python writes",
      '{"a":NaN,"b":"NaN, Infinity"}\n{"a":-Infinity}',
      { a: [null, -Infinity], b: ["NaN, Infinity", ""] },
    ],
    ["missing tokens among numbers", '[{"a":1},{"a":"n/a"}]', { a: [1, null] }],
    ["text after numbers", '[{"a":1.50},{"a":"x"},{"a":2}]', { a: ["1.5", "x", "2"] }],
    [
      "names that every object has",
      '[{"__proto__":1,"constructor":2}]',
      JSON.parse('{"__proto__":[1],"constructor":[2]}'),
    ],
    ["nothing", "[]", {}],
  ])("%s", async (_, text, expected) => {
    for (const size of [1, 5, 1e9]) {
      expect(contents(await readTable(pieces(encode(text), size)))).toEqual(expected);
    }
  });

  test("strings that look like numbers are text, with a warning", async () => {
    const text = '[{"zip":"007"},{"zip":"123"}]';
    const { columns, warnings } = await readTable(encode(text));
    expect(columns[0]).toMatchObject({ kind: "text", values: ["007", "123"] });
    expect(warnings).toEqual([expect.stringMatching(/"zip" holds numbers as strings/)]);
    expect(await read(text, { kinds: { zip: "number" } })).toEqual({ zip: [7, 123] });
  });

  test("lines are counted", async () => {
    const table = await readTable(encode('\n{"a":1}\n\n{"a":2}\n'));
    expect([0, 1].map((row) => table.lineOf(row))).toEqual([2, 4]);
    expect(table.format).toBe("jsonl");
  });

  test("columns can be chosen", async () => {
    expect(await read('[{"a":1,"b":2,"c":3}]', { columns: ["c", "a"] })).toEqual({
      c: [3],
      a: [1],
    });
  });

  test.each<[string, string, RegExp]>([
    ["a broken line", '{"a":1}\n{"a":\n', /^line 2 is not JSON: /],
    [
      "a nested value",
      '{"a":1}\n{"a":[1]}\n',
      /^line 2, "a": expected a number, text, .* got \[1\]$/,
    ],
    ["a line that is a number", '{"a":1}\n5\n', /^line 2: expected an object or an array, got 5$/],
    ["an array after objects", '[{"a":1},[2]]', /^row 2 is an array, the first is an object$/],
    ["a longer row", "[[1,2],[3]]", /^row 2 has 1 values, the first has 2$/],
    [
      "a longer column",
      '{"a":[1,2],"b":[1]}',
      /the column "b" has 1 values, the first column has 2/,
    ],
    [
      "a column that is a number",
      '{"a":[1,2],"b":1}',
      /expected an array for the column "b", got 1/,
    ],
    ["an array of numbers", "[1,2,3]", /^row 1: expected an object or an array, got 1$/],
    ["a file that is cut off", '[{"a":1},', /^the file is not JSON: /],
    ["a deep nest", "[".repeat(1e6), /^the file is not JSON: /],
    ["a deep nest of objects", '{"a":'.repeat(1e5), /^the file is not JSON: /],
    [
      "another key in each row",
      `[${Array.from({ length: 3000 }, (_, i) => `{"k${i}":1}`)}]`,
      /nearly all empty/,
    ],
    [
      "a text where kinds want a number",
      '{"a":"low"}\n',
      /^line 1, column 1 \("a"\): expected a number, got "low"$/,
    ],
  ])("refuses %s", async (_, text, message) => {
    expect(await refusal(text, { kinds: { a: "number" } })).toMatch(message);
  });
});

describe("arrays", () => {
  const shape = [2, 3];
  const data = Float32Array.from([1, 2, 3, 4, 5, Number.NaN]);
  const expected = { column1: [1, 4], column2: [2, 5], column3: [3, null] };

  test.each<[string, Uint8Array]>([
    ["npy", encodeNpy({ shape, data })],
    [
      "npz",
      encodeNpz([
        ["X", { shape, data }],
        ["y", { shape: [2], data: new Uint8Array(2) }],
      ]),
    ],
    ["idx", encodeIdx({ shape, data })],
  ])("%s", async (format, bytes) => {
    for (const source of [bytes, pieces(bytes, 1), new Uint8Array(gzipSync(bytes)), bytes.buffer]) {
      const table = await readTable(source as Uint8Array);
      expect(contents(table)).toEqual(expected);
      expect(table).toMatchObject({ format, rows: 2, named: false });
    }
    const chosen = contents(await readTable(bytes, { columns: "3,1" }));
    expect(chosen).toEqual({ column3: [3, null], column1: [1, 4] });
  });

  test("64-bit integers and vectors", async () => {
    const file = encodeNpy({ shape: [2], data: BigInt64Array.from([5n, -6n]) });
    expect(contents(await readTable(file))).toEqual({ column1: [5, -6] });
  });

  test("one of several arrays must be named", async () => {
    const array = { shape: [1, 1], data: new Float32Array([7]) };
    const file = encodeNpz([
      ["a", array],
      ["b", array],
    ]);
    expect(await refusal(file)).toMatch(/it holds the arrays "a, b"; the option array chooses one/);
    expect(contents(await readTable(file, { array: "b" }))).toEqual({ column1: [7] });
    expect(await refusal(file, { array: "c" })).toMatch(/holds no array "c", but "a, b"/);
    expect(await refusal(encodeNpz([]))).toMatch(/without arrays of numpy/);
  });
});

test.each<[string, string | Uint8Array, RegExp]>([
  ["nothing", "", /^the file is empty$/],
  ["a picture", "\x89PNG\r\n", /^it is a PNG image, and a table is CSV/],
  ["a model", new Uint8Array([40, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22]), /a safetensors file/],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x61, 0]), /text in UTF-16/],
  ["a web page", "<!DOCTYPE html><p>Not found", /a web page/],
  ["bytes", new Uint8Array([1, 2, 0, 5]), /neither CSV or JSON in UTF-8 nor/],
])("says what is no table: %s", async (_, file, message) => {
  const bytes = typeof file === "string" ? Uint8Array.from(file, (c) => c.charCodeAt(0)) : file;
  expect(await refusal(bytes)).toMatch(message);
});

test("the format can be given, and is checked", async () => {
  expect(await read("[a\n1\n", { format: "csv" })).toEqual({ "[a": [1] });
  await expect(read("a\n1\n", { format: "xml" as "csv" })).rejects.toThrow(InvalidValueError);
  await expect(readTable("text" as unknown as Uint8Array)).rejects.toThrow(InvalidTypeError);
});

describe("streamTable", () => {
  const live = async function* (texts: readonly string[]) {
    for (const text of texts) yield encode(text);
  };
  const all = async (texts: readonly string[], options?: Parameters<typeof streamTable>[1]) => {
    const found: unknown[] = [];
    for await (const table of streamTable(live(texts), options)) {
      found.push([contents(table), table.lineOf(0)]);
    }
    return found;
  };

  test("returns CSV in parts, each with its line numbers", async () => {
    const kinds = { x: "number" } as const;
    expect(await all(["n,x\na,1\nb,2\nc,", "3\n", "d,4\n"], { kinds, batchRows: 3 })).toEqual([
      [{ n: ["a", "b", "c"], x: [1, 2, 3] }, 2],
      [{ n: ["d"], x: [4] }, 5],
    ]);
  });

  test("returns JSON lines in parts, with the requested columns", async () => {
    const kinds = { x: "number", n: "text" } as const;
    const texts = ['{"n":"a","x":1,"more":5}\n{"x":"2"', "}\n", "\n", '{"n":3}'];
    expect(await all(texts, { kinds, batchRows: 2 })).toEqual([
      [{ x: [1, 2], n: ["a", ""] }, 1],
      [{ x: [null], n: ["3"] }, 4],
    ]);
  });

  test("rows are returned immediately at a pause of the source", async () => {
    for (const [texts, first] of [
      [["n,x\na,1\n", "", "b,2\n", "", "c,3\n"], { n: ["a"], x: [1] }],
      [
        ['{"n":"a","x":1}\n', "", '{"n":"b","x":2}\n', "", '{"n":"c","x":3}\n'],
        { n: ["a"], x: [1] },
      ],
    ] as const) {
      const found = await all(texts, { kinds: { n: "text", x: "number" } });
      expect(found).toHaveLength(3);
      expect(found[0]).toEqual([first, expect.any(Number)]);
    }
  });

  test("without kinds everything is text", async () => {
    expect(await all(["n,x\na,1\n"])).toEqual([[{ n: ["a"], x: ["1"] }, 2]]);
    expect(await all(['{"n":"a","x":1}\n'])).toEqual([[{ n: ["a"], x: ["1"] }, 1]]);
  });

  test("formats that cannot be read in parts are refused", async () => {
    const file = encodeNpy({ shape: [1, 1], data: new Float32Array(1) });
    await expect(streamTable(file).next()).rejects.toThrow(/read in parts; this is npy/);
    await expect(all(["a\n"], { batchRows: 0 })).rejects.toThrow(InvalidValueError);
  });
});
