// A checksum of a table's numbers: the same numbers have the same one whatever file they come from, CSV or NPY, bytes
// or floats.

import { createHash } from "node:crypto";
import type { Piece } from "./input.ts";
import type { Fingerprint } from "./model-file.ts";

const CHUNK = 1 << 16; // numbers

/** 128 bits of SHA-256 over the numbers as float32, or as float64 for chunks that float32 would round. */
export function fingerprint({ rows, data }: Piece, columns: number): Fingerprint {
  const hash = createHash("sha256");
  const singles = new Float32Array(CHUNK);
  for (let start = 0; start < data.length; start += CHUNK) {
    const chunk = data.subarray(start, start + CHUNK);
    const rounded = singles.subarray(0, chunk.length);
    rounded.set(chunk);
    const isExact =
      data instanceof Float32Array || rounded.every((value, i) => same(value, chunk[i]!));
    const exact = isExact ? rounded : Float64Array.from(chunk);
    hash.update(isExact ? "4" : "8");
    hash.update(new Uint8Array(exact.buffer, exact.byteOffset, exact.byteLength));
  }
  return { rows, columns, checksum: hash.digest("hex").slice(0, 32) };
}

const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

export const isSame = (a: Fingerprint, b: Fingerprint): boolean =>
  a.rows === b.rows && a.columns === b.columns && a.checksum === b.checksum;
