// If a dimension of a hostile file is eight times as large, reading takes about eight times as long. No time may grow with
// the square of a dimension. With quadratic growth these sizes would take minutes.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { selectColumns } from "../../../src/formats/columns.ts";
import { readCsv, readCsvFloat64 } from "../../../src/formats/csv.ts";
import { FormatError } from "../../../src/formats/errors.ts";
import { gunzip, gunzipByPako } from "../../../src/formats/gunzip.ts";
import { decodeNpy, encodeNpy } from "../../../src/formats/npy.ts";
import { openNpz } from "../../../src/formats/npz.ts";
import { decodeSafetensors } from "../../../src/formats/safetensors.ts";
import { readTable, streamTable } from "../../../src/formats/tables.ts";
import { growth } from "../../support/growth.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Reads to the end or to an error, which must be a FormatError. */
async function drain(results: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of results);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

async function settle(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

type Make = (size: number) => Uint8Array;

async function expectLinear(make: Make, size: number, read: (bytes: Uint8Array) => unknown) {
  const { ratio, limit } = await growth((n) => {
    const bytes = make(n);
    return () => read(bytes);
  }, size);
  expect(ratio).toBeLessThan(limit);
}

const text =
  (make: (n: number) => string): Make =>
  (n) =>
    encode(make(n));

const csvShapes: [string, Make, number][] = [
  ["digits in a cell", text((n) => `a,b\n1,${"7".repeat(n)}x\n`), 500_000],
  ["digits after the point", text((n) => `a,b\n1,.${"7".repeat(n)}\n`), 500_000],
  ["digits in an exponent", text((n) => `a,b\n1,1e${"7".repeat(n)}\n`), 500_000],
  ["digits and commas in a cell", text((n) => `a;b\n1;${"7,".repeat(n)}\n`), 250_000],
  ["points in a cell", text((n) => `a;b\n1;1${".".repeat(n)}\n`), 250_000],
  ["letters in a cell", text((n) => `a,b\n1,${"e".repeat(n)}\n`), 500_000],
  ["blanks in a cell", text((n) => `a,b\n1,${" ".repeat(n)}2\n`), 500_000],
  ["quotes in a cell", text((n) => `a,b\n1,"${'""'.repeat(n)}"\n`), 250_000],
  ["quotes that open nothing", text((n) => `a,b\n1,${'x"'.repeat(n)}\n`), 250_000],
  ["a quote that is never closed", text((n) => `a,b\n1,2\n"${"3,4\n".repeat(n)}`), 100_000],
  ["breaks in a cell", text((n) => `a,b\n1,"${"\n".repeat(n)}"\n`), 250_000],
  ["columns", text((n) => `${"1,".repeat(n)}1\n${"2,".repeat(n)}2\n`), 10_000],
  [
    "names",
    text((n) => `${Array.from({ length: n }, (_, i) => `n${i}`)}\n${"2,".repeat(n - 1)}2\n`),
    10_000,
  ],
  ["names that repeat", text((n) => `${"a,".repeat(n)}a\n${"2,".repeat(n)}2\n`), 10_000],
  [
    "names that collide",
    text(
      (n) =>
        `${Array.from({ length: n }, (_, i) => `a.${i}`)},${"a,".repeat(n)}a\n${"2,".repeat(2 * n)}2\n`,
    ),
    5000,
  ],
  ["columns without names", text((n) => `${",".repeat(n)}a\n${"2,".repeat(n)}2\n`), 10_000],
  ["a longer first row", text((n) => `a${",b".repeat(n)}\n1,2\n`), 10_000],
  ["delimiters of all kinds", text((n) => `a${",b;c|d\te".repeat(n)}\n1,2\n`), 5000],
  ["rows", text((n) => "1,2,3\n".repeat(n)), 20_000],
  ["blank lines", text((n) => `1,2\n${"\n \r\n".repeat(n)}3,4\n`), 100_000],
  ["lines of CR", text((n) => "1,2\r".repeat(n)), 50_000],
  ["rows of labels", text((n) => `${"a,b\n".repeat(n)}1,2\n`), 20_000],
  ["zeros at the front", text((n) => `a\n${"0".repeat(n)}1\n`), 500_000],
];

describe("readCsv", () => {
  test.each(csvShapes)("%s", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => drain(readCsv(bytes)));
  });

  test.each(csvShapes)("%s, in pieces", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => drain(readCsv(pieces(bytes, 1000))));
  });

  test.each(csvShapes)("%s, in bytes", async (_, make, size) => {
    const small = Math.ceil(size / 64);
    await expectLinear(make, small, (bytes) => drain(readCsvFloat64(pieces(bytes, 1))));
  });

  test.each(csvShapes.filter(([name]) => /quote|blank|rows|names/.test(name)))(
    "%s, gzipped",
    async (_, make, size) => {
      const zipped: Make = (n) => gzipSync(make(n));
      await expectLinear(zipped, size, (bytes) => drain(readCsv(bytes)));
    },
  );

  test.each([
    ["decimal commas", { decimal: "," } as const],
    ["groups", { thousands: "," } as const],
    ["units", { units: ["7", "%", "77"] }],
    ["tokens", { missing: Array.from({ length: 1000 }, (_, i) => `token ${i}`) }],
  ])("digits and commas, read with %s", async (_, options) => {
    const make = text((n) => `a;b\n1;${"777,".repeat(n)}777\n`);
    await expectLinear(make, 100_000, (bytes) => drain(readCsv(bytes, options)));
  });
});

