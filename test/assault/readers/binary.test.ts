// Valid NPY, NPZ, IDX, safetensors and gzip files with random damage. The result matches the shapes in the file, or is a
// FormatError. The memory is limited by the size of the file.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { FormatError } from "../../../src/formats/errors.ts";
import { gunzip, gunzipByPako } from "../../../src/formats/gunzip.ts";
import { decodeIdx, encodeIdx } from "../../../src/formats/idx.ts";
import { decodeNpy, encodeNpy } from "../../../src/formats/npy.ts";
import { openNpy } from "../../../src/formats/npy-stream.ts";
import { encodeNpz, openNpz } from "../../../src/formats/npz.ts";
import type { NumericArray, NumericData } from "../../../src/formats/numbers.ts";
import { decodeSafetensors, tensorToFloat32 } from "../../../src/formats/safetensors.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors-write.ts";
import { readTable } from "../../../src/formats/tables.ts";
import { attack, cuts, damaged, inPieces } from "../support.ts";

const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const makers: ((length: number) => NumericData)[] = [
  (n) => Float64Array.from({ length: n }, (_, i) => i / 3),
  (n) => Float32Array.from({ length: n }, (_, i) => -i / 7),
  (n) => Int32Array.from({ length: n }, (_, i) => i * 1e5),
  (n) => Int16Array.from({ length: n }, (_, i) => -i),
  (n) => Int8Array.from({ length: n }, (_, i) => -i),
  (n) => Uint8Array.from({ length: n }, (_, i) => i * 7),
  (n) => BigInt64Array.from({ length: n }, (_, i) => BigInt(-i)),
];
const arrayOf = (choices: typeof makers): fc.Arbitrary<NumericArray> =>
  fc.tuple(shape, fc.constantFrom(...choices)).map(([sizes, make]) => ({
    shape: sizes,
    data: make(sizes.reduce((product, size) => product * size, 1)),
  }));

const npy = fc
  .tuple(arrayOf(makers), fc.constantFrom("False", "True "), fc.constantFrom("<", ">"))
  .map(([array, fortran, order]) => {
    const text = Buffer.from(encodeNpy(array)).toString("latin1");
    return new Uint8Array(
      Buffer.from(text.replace("False", fortran).replace("<", order), "latin1"),
    );
  });
const idx = arrayOf(makers.slice(0, -1)).map(encodeIdx);
const npz = fc
  .tuple(arrayOf(makers), arrayOf(makers), fc.boolean(), fc.boolean())
  .map(([x, y, compress, beside]): Uint8Array => {
    if (!beside)
      return encodeNpz(
        [
          ["X", x],
          ["y", y],
        ],
        { compress },
      );
    return zipSync({ "X.npy": encodeNpy(x), "readme.txt": new Uint8Array(30) }, { comment: "c" });
  });
const safetensors = fc
  .tuple(
    fc.array(arrayOf([makers[1]!]), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }),
  )
  .map(
    ([arrays, metadata]): Uint8Array =>
      encodeSafetensors(
        arrays.map(({ shape: sizes, data }, i) => ({
          name: `t${i}`,
          dtype: "F32",
          shape: sizes,
          data: data as Float32Array,
        })),
        metadata,
      ),
  );

/** Runs a reader. An error must be a FormatError. */
function tried<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message.length).toBeLessThan(600);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal must not get these characters
    expect(error.message).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
    return undefined;
  }
}

function requireWhole({ shape: sizes, data }: NumericArray, most: number): void {
  expect(data.length).toBe(sizes.reduce((product, size) => product * size, 1));
  expect(data.byteLength).toBeLessThanOrEqual(most);
}

test("NPY", async () => {
  await attack(damaged(npy), (bytes) => {
    const array = tried(() => decodeNpy(bytes));
    if (array) requireWhole(array, 2 * bytes.length);
  });
});

/** The numbers, or the message of the FormatError. */
async function numbersOf(read: () => Promise<unknown[]>): Promise<unknown[] | string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.message;
  }
}

async function* withPauses(bytes: Uint8Array, at: readonly number[], pauses: boolean) {
  for await (const piece of inPieces(bytes, at)) {
    yield piece;
    if (pauses) yield new Uint8Array(0);
  }
}

test("NPY in pieces and with pauses has the numbers or the error of the whole file", async () => {
  const most = fc.integer({ min: 1, max: 40 });
  await attack(
    fc.tuple(damaged(npy), cuts, most, fc.boolean()),
    async ([bytes, at, rows, pauses]) => {
      const whole = await numbersOf(async () => [...decodeNpy(bytes).data]);
      const pieces = await numbersOf(async () => {
        const stream = await openNpy(withPauses(bytes, at, pauses));
        const all: unknown[] = [];
        for await (const piece of stream.pieces(rows)) {
          all.push(...piece);
          expect(all.length).toBeLessThanOrEqual(bytes.length);
        }
        return all;
      });
      expect(pieces).toEqual(whole);
    },
  );
});

test("IDX", async () => {
  await attack(damaged(idx), (bytes) => {
    const array = tried(() => decodeIdx(bytes));
    if (array) requireWhole(array, bytes.length);
  });
});

test("NPZ", async () => {
  await attack(damaged(npz), (bytes) => {
    const file = tried(() => openNpz(bytes));
    for (const name of file?.names ?? []) {
      const array = tried(() => file?.array(name));
      if (array) requireWhole(array, 1032 * bytes.length);
    }
  });
});

test("safetensors", async () => {
  await attack(damaged(safetensors), (bytes) => {
    const file = tried(() => decodeSafetensors(bytes));
    let total = 0;
    for (const tensor of file?.tensors.values() ?? []) {
      requireWhole(tensor, bytes.length);
      total += tensor.data.byteLength;
      expect(tensorToFloat32(tensor).length).toBe(tensor.data.length);
    }
    expect(total).toBeLessThanOrEqual(bytes.length);
  });
});

test("gzip, by zlib and by pako with the same result", async () => {
  const plain = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat(100_000).map((n) => new Uint8Array(n)),
  );
  const zipped = fc
    .array(plain, { minLength: 1, maxLength: 3 })
    .map((members) => new Uint8Array(Buffer.concat(members.map((member) => gzipSync(member)))));
  const through = async (unzip: typeof gunzip, bytes: Uint8Array, at: readonly number[]) => {
    const found: Uint8Array[] = [];
    try {
      for await (const piece of unzip(inPieces(bytes, at))) found.push(piece);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return "refused";
    }
    return Buffer.concat(found).toString("latin1");
  };
  await attack(fc.tuple(damaged(zipped), cuts), async ([bytes, at]) => {
    const whole = await through(gunzip, bytes, []);
    expect(await through(gunzip, bytes, at)).toBe(whole);
    expect(await through(gunzipByPako, bytes, [])).toBe(whole);
    expect(await through(gunzipByPako, bytes, at)).toBe(whole);
  });
});

test("any file, read as a table", async () => {
  const any = fc.oneof(npy, idx, npz, safetensors, fc.uint8Array({ maxLength: 300 }));
  const files = fc
    .tuple(any, fc.boolean())
    .map(([file, zip]) => (zip ? new Uint8Array(gzipSync(file)) : file));
  await attack(fc.tuple(damaged(files), cuts), async ([bytes, at]) => {
    const read = async (source: Uint8Array | AsyncIterable<Uint8Array>) => {
      try {
        const { format, rows, columns } = await readTable(source);
        return { format, rows, columns: columns.map(({ values }) => [...values]) };
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        return { error: error.message };
      }
    };
    expect(await read(inPieces(bytes, at))).toEqual(await read(bytes));
  });
});
