import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/errors.ts";
import { type CsvOptions, openCsv, readCsv, readCsvFloat64 } from "../../src/formats/csv.ts";
import { FormatError } from "../../src/formats/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Everything in a file: rows of numbers, and the names. */
async function read(text: string | Uint8Array, options: CsvOptions = {}, size = 0) {
  const bytes = typeof text === "string" ? encode(text) : text;
  const rows: number[][] = [];
  let names: readonly string[] | undefined;
  for await (const batch of readCsv(size ? pieces(bytes, size) : bytes, options)) {
    expect(batch.data.length).toBe(batch.rows * batch.columns);
    for (let r = 0; r < batch.rows; r++) {
      rows.push([...batch.data.subarray(r * batch.columns, (r + 1) * batch.columns)]);
    }
    names = batch.names;
  }
  return { rows, names };
}

const refusal = async (text: string | Uint8Array, options?: CsvOptions, size?: number) => {
  const error = await read(text, options, size).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
};

const { NaN: nan } = Number;

describe("rows and cells", () => {
  test.each([
    ["one cell", "1", [[1]]],
    [
      "no last newline",
      "1,2\n3,4",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "Windows line ends",
      "1,2\r\n3,4\r\n",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "blank lines",
      "\n\n1,2\n \r\n\n3,4\n\n",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "a byte order mark",
      "\ufeff1,2\n3,4",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "blanks around",
      " 1 ,  2\n3\t, 4 ",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "quotes",
      '"1","2"\n" 3 ", "4" \n',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "missing values",
      "1,,NA,N/A\nnan,null,NULL,\n",
      [
        [1, nan, nan, nan],
        [nan, nan, nan, nan],
      ],
    ],
    [
      "a missing value in quotes",
      '1,""\n2,"NA"',
      [
        [1, nan],
        [2, nan],
      ],
    ],
    [
      "infinities",
      "inf,-inf\nInfinity,-Infinity",
      [
        [1 / 0, -1 / 0],
        [1 / 0, -1 / 0],
      ],
    ],
    [
      "signs",
      "+1,-1\n+.5,-0",
      [
        [1, -1],
        [0.5, -0],
      ],
    ],
    [
      "points",
      "1.,.5\n-.25,00.5",
      [
        [1, 0.5],
        [-0.25, 0.5],
      ],
    ],
    [
      "exponents",
      "1e2,1E-2\n1.5e+3,1e0",
      [
        [100, Math.fround(0.01)],
        [1500, 1],
      ],
    ],
    [
      "numbers beyond float32",
      "1e39,-1e400\n1e-50,1e-400",
      [
        [1 / 0, -1 / 0],
        [0, 0],
      ],
    ],
    ["nothing", "", []],
    ["only blank lines", "\n \n\r\n", []],
    [
      "tabs",
      "1\t2\n3\t4",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "semicolons",
      "1;2\n3;4",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "missing values between tabs",
      "\t\t\n1\t\t3",
      [
        [nan, nan, nan],
        [1, nan, 3],
      ],
    ],
  ])("%s", async (_, text, rows) => {
    expect((await read(text)).rows).toEqual(rows);
    for (const size of [1, 2, 3, 7]) expect((await read(text, {}, size)).rows).toEqual(rows);
    expect((await read(new Uint8Array(gzipSync(text)))).rows).toEqual(rows);
  });

  test("a forced delimiter and a quoted line break", async () => {
    const text = 'id|"two\nlines"|y\n1|"2\n"|3\n';
    for (const size of [0, 1, 5]) {
      const { rows, names } = await read(text, { delimiter: "|" }, size);
      expect(names).toEqual(["id", "two\nlines", "y"]);
      expect(rows).toEqual([[1, 2, 3]]);
    }
  });

  test("reads any decimal as Math.fround(Number(text)) does", async () => {
    const cells: string[] = [];
    let state = 12345;
    const next = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const digits = (n: number) => Array.from({ length: n }, () => next(10)).join("");
    for (let i = 0; i < 40_000; i++) {
      const whole = digits(next(i % 3 ? 4 : 33));
      const fraction = next(4) ? `.${digits(next(30) + (whole ? 0 : 1))}` : "";
      const exponent = next(3) ? "" : `${next(2) ? "e" : "E"}${["", "+", "-"][next(3)]}${next(70)}`;
      cells.push(`${next(2) ? "-" : ""}${whole || fraction ? whole + fraction : "0"}${exponent}`);
    }
    // Halfway between two float32 values, where an additional rounding would be visible.
    for (let i = 0; i < 4000; i++) {
      const bits = 0x20000000 + next(0x40000000);
      const [low, high] = new Float32Array(new Uint32Array([bits, bits + 1]).buffer);
      const half = (low! + high!) / 2;
      cells.push(`${half}`, half.toPrecision(25), half.toExponential(18), half.toExponential(28));
    }
    const { rows } = await read(cells.join("\n"), { header: false });
    expect(rows.length).toBe(cells.length);
    const wrong = cells.filter((cell, i) => !Object.is(rows[i]![0], Math.fround(Number(cell))));
    expect(wrong).toEqual([]);
  });

  test("reads up to 20 digits with the point anywhere, at the start and the end too", async () => {
    const cells: string[] = [];
    for (let count = 1; count <= 20; count++) {
      for (const digits of [
        "98765432109876543210",
        "00000000004294967297",
        "21474836482147483648",
      ]) {
        const text = digits.slice(0, count);
        for (let point = 0; point <= count; point++) {
          cells.push(`${text.slice(0, point)}.${text.slice(point)}`);
        }
        cells.push(text, `-${text}`, `${text}e-3`);
      }
    }
    const table = cells.join("\n");
    const { rows } = await read(table, { header: false, delimiter: "," });
    const wrong = cells.filter((cell, i) => !Object.is(rows[i]![0], Math.fround(Number(cell))));
    expect(wrong).toEqual([]);
    let row = 0;
    for await (const { data } of readCsvFloat64(encode(table), { header: false, delimiter: "," })) {
      for (const value of data) expect(value).toBe(Number(cells[row++]));
    }
    expect(row).toBe(cells.length);
  });

  test("reads any decimal as Number(text) does, in float64", async () => {
    const cells: string[] = [];
    let state = 54321;
    const next = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const digits = (n: number) => Array.from({ length: n }, () => next(10)).join("");
    for (let i = 0; i < 40_000; i++) {
      const whole = digits(next(i % 3 ? 4 : 33));
      const fraction = next(4) ? `.${digits(next(30) + (whole ? 0 : 1))}` : "";
      const exponent = next(3) ? "" : `${next(2) ? "e" : "E"}${["", "+", "-"][next(3)]}${next(70)}`;
      cells.push(`${next(2) ? "-" : ""}${whole || fraction ? whole + fraction : "0"}${exponent}`);
    }
    // As programs print them, and halfway between two float64 values, where an additional rounding would be visible.
    for (let i = 0; i < 10_000; i++) {
      const words = new Uint32Array([next(2 ** 32), 0x3b000000 + next(0x09000000)]);
      const bits = new BigUint64Array(words.buffer);
      const [low] = new Float64Array(bits.buffer);
      cells.push(`${low}`, low!.toPrecision(15), low!.toPrecision(18), low!.toExponential(21));
      const exponent = Number((bits[0]! >> 52n) & 0x7ffn) - 1075;
      const half = 2n * ((bits[0]! & 0xfffffffffffffn) | (1n << 52n)) + 1n;
      // half · 2^(exponent - 1), written out in full where that takes few enough digits
      if (exponent >= 1) cells.push(`${half << BigInt(exponent - 1)}`);
      else if (exponent > -20) cells.push(`${half * 5n ** BigInt(1 - exponent)}e-${1 - exponent}`);
    }
    const got: number[] = [];
    for await (const { data } of readCsvFloat64(encode(cells.join("\n")), { header: false })) {
      got.push(...data);
    }
    expect(got.length).toBe(cells.length);
    expect(cells.filter((cell, i) => !Object.is(got[i], Number(cell)))).toEqual([]);
  });

  test("batches by rows, and gives each batch its own array", async () => {
    const text = Array.from({ length: 10 }, (_, i) => `${i},-${i}\n`).join("");
    const batches = [];
    for await (const batch of readCsv(pieces(encode(text), 9), { batchRows: 4 }))
      batches.push(batch);
    expect(batches.map(({ rows }) => rows)).toEqual([4, 4, 2]);
    expect(batches[0]!.data).toEqual(new Float32Array([0, -0, 1, -1, 2, -2, 3, -3]));
    expect(batches[2]!.data.buffer.byteLength).toBe(16);
  });
});

