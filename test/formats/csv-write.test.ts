import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/errors.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { type WritableColumn, writeCsv, writeCsvTable } from "../../src/formats/csv-write.ts";
import { shortestFloat32 } from "../../src/formats/float32-text.ts";
import { writeJson, writeJsonLines } from "../../src/formats/json-write.ts";
import { readTable } from "../../src/formats/tables.ts";

const text = (...args: Parameters<typeof writeCsv>) =>
  Buffer.concat([...writeCsv(...args)]).toString();

describe("writeCsv", () => {
  test("writes a header, rows and a last newline", () => {
    const data = new Float32Array([1, 0.1, -2.5, 1e-7, 3e38, 0]);
    expect(text({ data, columns: 2, names: ["a", 'b,"c"'] })).toBe(
      'a,"b,""c"""\n1,0.1\n-2.5,1e-7\n3e+38,0\n',
    );
    expect(text({ data, columns: 3 }, { delimiter: ";" })).toBe("1;0.1;-2.5\n1e-7;3e+38;0\n");
  });

  test("writes nothing for no rows, or the header alone", () => {
    expect(text({ data: new Float32Array(0), columns: 2 })).toBe("");
    expect(text({ data: new Float32Array(0), columns: 1, names: ["a"] })).toBe("a\n");
  });

  test("reads back bit-identical, including special values", async () => {
    const bits = new Uint32Array(30_000);
    for (let i = 0; i < bits.length; i++) bits[i] = Math.imul(i + 1, 0x9e3779b1);
    bits.set([0x80000000, 1, 0x80000001, 0x7f7fffff, 0x7f800000, 0xff800000, 0x00800000]);
    const data = new Float32Array(bits.buffer).map((x) => x); // all NaN become the same NaN
    let at = 0;
    for await (const batch of readCsv(new TextEncoder().encode(text({ data, columns: 3 })))) {
      const expected = data.subarray(at, at + batch.data.length);
      const same = (x: number, i: number) => Object.is(x, expected[i]);
      expect(batch.data.findIndex((x, i) => !same(x, i))).toBe(-1);
      at += batch.data.length;
    }
    expect(at).toBe(data.length);
  });

  test("the buffer is large enough for the longest numbers", async () => {
    const data = new Float32Array(20_000).fill(-123456789012345680000);
    expect(text({ data: data.subarray(0, 1), columns: 1 })).toHaveLength(23);
    for await (const batch of readCsv(new TextEncoder().encode(text({ data, columns: 2 })))) {
      expect(batch.data).toEqual(data);
    }
  });

  test("refuses incomplete rows, and a wrong number of names", () => {
    const data = new Float32Array(5);
    expect(() => text({ data, columns: 2 })).toThrow(InvalidValueError);
    expect(() => text({ data, columns: 2 })).toThrow("5 numbers do not fill rows of 2 columns");
    expect(() => text({ data, columns: 0 })).toThrow("rows of 0 columns");
    expect(() => text({ data, columns: 5, names: ["a"] })).toThrow("5 columns want as many names");
  });
});

describe("writeCsvTable", () => {
  const write = (...args: Parameters<typeof writeCsvTable>) =>
    Buffer.concat([...writeCsvTable(...args)]).toString();

  const columns = [
    { name: "id", values: ["A1", 'say "hi"', " padded ", "two\nlines", ""] },
    { name: "score,mean", values: Float64Array.from([0.1, Number.NaN, -0, 1e300, 1 / 3]) },
    { name: "error", values: Float32Array.from([0.1, 1, 2, 3e-9, Number.POSITIVE_INFINITY]) },
  ];

  test("quotes text if needed", () => {
    expect(write({ columns })).toBe(
      [
        'id,"score,mean",error',
        "A1,0.1,0.1",
        '"say ""hi""",NaN,1',
        '" padded ",-0,2',
        '"two\nlines",1e+300,3e-9',
        ",0.3333333333333333,Infinity",
        "",
      ].join("\n"),
    );
    const only = { columns: [{ name: "a", values: ["x", "", "y"] }], named: false };
    expect(write(only)).toBe('x\n""\ny\n');
    expect(write({ columns: [{ name: "a", values: [] }] }, { delimiter: ";" })).toBe("a\n");
  });

  test("is read back as it was", async () => {
    for (const delimiter of [",", ";", "\t", "|"] as const) {
      const table = await readTable(new TextEncoder().encode(write({ columns }, { delimiter })));
      const trimmed = Array.from<string | number, string>(columns[0]!.values, (value) =>
        String(value).trim(),
      );
      expect(table.columns.map(({ values }) => [...values])).toEqual([
        trimmed,
        [...columns[1]!.values],
        Array.from(columns[2]!.values as Float32Array, (x) => Number(shortestFloat32(x))),
      ]);
    }
  });

  test("gives many rows in pieces", () => {
    const values = Float64Array.from({ length: 50_000 }, (_, i) => i / 7);
    const pieces = [...writeCsvTable({ columns: [{ name: "x", values }] })];
    expect(pieces.length).toBeGreaterThan(5);
    expect(Buffer.concat(pieces).toString().split("\n")).toHaveLength(50_002);
  });

  test.each<[string, WritableColumn[], RegExp]>([
    ["no columns", [], /at least one column/],
    [
      "unequal columns",
      [
        { name: "a", values: ["x"] },
        { name: "b", values: new Float64Array(2) },
      ],
      /"b" has 2 values, "a" has 1/,
    ],
    ["other values", [{ name: "a", values: [1] as unknown as string[] }], /"a" must be a typed/],
    ["big integers", [{ name: "a", values: new BigInt64Array(1) as never }], /"a" must be a typed/],
  ])("refuses %s", (_, wrong, message) => {
    expect(() => write({ columns: wrong })).toThrow(message);
  });
});

