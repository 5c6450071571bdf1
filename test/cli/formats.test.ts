// The same table in every format, from files and through pipes, gives the result of the library. Every output
// format has the same numbers.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { writeCsv } from "../../src/formats/csv-write.ts";
import { decodeNpy, encodeNpy } from "../../src/formats/npy.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { jsonLines, run, runHere, temporaryFolder } from "./program.ts";

const folder = temporaryFolder();
const inFolder = (name: string) => join(folder, name);
const ROWS = 50;
const COLUMNS = 6;
const names = ["a", "b", "c d", 'e"f', "g,h", "i"];
const numbers = Uint8Array.from({ length: ROWS * COLUMNS }, (_, i) => (i * i * 7 + i) % 251);
const floats = Float32Array.from(numbers);
const shape = [ROWS, COLUMNS] as const;

function idx(): Uint8Array {
  return Uint8Array.from([0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, 2, 0, 0, 0, 3, ...numbers]);
}

const encoded = (ascii: string) => new TextEncoder().encode(ascii);

const text = (...table: Parameters<typeof writeCsv>) =>
  Buffer.concat([...writeCsv(...table)]).toString();

const csv = (header: readonly string[] | undefined, delimiter: "," | ";" | "\t" = ",") =>
  text({ data: floats, columns: COLUMNS, names: header }, { delimiter });

const objects = Array.from({ length: ROWS }, (_, i) =>
  Object.fromEntries(names.map((name, j) => [name, numbers[i * COLUMNS + j]])),
);

const files: Record<string, Uint8Array | string> = {
  "header.csv": csv(names),
  "bare.csv": csv(undefined),
  "semicolons.csv": csv(names, ";"),
  "tabs.tsv": csv(names, "\t"),
  "zipped.csv.gz": gzipSync(csv(names)),
  "float32.npy": encodeNpy({ shape, data: floats }),
  "float64.npy": encodeNpy({ shape, data: Float64Array.from(numbers) }),
  "int64.npy": encodeNpy({ shape, data: BigInt64Array.from(numbers, BigInt) }),
  "bytes.npy.gz": gzipSync(encodeNpy({ shape, data: numbers })),
  "one.npz": zipSync({ "anything.npy": encodeNpy({ shape, data: numbers }) }),
  "labelled.npz": zipSync({
    "X.npy": encodeNpy({ shape, data: numbers }),
    "y.npy": encodeNpy({ shape: [ROWS], data: numbers.slice(0, ROWS) }),
  }),
  "images.idx": idx(),
  "objects.json": JSON.stringify(objects),
  "columns.json": JSON.stringify(
    Object.fromEntries(names.map((name) => [name, objects.map((row) => row[name])])),
  ),
  "lines.jsonl": objects.map((row) => `${JSON.stringify(row)}\n`).join(""),
  "lines.jsonl.gz": gzipSync(objects.map((row) => `${JSON.stringify(row)}\n`).join("")),
  "members.csv.gz": Buffer.concat(
    csv(names)
      .split(/(?<=\n)/)
      .map((line) => gzipSync(line)),
  ),
  "images.idx.gz": gzipSync(idx()),
};

let model: TiedAutoencoder;
beforeAll(async () => {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(inFolder(name), bytes);
  const words = ["train", "header.csv", "-o", "m.safetensors", "--layers", "6,3", "-e", "3", "-q"];
  const trained = await run(folder, [...words, "--simd", "baseline"]);
  expect(trained).toMatchObject({ code: 0, out: "", err: "" });
  const bytes = readFileSync(inFolder("m.safetensors"));
  model = await TiedAutoencoder.load(bytes, { simd: "baseline" });
});

const apply = (command: string, ...words: string[]) =>
  runHere(folder, [command, "m.safetensors", ...words, "--simd", "baseline"]);

test("an NPY file that claims more than it has takes no memory for it, whichever columns are chosen", async () => {
  const text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 131072), }\n";
  const head = Uint8Array.of(0x93, ...encoded("NUMPY"), 1, 0, text.length, 0, ...encoded(text));
  writeFileSync(inFolder("claims.npy"), Buffer.concat([head, Buffer.alloc(1000)]));
  for (const columns of ["1", "1-131072"]) {
    const { code, err } = await runHere(folder, ["info", "claims.npy", "--columns", columns]);
    expect(code).toBe(1);
    expect(err).toContain("takes 1048576000000000 bytes, the file has 1000 from byte");
  }
});