describe("header", () => {
  test.each<[string, string, CsvOptions["header"], string[] | undefined, number]>([
    ["text over numbers", "a,b\n1,2", "auto", ["a", "b"], 1],
    ["numbers over numbers", "1,2\n3,4", "auto", undefined, 2],
    ["text among the numbers", "id,2019,2020\n1,2,3", "auto", ["id", "2019", "2020"], 1],
    ["missing values first", "NA,\n1,2", "auto", undefined, 2],
    ["text alone", "a,b", "auto", ["a", "b"], 0],
    ["numbers, forced", "1,2\n3,4", true, ["1", "2"], 1],
    ["none, forced", "1,2\n3,4", false, undefined, 2],
    ["quoted and padded", ' "a b" ,"c"",d"\n1,2', "auto", ["a b", 'c",d'], 1],
    ["beyond ASCII", "größe,😀\n1,2", "auto", ["größe", "😀"], 1],
  ])("%s", async (_, text, header, names, count) => {
    for (const size of [0, 1, 4]) {
      const result = await read(text, { header }, size);
      expect(result.rows.length).toBe(count);
      if (count > 0) expect(result.names).toEqual(names);
    }
  });
});

describe("columns", () => {
  const text = "id,width,height,label,a-b\n1,2,3,setosa,5\n6,7,8,virginica,10\n";

  test.each<[CsvOptions["columns"], number[]]>([
    ["width,height", [2, 3]],
    ["2-3", [2, 3]],
    ["3, 1", [3, 1]],
    ["5-", [5]],
    ["a-b", [5]],
    [
      [2, "height", "1"],
      [2, 3, 1],
    ],
    ["!label", [1, 2, 3, 5]],
    ["!label,!1", [2, 3, 5]],
    ["1-5,!label", [1, 2, 3, 5]],
    [
      ["1-3", "!2"],
      [1, 3],
    ],
  ])("%j", async (columns, first) => {
    const { rows, names } = await read(text, { columns });
    expect(rows[0]).toEqual(first);
    const all = ["id", "width", "height", "label", "a-b"];
    expect(names).toEqual(first.map((n) => all[n - 1]));
  });

  test("skips other columns, including quotes and line breaks", async () => {
    const odd = '1,"x, ""y""\nz",2\n3, "q" ,4\n5,,6\n';
    for (const size of [0, 1, 4]) {
      expect((await read(odd, { columns: "1,3" }, size)).rows).toEqual([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
    }
  });

  test.each<[CsvOptions["columns"], RegExp]>([
    ["weight", /name or number, got "weight"; the header has "id, width, height, label, a-b"/],
    [[0], /count from 1 to 5, the choice was 0/],
    ["6", /count from 1 to 5, the choice was "6"/],
    ["3-2", /"3-2" is no range/],
    [[1.5], /the choice was 1.5/],
    ["1,id", /column 1 is chosen twice/],
    ["", /a part of the list is empty/],
    [[], /no column is left/],
    ["!1-5", /no column is left of "!1-5"/],
  ])("refuses %j", async (columns, message) => {
    expect(await refusal(text, { columns })).toMatch(message);
  });

  test("refuses any name without a header", async () => {
    expect(await refusal("1,2\n3,4", { columns: "a" })).toMatch(/the file has no header/);
  });

  test("can be chosen by a function of their number and names", async () => {
    const seen: unknown[] = [];
    const { rows, names } = await read("a,b,c\n1,2,3\n", {
      columns: (...known) => {
        seen.push(known);
        return [2, 0];
      },
    });
    expect(seen).toEqual([[3, ["a", "b", "c"]]]);
    expect([rows, names]).toEqual([[[3, 1]], ["c", "a"]]);
  });
});

describe("errors name line and column", () => {
  test.each<[string, string, RegExp]>([
    ["text", "a,b\n1,2\n3,x\n", /^line 3, column 2 \("b"\): expected a number, got "x"$/],
    ["text without a header", "1,2\n3,four five", /^line 2, column 2: .* got "four five"$/],
    ["text after blank lines and breaks", 'a,b\n\n"1\n",2\n3,x', /^line 5, column 2/],
    ["two numbers", "1,2\n3,4 5\n", /got "4 5"/],
    ["a number with letters", "1,2\n3,4px\n", /got "4px"/],
    ["a hexadecimal number", "1,2\n3,0x10\n", /got "0x10"/],
    ["half an exponent", "1,2\n3,4e\n", /got "4e"/],
    ["a sign alone", "1,2\n3,+\n", /got "\+"/],
    ["a point alone", "1,2\n3,.\n", /got "."/],
    ["two points", "1,2\n3,1.2.3\n", /got "1.2.3"/],
    ["a decimal comma", "1;2.5\n3;4,5\n", /got "4,5"; decimals want a point/],
    ["text after a quote", '1,2\n3,"4"5\n', /line 2, column 2: .* got "\\"4\\"5"/],
    ["a long cell, cut", `1,2\n3,${"x".repeat(1000)}`, /got "x{99,100}\.*/],
    ["a row too short", "1,2,3\n4,5,6\n7,8\n", /^line 3 has 2 cells, the first row has 3/],
    ["a row too long", "a,b\n4,5\n7,8,9\n", /^line 3 has 3 cells, the header has 2/],
    ["a header too long", "a;b;c;d\n1;2;3\n", /^line 2 has 3 cells, the header has 4$/],
    ["one cell", "1,2\n3\n", /^line 2 has 1 cell, the first row has 2/],
    ["an open quote", '1,2\n3,4\n"5,6\n7,8\n', /^line 3: a quote is opened and never closed/],
    ["an open quote at the start", '"1,2\n3,4\n', /^line 1: a quote is opened and never closed/],
    ["an open quote after the header", 'a,b\n\n"1,2\n3,4\n', /^line 3: a quote is opened/],
    ["UTF-16", "1\0,\x002\0\n\0", /expected text in UTF-8, got a zero byte/],
  ])("%s", async (_, text, message) => {
    expect(await refusal(text)).toMatch(message);
    for (const size of [1, 5]) expect(await refusal(text, {}, size)).toMatch(message);
  });

  test("bytes that are not UTF-8 are quoted too", async () => {
    expect(await refusal(new Uint8Array([...encode("1,2\n3,"), 0xff, 0x41]))).toMatch(/got "ÿA"/);
  });

  test.each([0, -1, 1.5, Number.NaN])("batchRows of %s", async (batchRows) => {
    await expect(read("1,2\n3,4", { batchRows })).rejects.toThrow(InvalidValueError);
  });

  test("any text gives rows or a FormatError, the same in one piece as in many", async () => {
    const parts = [...'0123456789.,;\t\n\n"" -+eE', "NA", "a", "\r\n", "1,2\n", '"', "é"];
    let state = 7;
    const next = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const outcome = (text: string, size: number) =>
      read(text, { batchRows: 8 }, size).catch((error: unknown) => {
        if (!(error instanceof FormatError)) throw error;
        return error.message;
      });
    let refused = 0;
    for (let run = 0; run < 2000; run++) {
      const text = Array.from({ length: next(20) }, () => parts[next(parts.length)]).join("");
      const whole = await outcome(text, 0);
      expect(await outcome(text, 1 + next(5)), JSON.stringify(text)).toEqual(whole);
      if (typeof whole === "string") refused++;
    }
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(1700);
  });

  test("the error has the place for programs", async () => {
    const error = await read("a,b\n1,2\n3,4 kg\n").catch((thrown: unknown) => thrown);
    expect((error as FormatError).place).toEqual({
      line: 3,
      column: 2,
      columnName: "b",
      look: "unit",
    });
    const short = await read("1,2\n\n3\n").catch((thrown: unknown) => thrown);
    expect((short as FormatError).place).toEqual({ line: 3 });
  });

  test("control characters for terminals are escaped", async () => {
    const message = await refusal("1,2\n3,\x1b]0;x\x07\u009b2J\u202e\n");
    expect(message).toMatch(/got "\\u001b\]0;x\\u0007\\u009b2J\\u202e"/);
  });

  test("refuses a row without end", async () => {
    const endless = (async function* () {
      for (;;) yield new Uint8Array(1 << 24).fill(49);
    })();
    await expect(readCsv(endless).next()).rejects.toThrow(/a row goes on for \d+ bytes/);
  });
});

describe("rows", () => {
  test.each([60_000, 100_000])("of %i columns are read", async (columns) => {
    const names = Array.from({ length: columns }, (_, i) => `c${i}`).join();
    const row = (k: number) => Array.from({ length: columns }, (_, i) => (i % 7) + k).join();
    const text = encode(`${names}\n${row(0)}\n${row(1)}\n${row(2)}\n`);
    let rows = 0;
    for await (const batch of readCsv(pieces(text, 1 << 16))) {
      expect(batch.columns).toBe(columns);
      rows += batch.rows;
      expect(batch.data.at(-1)).toBe(((columns - 1) % 7) + rows - 1);
    }
    expect(rows).toBe(3);
  });

  test("have the right line numbers, with blank lines and line breaks in cells", async () => {
    const file = await openCsv(encode('a,b\n\n1,2\n"3\n",4\n5,6\n\n\n7,8\n'), {});
    for await (const _ of file.batches());
    expect([0, 1, 2, 3, 4, -1].map((row) => file.lines.of(row))).toEqual([
      3,
      4,
      6,
      9,
      undefined,
      undefined,
    ]);
  });

  test("are returned immediately at a pause of the source, which is an empty piece", async () => {
    const log: string[] = [];
    const live = (async function* () {
      for (const text of ["a,b\n1,2\n", "", "3,4\n5,", "", "", "6\n7,8\n", ""]) {
        log.push(`sent ${JSON.stringify(text)}`);
        yield encode(text);
      }
    })();
    for await (const { data } of readCsv(live)) log.push(`got ${data.join()}`);
    expect(log).toEqual([
      'sent "a,b\\n1,2\\n"',
      'sent ""',
      "got 1,2",
      'sent "3,4\\n5,"',
      'sent ""',
      "got 3,4",
      'sent ""',
      'sent "6\\n7,8\\n"',
      'sent ""',
      "got 5,6,7,8",
    ]);
  });

  test("of a source in shared memory, of a Buffer and of another realm", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    shared.set(encode("1,2\n3,4\n"));
    const foreign = runInNewContext("new Uint8Array([49, 44, 50, 10, 51, 44, 52, 10])");
    for (const source of [shared, Buffer.from("1,2\n3,4\n"), foreign, foreign.buffer]) {
      expect((await read(source)).rows).toEqual([
        [1, 2],
        [3, 4],
      ]);
    }
  });
});