describe("readTable, CSV", () => {
  test.each([
    ...csvShapes,
    [
      "texts that differ",
      text((n) => `a,b\n${Array.from({ length: n }, (_, i) => `text ${i},1\n`).join("")}`),
      10_000,
    ],
    [
      "texts of other alphabets",
      text((n) => `a,b\n${Array.from({ length: n }, (_, i) => `größe ${i},1\n`).join("")}`),
      10_000,
    ],
    [
      "columns that turn to text",
      text((n) => {
        const rows = Array.from({ length: n }, (_, i) =>
          Array.from({ length: 40 }, (_, j) => (i === j + n - 40 ? "x" : i)),
        );
        return `${rows.join("\n")}\n`;
      }),
      500,
    ],
    [
      "columns that all turn to text",
      text((n) => `${"1,".repeat(n)}1\n${"x,".repeat(n)}x\n`),
      5000,
    ],
  ] as [string, Make, number][])("%s", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => settle(() => readTable(bytes)));
    await expectLinear(make, size / 2, (bytes) => drain(streamTable(pieces(bytes, 5000))));
  });
});

const jsonShapes: [string, Make, number][] = [
  ["rows", text((n) => `[${'{"a":1,"b":"x"},'.repeat(n)}{}]`), 10_000],
  ["lines", text((n) => '{"a":1,"b":"x"}\n'.repeat(n)), 10_000],
  ["blank lines", text((n) => `${"\n".repeat(n)}{"a":1}\n`), 200_000],
  ["keys", text((n) => `{${Array.from({ length: n }, (_, i) => `"k${i}":${i}`)}}`), 10_000],
  [
    "keys that differ from row to row",
    text((n) => Array.from({ length: n }, (_, i) => `{"k${i}":1}\n`).join("")),
    10_000,
  ],
  ["values in a column", text((n) => `{"a":[${"1,".repeat(n)}1]}`), 50_000],
  ["columns of arrays", text((n) => `[[${"1,".repeat(n)}1],[${"1,".repeat(n)}1]]`), 20_000],
  ["nesting of arrays", text((n) => "[".repeat(n)), 100_000],
  ["nesting of objects", text((n) => '{"a":'.repeat(n)), 50_000],
  ["quotes", text((n) => '{"a":"'.repeat(n)), 50_000],
  ["escaped quotes", text((n) => `{"a":NaN,"${'\\"'.repeat(n)}`), 100_000],
  ["backslashes", text((n) => `{"a":NaN,"${"\\".repeat(n)}`), 100_000],
  ["NaN", text((n) => `[${"[NaN],".repeat(n)}[1]]`), 20_000],
  ["a long string", text((n) => `{"a":"${"x".repeat(n)}"}\n`), 500_000],
  ["a line without end", text((n) => `{"a":1}\n{"a":${"1".repeat(n)}`), 500_000],
];

describe("readTable, JSON", () => {
  test.each(jsonShapes)("%s", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => settle(() => readTable(bytes)));
    const small = Math.ceil(size / 64);
    await expectLinear(make, small, (bytes) => settle(() => readTable(pieces(bytes, 1))));
  });

  test.each(jsonShapes)("%s, streamed", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => drain(streamTable(pieces(bytes, 1000))));
  });
});