describe("input formats", () => {
  test.each(Object.keys(files))("%s", async (name) => {
    const { code, stdout, err } = await apply("encode", name, "-f", "npy");
    expect([code, err]).toEqual([0, ""]);
    const { shape: got, data } = decodeNpy(stdout);
    expect(got).toEqual([ROWS, 3]);
    expect(data).toEqual(model.encode(floats));
  });

  test.each(["zipped.csv.gz", "labelled.npz", "images.idx.gz"])("%s by a pipe", async (name) => {
    const words = ["encode", "m.safetensors", "-", "-f", "npy", "--simd", "baseline"];
    const { stdout } = await run(folder, words, files[name]);
    expect(decodeNpy(stdout).data).toEqual(model.encode(floats));
  });

  test("columns are found by the names that the model was trained on, in any order", async () => {
    const more = 7;
    const order = [5, -1, 3, 0, 4, 2, 1]; // includes a column that the model does not know
    const data = Float32Array.from({ length: ROWS * more }, (_, i) => {
      const column = order[i % more] as number;
      return column < 0 ? 1e6 : (floats[Math.floor(i / more) * COLUMNS + column] as number);
    });
    const header = order.map((column) => names[column] ?? "unknown");
    const table = text({ data, columns: more, names: header });
    const words = ["score", "m.safetensors", "-", "-f", "npy", "--simd", "baseline"];
    const { stdout } = await run(folder, words, table);
    expect(decodeNpy(stdout).data).toEqual(model.reconstructionErrors(floats));
  });

  test("decimal commas, groups of digits and units", async () => {
    const german = csv(names, ";").replace(/^\d.*$/gm, (row) => row.replaceAll(/\d+/g, "$&,0 %"));
    writeFileSync(inFolder("german.csv"), german);
    const words = ["--decimal", ",", "--thousands", ".", "--units", "%", "-f", "npy"];
    const { stdout, err } = await apply("encode", "german.csv", ...words);
    expect(err).toBe("");
    expect(decodeNpy(stdout).data).toEqual(model.encode(floats));
  });

  test("decimal commas are found, told, and kept with the model for tables that do not show them", async () => {
    const rows = (cells: string[]) => `a;b\n${cells.join("\n")}\n`;
    writeFileSync(inFolder("commas.csv"), rows(["1,5;20", "2,25;10", "3;40,5"]));
    writeFileSync(inFolder("thousandths.csv"), rows(["1,125;20,375"]));
    writeFileSync(inFolder("points.csv"), "a,b\n1.125,20.375\n");
    const words = ["train", "commas.csv", "-e", "1", "-o", "commas.safetensors"];
    const { err } = await run(folder, words);
    expect(err.replace(/\s+/g, " ")).toContain(
      "data 3 rows of 2, from 1.5 to 40.5 (csv with decimal commas, read in",
    );
    const scores = async (file: string, ...more: string[]) =>
      run(folder, ["score", "commas.safetensors", file, ...more]);
    const expected = (await scores("points.csv")).out;
    expect(expected).toMatch(/^error\n[\d.]+\n$/);
    expect((await scores("thousandths.csv")).out).toBe(expected);
    expect((await scores("thousandths.csv", "--decimal", ".")).err).toMatch(/got "1,125"/);
    const info = await run(folder, ["info", "commas.csv"]);
    expect(info.out).toMatch(/^format +csv with decimal commas$/m);
    expect((await run(folder, ["info", "thousandths.csv"])).err).toMatch(/--decimal , reads/);
  });

  test("an uncertain decision about a header is reported", async () => {
    writeFileSync(inFolder("years.csv"), "x,1940,1945,1950\na,1,2,4\nb,3,4,4\n");
    const words = [
      "train",
      "years.csv",
      "--columns",
      "2-4",
      "-e",
      "1",
      "-q",
      "-o",
      "y.safetensors",
    ];
    const { code, err } = await run(folder, words);
    expect(code).toBe(0);
    expect(err).toBe(
      "tied-autoencoder: warning: years.csv: the first row was taken for names, because its numbers count up as names do; --no-header takes it for data\n",
    );
    const { out } = await run(folder, ["info", "y.safetensors", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ columns: ["1940", "1945", "1950"] });
  });

  test("a file with repeated names is read in the same way by train, score and --resume", async () => {
    writeFileSync(inFolder("twice.csv"), "a,a,b\n1,2,3\n4,5,7\n2,2,2\n");
    const words = ["train", "twice.csv", "-o", "t.safetensors", "-q", "-e"];
    const trained = await run(folder, [...words, "2"]);
    expect(trained.code).toBe(0);
    expect(trained.err).toMatch(/"a" is the name of more than one column; .* called "a\.1"/);
    expect((await run(folder, ["score", "t.safetensors", "twice.csv"])).code).toBe(0);
    expect((await run(folder, [...words, "4", "--resume"])).code).toBe(0);
  });

  test("an archive with one readable and one unreadable array", async () => {
    const object = readFileSync(new URL("../formats/fixtures/object.npy", import.meta.url));
    const file = zipSync({ "A.npy": encodeNpy({ shape, data: numbers }), "names.npy": object });
    writeFileSync(inFolder("mixed.npz"), file);
    const { stdout } = await apply("encode", "mixed.npz", "--array", "A", "-f", "npy");
    expect(decodeNpy(stdout).data).toEqual(model.encode(floats));
  });

  test("--columns has priority over names, also for arrays", async () => {
    const wide = new Float32Array(ROWS * 7).fill(9);
    for (let i = 0; i < floats.length; i++) wide[Math.floor(i / 6) * 7 + (i % 6) + 1] = floats[i]!;
    writeFileSync(inFolder("wide.npy"), encodeNpy({ shape: [ROWS, 7], data: wide }));
    const { stdout } = await apply("encode", "wide.npy", "--columns", "2-7", "-f", "npy");
    expect(decodeNpy(stdout).data).toEqual(model.encode(floats));
  });
});

