// The detection of the dialect of a CSV file.

import { describe, expect, test } from "vitest";
import { type CsvDialectOptions, openCsv, readCsv } from "../../src/formats/csv.ts";
import { FormatError } from "../../src/formats/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, options: CsvDialectOptions = {}, size = 1e9) {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const file = await openCsv(pieces(encode(text), size), { ...options, onWarning });
  const rows: number[][] = [];
  for await (const { data, columns } of file.batches()) {
    for (let at = 0; at < data.length; at += columns) {
      rows.push([...data.subarray(at, at + columns)]);
    }
  }
  return { rows, names: file.names, warnings };
}

const refusal = async (text: string, options: CsvDialectOptions = {}) => {
  const error = await read(text, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
};

const { NaN: nan } = Number;

describe("a first line of a spreadsheet states the delimiter", () => {
  const expected = { rows: [[1.5, 2, 3]], names: ["a", "b,c", "d"], warnings: [] };
  test.each([
    "sep=;\r\na;b,c;d\r\n1,5;2;3\r\n",
    "\ufeffsep=;\na;b,c;d\n1,5;2;3",
    '"sep=;"\r\na;"b,c";d\r\n1,5;2;3\r\n',
    "SEP=|\na|b,c|d\n1,5|2|3\n",
  ])("%j", async (text) => {
    for (const size of [1e9, 1, 3]) expect(await read(text, {}, size)).toEqual(expected);
  });

  test("lines count from the first of the file", async () => {
    expect(await refusal("sep=;\na;b\n1;2\n1;x\n")).toMatch(/^line 4, column 2/);
    expect(await refusal("sep=;\n1;2\n1;x\n")).toMatch(/^line 3, column 2/);
    const { rows } = await read("sep=;\n1;2\n", { delimiter: ";", header: false });
    expect(rows).toEqual([[1, 2]]);
  });

  test("any other text is a header", async () => {
    expect((await read("sep=x\n1\n2\n")).names).toEqual(["sep=x"]);
  });
});

describe("missing values in the first row are data", () => {
  test.each(["?", "-nan", "None", "#N/A", "NULL", "-", "1.#IND", "<NA>", ""])(
    "%j",
    async (token) => {
      const { rows, names, warnings } = await read(`2,1,${token}\n1,9,5\n`);
      expect(rows).toEqual([
        [2, 1, nan],
        [1, 9, 5],
      ]);
      expect([names, warnings]).toEqual([undefined, []]);
    },
  );

  test("a hexadecimal number is also data, and is refused at its place", async () => {
    expect(await refusal("2,1,0x1F\n1,9,5\n")).toBe(
      'line 1, column 3: expected a number, got "0x1F"; hexadecimal numbers are not read',
    );
  });

  test("other tokens can be named", async () => {
    const missing = ["missing", "-999"];
    const { rows } = await read("a,b\n1,MISSING\n-999,2\n,3\n", { missing });
    expect(rows).toEqual([
      [1, nan],
      [nan, 2],
      [nan, 3],
    ]);
    expect(await refusal("a,b\n1,NA\n", { missing })).toMatch(/line 2, column 2 .* got "NA"/);
  });
});

describe("a header of numbers", () => {
  const warning = (names: string | RegExp) => [expect.stringMatching(names)];

  test.each<[string, string, string[]]>([
    ["0, 1, 2 as pandas writes it", "0,1,2\n.5,7,9\n", ["0", "1", "2"]],
    ["with an index", ",0,1\n0,5,6\n1,7,8\n", ["Unnamed: 0", "0", "1"]],
    ["years after a name", "1999,1940,1945\n1,2,3\n".replace("1999", "x"), ["x", "1940", "1945"]],
  ])("%s", async (_, text, names) => {
    const result = await read(text);
    expect(result.names).toEqual(names);
    expect(result.warnings).toEqual(warning(/taken for names, because .*; header: false/));
    expect((await read(text.replace("x", "0"), { header: false })).names).toBeUndefined();
  });

  test("is recognized if other columns are text", async () => {
    const text = "x,1940,1945\na,1,2\nb,3,4\n";
    const { rows, names } = await read(text, { columns: "2-3" });
    expect(names).toEqual(["1940", "1945"]);
    expect(rows).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test.each(["0,1,2\n3,4,5\n", "0,1,2\n1,2,3\n", "0,1\n5,7\n", "1,2,3\n9,9,9\n", "0,2,4\n1,1,1\n"])(
    "is not assumed for rows that count: %j",
    async (text) => {
      expect(await read(text)).toMatchObject({ names: undefined, warnings: [] });
    },
  );
});

describe("a first row of text", () => {
  test.each<[string, string, string[] | undefined, RegExp | undefined]>([
    ["over numbers", "a,b\n1,2\n", ["a", "b"], undefined],
    ["over numbers, beside a number", "id,2019\n1,2\n", ["id", "2019"], /text over a number/],
    ["over text, and nothing else", "a,b\nx,y\nz,w\n", ["a", "b"], /no row has numbers/],
    ["that comes again further down", "x,y\nz,y\n", undefined, /"y" comes again; header: true/],
    ["over missing values and then numbers", "a,b\n,\nNA,\n1,2\n", ["a", "b"], undefined],
    ["beside numbers over text beside numbers", "setosa,5.1\nvirginica,4\n", undefined, undefined],
  ])("%s", async (_, text, names, warning) => {
    const columns = names && !/[xyz]/.test(text) ? undefined : "2";
    const options = { columns: columns && "2" } as const;
    const file = await openCsv(encode(text), {
      ...options,
      onWarning: (message) => expect(message).toMatch(warning ?? /^$/),
    });
    expect(file.dialect.names).toEqual(names);
    expect(file.dialect.warnings.length).toBe(warning ? 1 : 0);
  });

  test("with the expected names is a header, without a warning", async () => {
    const { names, warnings } = await read("7,8,9\n1,2,3\n", { expected: ["9", "7"] });
    expect([names, warnings]).toEqual([["7", "8", "9"], []]);
  });
});

describe("repeated names are changed as in pandas", () => {
  test.each<[string, string[]]>([
    ["a,a,b", ["a", "a.1", "b"]],
    ["a,a,a.1,a", ["a", "a.2", "a.1", "a.3"]],
    ["a,,b,", ["a", "Unnamed: 1", "b", "Unnamed: 3"]],
    ['"a,b",a b, a', ["a,b", "a b", "a"]],
  ])("%s", async (header, names) => {
    const cells = names.map((_, i) => i).join();
    const result = await read(`${header}\n${cells}\n`);
    expect(result.names).toEqual(names);
    const twice = result.warnings.filter((warning) => /more than one column/.test(warning));
    expect(twice.length).toBe(header.startsWith("a,a") ? 1 : 0);
    const again = await read(`${header}\n${cells}\n`, { columns: names });
    expect(again.rows).toEqual(result.rows);
  });
});

describe("decimals", () => {
  const lines = (count: number, line: string) => `${line}\n`.repeat(count);

  test.each<[string, number[][]]>([
    ["a;b\n1,5;-2,25\n", [[1.5, -2.25]]],
    ["a\tb\n1,5\t2\n", [[1.5, 2]]],
    ["a|b\n1,5|2\n", [[1.5, 2]]],
    [
      "1,5;\n-0,125;3e2\n",
      [
        [1.5, nan],
        [-0.125, 300],
      ],
    ],
    ["a;b\n1,234;2,5\n", [[Math.fround(1.234), 2.5]]],
    ["a;b\n0,125;n.a.\n", [[0.125, nan]]],
  ])("commas are found where they do not separate cells: %j", async (text, rows) => {
    for (const size of [1, 3, 1e9]) {
      expect((await read(text, { missing: ["n.a."] }, size)).rows).toEqual(rows);
      const expected = ["a", "b"];
      const missing = ["n.a."];
      expect((await read(text, { missing, expected }, size)).rows).toEqual(rows);
    }
  });

  test("the rows up to the hundredth decide", async () => {
    const text = (count: number) => `a;b\n${lines(count, "1;2")}3;4,5\n`;
    for (const size of [7, 1e9]) {
      expect((await read(text(99), {}, size)).rows.at(-1)).toEqual([3, 4.5]);
    }
    expect(await refusal(text(100))).toMatch(/^line 102, column 2 .* "4,5"; decimals want a point/);
  });

  test.each([
    ["thousands may be meant", "a;b\n1,234;2\n10,500;3\n", 2, "1,234"],
    ["another number has a point", "a;b\n1,5;2.5\n", 2, "1,5"],
    ["a later number has a point", "a;b\n1,5;2\n1,5;2.5\n", 2, "1,5"],
    ["the column has text too", "a;b\n1,5;1\nx;2\n", 2, "1,5"],
  ])("commas are not found if %s", async (_, text, line, cell) => {
    expect(await refusal(text)).toBe(
      `line ${line}, column 1 ("a"): expected a number, got "${cell}"; decimals want a point; the option decimal "," reads commas`,
    );
  });

  test("a decimal mark that is given is not guessed", async () => {
    expect(await refusal("a;b\n1,5;2\n", { decimal: "." })).toMatch(/decimals want a point/);
    expect(await refusal("a;b\n1,5;2\n", { thousands: "," })).toMatch(/got "1,5"/);
  });

  test("the usual decimal mark counts where the rows do not decide", async () => {
    const options = { usualDecimal: "," } as const;
    expect((await read("a;b\n1,234;2\n", options)).rows).toEqual([[Math.fround(1.234), 2]]);
    expect((await read(`a;b\n${lines(100, "1;2")}3;4,5\n`, options)).rows.at(-1)).toEqual([3, 4.5]);
    expect((await read("a;b\n1.5;2\n", options)).rows).toEqual([[1.5, 2]]);
    expect((await read("a,b\n1.5,2\n", options)).rows).toEqual([[1.5, 2]]);
  });

  test.each<[string, number[][]]>([
    [
      "a;b\n1,5;-2,25\n,5;3\n",
      [
        [1.5, -2.25],
        [0.5, 3],
      ],
    ],
    [
      "1,5;2\n3,25;4\n",
      [
        [1.5, 2],
        [3.25, 4],
      ],
    ],
    ["a\n1,5\n2,5\n", [[1.5], [2.5]]],
    ["a\tb\n1,5e2\t2\n", [[150, 2]]],
    ['a;b\n"1,5";" 2,5 "\n', [[1.5, 2.5]]],
  ])("commas are read where they are asked for: %j", async (text, rows) => {
    for (const size of [1, 3, 1e9])
      expect((await read(text, { decimal: "," }, size)).rows).toEqual(rows);
  });

  test("quoted cells may hold decimal commas between commas", async () => {
    const { rows } = await read('a,b\n"1,5","2,5"\n', { decimal: ",", delimiter: "," });
    expect(rows).toEqual([[1.5, 2.5]]);
  });

  test.each(["12", "1234567890", "-1234567890123456"])(
    "outside of quotation marks that comma ends the number %s",
    async (number) => {
      const options = { decimal: ",", delimiter: ",", header: false } as const;
      expect((await read(`${number},5\n`, options)).rows).toEqual([[Math.fround(+number), 5]]);
      const file = await openCsv(encode(`${number},5\n`), options);
      for await (const { data } of file.batchesFloat64()) expect([...data]).toEqual([+number, 5]);
    },
  );

  test("points are refused with a decimal comma", async () => {
    expect(await refusal("a;b\n1.5;2\n", { decimal: "," })).toMatch(
      /line 2, column 1 .* got "1.5"; decimals want a comma here; the option decimal "." reads points$/,
    );
  });
});

describe("numbers with units or other text", () => {
  test.each<[string, RegExp]>([
    ["1.5D+03", /line 2, .* got "1.5D\+03"; exponents are written with an e/],
    ["12%", /line 2, .* got "12%"; the option units "%" reads percentages/],
    ["$5", /line 2, .* got "\$5"; the option units reads amounts/],
    ["3 kg", /line 2, .* got "3 kg"; the option units reads numbers with a unit/],
    ["1'234", /line 2, .* got "1'234"; the option thousands/],
  ])("%s is refused with a hint", async (cell, message) => {
    expect(await refusal(`a;b\n${cell};2\n`)).toMatch(message);
  });

  test("a row of units under the header is refused at its line", async () => {
    expect(await refusal("time,height\ns,m\n1,2\n")).toBe(
      'line 2, column 1 ("time"): expected a number, got "s"',
    );
  });

  test("units and groups of digits are read with the options for them", async () => {
    const units = ["%", "$", "kg"];
    const text = "a;b;c\n12%;$1,234.5;-1,234,567\n5 kg;$ 6;7\n";
    expect((await read(text, { units, thousands: "," })).rows).toEqual([
      [12, 1234.5, -1234567],
      [5, 6, 7],
    ]);
    const german = "a;b\n1.234,5;-12\n1234,25;1.234.567\n";
    expect((await read(german, { decimal: ",", thousands: "." })).rows).toEqual([
      [1234.5, -12],
      [1234.25, 1234567],
    ]);
    expect(await refusal("a;b\n12,34.5;1\n", { thousands: "," })).toMatch(/got "12,34.5"/);
  });
});

describe("delimiters", () => {
  test.each(["|", ";", "\t", ","])("%j is found", async (delimiter) => {
    const text = "a,b\n1,2\n".replaceAll(",", delimiter);
    expect(await read(text)).toMatchObject({ rows: [[1, 2]], names: ["a", "b"] });
  });

  test("the one for which the first two rows agree is used", async () => {
    expect((await read("a,b;c\n1,2\n")).names).toEqual(["a", "b;c"]);
    expect((await read("a|x;b|y\n1;2\n")).names).toEqual(["a|x", "b|y"]);
  });
});

describe("line ends and marks", () => {
  test.each([
    ["CR alone", "a,b\r1,2\r3,4"],
    ["CR alone, and a last one", "a,b\r1,2\r3,4\r"],
    ["CRLF", "a,b\r\n1,2\r\n3,4\r\n"],
    ["a mark before a quoted header", '\ufeff"a",b\n1,2\n3,4'],
    ["a mark, and CR alone", "\ufeffa,b\r1,2\r3,4\r"],
  ])("%s", async (_, text) => {
    for (const size of [1, 2, 5, 1e9]) {
      expect(await read(text, {}, size)).toMatchObject({
        names: ["a", "b"],
        rows: [
          [1, 2],
          [3, 4],
        ],
      });
    }
  });

  test("a mark before a quoted name with a comma in it", async () => {
    expect(await read('\ufeff"a,b",c\n1,2')).toMatchObject({ names: ["a,b", "c"], rows: [[1, 2]] });
  });

  test("lines that end in CR are counted", async () => {
    expect(await refusal("a,b\r1,2\r3,x\r")).toMatch(/^line 3, column 2/);
  });

  test("the first row of a long file with only CR is returned before the file is read to its end", async () => {
    let asked = 0;
    const endless = (async function* () {
      for (;;) {
        asked++;
        yield encode("1,2\r".repeat(1 << 13));
      }
    })();
    for await (const _ of readCsv(endless, { batchRows: 100 })) break;
    expect(asked).toBeLessThan(8);
  });
});

test.each<[CsvDialectOptions, RegExp]>([
  [{ decimal: ";" as "," }, /decimal must be "\." or ","; got ";"/],
  [{ thousands: "." }, /thousands must be .* not the decimal mark; got "\."/],
  [{ decimal: ",", thousands: "," }, /not the decimal mark; got ","/],
  [{ units: "%" as unknown as string[] }, /units must be an array of strings; got "%"/],
  [{ missing: [1] as unknown as string[] }, /missing must be an array of strings/],
])("options that cannot be are refused: %j", async (options, message) => {
  await expect(openCsv(encode("1,2\n"), options)).rejects.toThrow(message);
});