describe("escapeFormulas", () => {
  const values = ["=1+1", "+49 30", "-5", "-5e3", "-x", "@sum", "\tx", "a=b", "'q", "−5"];

  test("writes an apostrophe before formulas, but not before numbers", () => {
    const options = { escapeFormulas: true };
    const [, ...cells] = Buffer.concat([
      ...writeCsvTable({ columns: [{ name: "=cmd", values }] }, options),
    ])
      .toString()
      .trimEnd()
      .split("\n");
    expect(cells).toEqual([
      "'=1+1",
      "'+49 30",
      "-5",
      "-5e3",
      "'-x",
      "'@sum",
      '"\'\tx"',
      "a=b",
      "'q",
      "−5",
    ]);
    const data = new Float32Array([-1, -2]);
    expect(text({ data, columns: 2, names: ["=a", "b"] }, options)).toBe("'=a,b\n-1,-2\n");
  });

  test("is off by default, so that text reads back unchanged", async () => {
    const bytes = Buffer.concat([...writeCsvTable({ columns: [{ name: "=n", values }] })]);
    const { columns } = await readTable(bytes);
    expect(columns[0]).toMatchObject({ name: "=n", values: values.map((value) => value.trim()) });
  });
});

describe("writeJson and writeJsonLines", () => {
  const columns = [
    { name: "__proto__", values: ["a", '"', "\u2028"] },
    { name: 'x"y', values: Float32Array.from([0.1, Number.NaN, Infinity]) },
    { name: "z", values: Float64Array.from([0.1, -0, 1e300]) },
  ];
  const rows = [
    '{"__proto__":"a","x\\"y":0.1,"z":0.1}',
    '{"__proto__":"\\"","x\\"y":null,"z":0}',
    '{"__proto__":"\u2028","x\\"y":null,"z":1e+300}',
  ];

  test("write one object per row", () => {
    const lines = Buffer.concat([...writeJsonLines({ columns })]).toString();
    expect(lines).toBe(`${rows.join("\n")}\n`);
    const file = Buffer.concat([...writeJson({ columns })]).toString();
    expect(file).toBe(`[\n${rows.join(",\n")}\n]\n`);
    expect(JSON.parse(file)).toEqual(rows.map((row) => JSON.parse(row)));
  });

  test("are read back as they were, in pieces too", async () => {
    const values = Float64Array.from({ length: 20_000 }, (_, i) => i / 3);
    const table = {
      columns: [
        { name: "x", values },
        { name: "t", values: Array.from(values, String) },
      ],
    };
    for (const write of [writeJson, writeJsonLines]) {
      const pieces = [...write(table)];
      expect(pieces.length).toBeGreaterThan(2);
      const read = await readTable(Buffer.concat(pieces));
      expect(read.columns).toEqual([
        { name: "x", kind: "number", values },
        { name: "t", kind: "text", values: table.columns[1]!.values },
      ]);
    }
    expect(Buffer.concat([...writeJson({ columns: [{ name: "x", values: [] }] })]).toString()).toBe(
      "[]\n",
    );
  });
});
