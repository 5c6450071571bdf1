// A checksum of a table's numbers. The same numbers have the same checksum in every file format and number type.

import type { Numbers, Piece } from "./input.ts";
import type { Fingerprint } from "./model-file.ts";

const CHUNK = 1 << 16; // numbers

/** 128 bits of SHA-256 over the numbers as float32, or as float64 for chunks that float32 would round. */
export function fingerprint({ rows, data }: Piece, columns: number): Fingerprint {
  // Not imported, because an import would slow down the start of every command.
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  const singles = new Float32Array(CHUNK);
  // Bytes and 16-bit numbers are always exact. Without a check of each number, MNIST takes half the time.
  const areExact = data instanceof Float32Array || data.BYTES_PER_ELEMENT <= 2;
  for (let start = 0; start < data.length; start += CHUNK) {
    const chunk = data.subarray(start, start + CHUNK);
    const rounded = singles.subarray(0, chunk.length);
    rounded.set(chunk);
    const isExact = areExact || isSameNumbers(rounded, chunk);
    const exact = isExact ? rounded : Float64Array.from(chunk);
    hash.update(isExact ? "4" : "8");
    hash.update(new Uint8Array(exact.buffer, exact.byteOffset, exact.byteLength));
  }
  return { rows, columns, checksum: hash.digest("hex").slice(0, 32) };
}

function isSameNumbers(rounded: Float32Array, numbers: Numbers): boolean {
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] ?? Number.NaN;
    if (rounded[i] !== value && !Number.isNaN(value)) return false;
  }
  return true;
}

export const isSame = (a: Fingerprint, b: Fingerprint): boolean =>
  a.rows === b.rows && a.columns === b.columns && a.checksum === b.checksum;
