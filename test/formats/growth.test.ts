// Regression tests: small files whose reading time once grew with the square of their size.
// All other dimensions are in test/assault/readers/growth.test.ts.

import { describe, expect, test } from "vitest";
import { readCsv } from "../../src/formats/csv.ts";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { readTable } from "../../src/formats/tables.ts";
import { growth } from "../support/growth.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Runs a reader until its end or an error. */
async function settle(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

const readAll = (bytes: Uint8Array, size: number) =>
  settle(async () => {
    for await (const _ of readCsv(pieces(bytes, size)));
  });

const header = (text: string): Uint8Array => {
  const bytes = encode(text);
  const file = new Uint8Array(8 + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, 8);
  return file;
};

describe("eight times the size takes about eight times as long", () => {
  test.each<[string, number, (n: number) => () => unknown]>([
    [
      "a CSV cell of digits and a letter",
      50_000,
      (n) => {
        const file = encode(`a,b\n1,${"7".repeat(n)}x\n`);
        return () => readAll(file, 1 << 16);
      },
    ],
    [
      "a CSV quote that is never closed, in pieces",
      50_000,
      (n) => {
        const file = encode(`a,b\n1,2\n"${"3,4\n".repeat(n)}`);
        return () => readAll(file, 1000);
      },
    ],
    [
      "names of CSV columns that repeat",
      3000,
      (n) => {
        const file = encode(`${"a,".repeat(n)}a\n${"1,".repeat(n)}1\n`);
        return () => settle(() => readTable(file));
      },
    ],
    [
      "keys of JSON lines that differ",
      2000,
      (n) => {
        const file = encode(Array.from({ length: n }, (_, i) => `{"k${i}":1}\n`).join(""));
        return () => settle(() => readTable(file));
      },
    ],
    [
      "colons in a safetensors header",
      20_000,
      (n) => {
        const file = header(`{"${"a".repeat(n)}"${":".repeat(n)}`);
        return () => settle(() => decodeSafetensors(file));
      },
    ],
    [
      "empty tensors in a safetensors header",
      2000,
      (n) => {
        const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
        const file = header(`{${Array.from({ length: n }, (_, i) => `"t${i}":${entry}`)}}`);
        return () => settle(() => decodeSafetensors(file));
      },
    ],
  ])("%s", async (_, size, make) => {
    const { ratio, limit } = await growth(make, size);
    expect(ratio).toBeLessThan(limit);
  });
});
