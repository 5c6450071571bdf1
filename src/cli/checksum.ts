// A checksum of a table's numbers. The same numbers have the same checksum in every file format and number type.

import type { Numbers } from "./input.ts";
import type { Fingerprint } from "./model-file.ts";

const CHUNK = 1 << 16; // numbers

/**
 * 128 bits of SHA-256 over the numbers as float32, or as float64 for chunks that float32 would round. Chunks begin at
 * multiples of their size, so that the pieces in which the rows arrive make no difference.
 */
export class Checksum {
  readonly #columns: number;
  // Not imported, because an import would slow down the start of every command.
  readonly #hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  /** The numbers of the current chunk, and as float32. */
  readonly #chunk = new Float64Array(CHUNK);
  readonly #singles = new Float32Array(CHUNK);
  #filled = 0;
  #count = 0;
  /** Whether float32 holds every number exactly. Without a check of each number, MNIST takes half the time. */
  #areExact = false;
  #mayHoldNaN = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Adds whole rows. */
  add(data: Numbers): void {
    this.#count += data.length;
    this.#areExact = data instanceof Float32Array || data.BYTES_PER_ELEMENT <= 2;
    this.#mayHoldNaN = data instanceof Float32Array || data instanceof Float64Array;
    for (let i = 0; i < data.length; ) {
      const some = data.subarray(i, i + CHUNK - this.#filled);
      this.#chunk.set(some, this.#filled);
      this.#filled += some.length;
      i += some.length;
      if (this.#filled === CHUNK) this.#addChunk();
    }
  }

  end(): Fingerprint {
    this.#addChunk();
    const rows = this.#count / this.#columns;
    return { rows, columns: this.#columns, checksum: this.#hash.digest("hex").slice(0, 32) };
  }

  #addChunk(): void {
    if (this.#filled === 0) return;
    const chunk = this.#chunk.subarray(0, this.#filled);
    const singles = this.#singles.subarray(0, this.#filled);
    if (this.#mayHoldNaN) replaceNaN(chunk);
    singles.set(chunk);
    const isExact = this.#areExact || isSameNumbers(singles, chunk);
    const exact = isExact ? singles : chunk;
    this.#hash.update(isExact ? "4" : "8");
    this.#hash.update(new Uint8Array(exact.buffer, 0, exact.byteLength));
    this.#filled = 0;
  }
}

/** Gives all NaN the same bits. A file can have any of them, and x86 computes 0 / 0 with another sign than most. */
function replaceNaN(numbers: Float64Array): void {
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isNaN(numbers[i])) numbers[i] = Number.NaN;
  }
}

function isSameNumbers(rounded: Float32Array, numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] ?? Number.NaN;
    if (rounded[i] !== value && !Number.isNaN(value)) return false;
  }
  return true;
}

/** Whether two tables have the same numbers, in the same order in every epoch. */
export const isSame = (a: Fingerprint, b: Fingerprint): boolean =>
  a.rows === b.rows && a.columns === b.columns && a.checksum === b.checksum && a.bytes === b.bytes;