describe("output formats", () => {
  test("reconstruct: CSV with the names of the columns, NPY and JSON have the same numbers", async () => {
    for (const file of ["y.csv", "y.npy", "y.jsonl"]) {
      expect((await apply("reconstruct", "header.csv", "-o", file)).code).toBe(0);
    }
    const expected = model.reconstruct(floats);
    const columns = COLUMNS;
    expect(readFileSync(inFolder("y.csv"), "utf8")).toBe(text({ data: expected, columns, names }));
    const npy = decodeNpy(readFileSync(inFolder("y.npy")));
    expect(npy).toMatchObject({ dtype: "f4", shape: [ROWS, COLUMNS] });
    expect(npy.data).toEqual(expected);
    const lines = jsonLines(readFileSync(inFolder("y.jsonl"), "utf8"));
    expect(lines.map(({ row }) => row)).toEqual(Array.from({ length: ROWS }, (_, i) => i));
    expect(new Float32Array(lines.flatMap(({ values }) => values as number[]))).toEqual(expected);
  });

  test("decode converts codes into rows", async () => {
    await apply("encode", "bare.csv", "-o", "codes.csv");
    expect(readFileSync(inFolder("codes.csv"), "utf8")).toMatch(/^code1,code2,code3\n/);
    const { stdout } = await apply("decode", "codes.csv", "-f", "npy");
    expect(decodeNpy(stdout).data).toEqual(model.decode(model.encode(floats)));
  });

  test("score --features: the error of each row, then those of its columns", async () => {
    const { out } = await apply("score", "float32.npy", "--features", "--json");
    const lines = jsonLines(out);
    const each = model.featureErrors(floats);
    const errors = model.reconstructionErrors(floats);
    lines.forEach(({ error, features }, i) => {
      expect(Math.fround(error as number)).toBe(errors[i]);
      expect(Object.keys(features as object)).toEqual(names);
      expect(Float32Array.from(Object.values(features as Record<string, number>))).toEqual(
        each.slice(i * COLUMNS, (i + 1) * COLUMNS),
      );
    });
    expect(lines).toHaveLength(ROWS);
  });

  test("a table without rows gives only a header", async () => {
    const words = ["score", "m.safetensors", "-"];
    const header = csv(names).split("\n")[0];
    expect((await run(folder, words, `${header}\n`)).out).toBe("error\n");
    const npy = await run(folder, [...words, "-f", "npy"], `${header}\n`);
    expect(decodeNpy(npy.stdout).shape).toEqual([0, 1]);
  });

  test("evaluate has the result of the library", async () => {
    const { out } = await apply("evaluate", "zipped.csv.gz", "--json");
    const { rows, loss, mse, max } = JSON.parse(out) as Record<string, number>;
    const errors = model.reconstructionErrors(floats);
    const mean = errors.reduce((sum, error) => sum + error, 0) / ROWS;
    expect(rows).toBe(ROWS);
    expect(loss).toBeCloseTo(model.evaluate(floats), 12);
    expect(mse).toBeCloseTo(mean, 12);
    expect(max).toBe(Math.max(...errors));
  });

  test("export: the bare model and ONNX equal those of the library", async () => {
    await runHere(folder, ["export", "m.safetensors", "-o", "bare.safetensors"]);
    expect(new Uint8Array(readFileSync(inFolder("bare.safetensors")))).toEqual(model.save());
    await runHere(folder, ["export", "m.safetensors", "-o", "encoder.onnx", "--part", "encoder"]);
    const onnx = new Uint8Array(readFileSync(inFolder("encoder.onnx")));
    expect(onnx).toEqual(model.toOnnx({ part: "encoder" }));
  });

  test("export to PyTorch writes a folder that contains the bare model", async () => {
    const words = ["export", "m.safetensors", "-f", "pytorch", "-o", "torch"];
    expect((await run(folder, words)).code).toBe(0);
    expect(readdirSync(inFolder("torch")).sort()).toEqual([
      "model.safetensors",
      "tied_autoencoder.py",
      "train_ddp.py",
    ]);
    const bytes = new Uint8Array(readFileSync(inFolder("torch/model.safetensors")));
    expect(bytes).toEqual(model.save());
  });

  test("info distinguishes models and tables", async () => {
    expect((await runHere(folder, ["info", "m.safetensors"])).out).toContain("encoder.0  6 → 3");
    const { out } = await runHere(folder, ["info", "images.idx.gz", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ format: "idx", rows: ROWS, columns: COLUMNS, low: 0 });
  });
});