describe("decodeSafetensors", () => {
  const raw = (header: string): Uint8Array => {
    const bytes = encode(header);
    const file = new Uint8Array(8 + bytes.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
    file.set(bytes, 8);
    return file;
  };

  test.each<[string, (n: number) => string, number]>([
    ["colons", (n) => `{"a"${":".repeat(n)}`, 200_000],
    ["colons after a long name", (n) => `{"${"a".repeat(n)}"${":".repeat(n)}`, 100_000],
    ["strings", (n) => `{${'"a"'.repeat(n)}`, 100_000],
    ["names", (n) => `{${Array.from({ length: n }, (_, i) => `"t${i}":1`)}}`, 20_000],
    ["escaped names", (n) => `{${Array.from({ length: n }, (_, i) => `"\\u0074${i}":1`)}}`, 10_000],
    [
      "empty tensors",
      (n) =>
        `{${Array.from({ length: n }, (_, i) => `"t${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`,
      5000,
    ],
    [
      "metadata",
      (n) => `{"__metadata__":{${Array.from({ length: n }, (_, i) => `"t${i}":"x"`)}}}`,
      20_000,
    ],
    [
      "sizes in a shape",
      (n) => `{"a":{"dtype":"F32","shape":[${"1,".repeat(n)}0],"data_offsets":[0,0]}}`,
      50_000,
    ],
    ["nesting", (n) => "[".repeat(n), 500_000],
    ["nests side by side", (n) => `{"a":${"[],".repeat(n)}`, 100_000],
    ["backslashes", (n) => `{"${"\\".repeat(n)}`, 500_000],
  ])("%s", async (_, header, size) => {
    await expectLinear(
      (n) => raw(header(n)),
      size,
      (bytes) => settle(() => decodeSafetensors(bytes)),
    );
  });
});

describe("archives and arrays", () => {
  const array = encodeNpy({ shape: [4], data: new Float32Array(4) });

  test.each<[string, Make, number]>([
    [
      "entries",
      (n) =>
        zipSync(Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}.npy`, array])), {
          level: 0,
        }),
      500,
    ],
    [
      "other entries",
      (n) =>
        zipSync(
          Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, new Uint8Array(1)])),
          { level: 0 },
        ),
      500,
    ],
    [
      "zeros after the archive",
      (n) => new Uint8Array([...zipSync({ "X.npy": array }), ...new Uint8Array(n)]),
      100_000,
    ],
    ["ends of directories", (n) => encode("PK\x05\x06".repeat(n)), 50_000],
    ["locators of directories", (n) => encode("PK\x06\x07".repeat(n)), 50_000],
  ])("NPZ: %s", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => settle(() => openNpz(bytes).names.length));
  });

  const npy = (header: string): Uint8Array => {
    const bytes = encode(header);
    return Uint8Array.from([
      0x93,
      0x4e,
      0x55,
      0x4d,
      0x50,
      0x59,
      2,
      0,
      bytes.length & 255,
      bytes.length >> 8,
      0,
      0,
      ...bytes,
    ]);
  };

  // Headers are limited to 64 kB, so these parts are short. Each is still made eight times as long.
  test.each<[string, (n: number) => string]>([
    ["quotes", (n) => `{${"'".repeat(n)}`],
    ["backslashes", (n) => `{'${"\\".repeat(n)}`],
    ["names", (n) => `{${"'a': True, ".repeat(n / 11)}`],
    ["sizes", (n) => `{'shape': (${"1,".repeat(n / 2)}`],
    ["braces", (n) => "{".repeat(n)],
  ])("NPY: %s in the header", async (_, header) => {
    await expectLinear(
      (n) => npy(header(n)),
      8000,
      (bytes) => {
        for (let i = 0; i < 50; i++) {
          try {
            decodeNpy(bytes);
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
          }
        }
      },
    );
  });

  test("NPY in column-major order, in many sizes", async () => {
    await expectLinear(
      (n) => {
        const file = encodeNpy({ shape: [1, 2, 1, n, 1, 2, 1], data: new Uint8Array(4 * n) });
        return Uint8Array.from(
          Buffer.from(Buffer.from(file).toString("latin1").replace("False", "True "), "latin1"),
        );
      },
      20_000,
      (bytes) => settle(() => decodeNpy(bytes)),
    );
  });
});

describe.each([
  ["node:zlib", gunzip],
  ["pako", gunzipByPako],
])("gzip by %s", (_, unzip) => {
  const member = gzipSync("1,2\n");

  test.each<[string, Make, number]>([
    ["members", (n) => Buffer.concat(Array.from({ length: n }, () => member)), 2000],
    ["empty members", (n) => Buffer.concat(Array.from({ length: n }, () => gzipSync(""))), 2000],
    ["zeros at the end", (n) => Buffer.concat([member, Buffer.alloc(n)]), 500_000],
    [
      "a long name in the header",
      (n) =>
        Buffer.concat([
          member.subarray(0, 3),
          Buffer.from([8]),
          member.subarray(4, 10),
          Buffer.alloc(n, 65),
        ]),
      500_000,
    ],
    ["what compresses best", (n) => gzipSync(Buffer.alloc(n)), 1_000_000],
  ])("%s", async (_, make, size) => {
    await expectLinear(make, size, (bytes) => drain(unzip(pieces(bytes, 1 << 16))));
  });
});

test.each<[string, (n: number) => string | string[]]>([
  ["names", (n) => Array.from({ length: n }, (_, i) => `c${i}`)],
  ["exclusions", (n) => Array.from({ length: n }, (_, i) => `!c${n - i}`)],
  ["parts in text", (n) => Array.from({ length: n }, (_, i) => `${i + 1}`).join()],
  ["quotes", (n) => `"${'""'.repeat(n)}"`],
])("choosing columns: %s", async (_, choose) => {
  const { ratio, limit } = await growth((n) => {
    const names = Array.from({ length: n + 1 }, (_, i) => `c${i}`);
    const choice = choose(n);
    return () => settle(() => selectColumns(choice, names.length, names));
  }, 10_000);
  expect(ratio).toBeLessThan(limit);
});
