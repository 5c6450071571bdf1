// Rows of numbers on disk, for training with more rows than memory holds. They are read in blocks of consecutive rows.
// Every epoch takes the blocks in a new random order, reads as many as the memory limit allows, and shuffles the rows of
// these blocks together (Xu et al. 2022, "In-Database Machine Learning with CorgiPile: Stochastic Gradient Descent without
// Full Data Shuffle").

import { randomBytes } from "node:crypto";
import { closeSync, openSync, read, unlinkSync, writeFile } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { permutation, random } from "../detect/random.ts";
import { range } from "../detect/samples.ts";
import { CommandError, fileError } from "./errors.ts";
import type { Numbers } from "./input.ts";
import { isFilePath } from "./output.ts";

const readFrom = promisify(read);
const writeTo = promisify(writeFile);

/** The most bytes of a block. A row that is longer is a block of its own. */
const BLOCK_BYTES = 1 << 20;

/** Some rows in the form that the library takes. */
interface Rows {
  readonly data: Numbers;
  readonly shape: readonly [rows: number, columns: number];
}

type NumbersConstructor = (new (
  length: number,
) => Numbers) & { readonly BYTES_PER_ELEMENT: number };

export interface OrderOptions {
  /** The epoch takes the rows before this one. */
  readonly end: number;
  /** The most bytes of rows in memory. */
  readonly memory: number;
  /** The order of the epoch depends on this seed and its number. Undefined keeps the order of the file. */
  readonly shuffle: { readonly seed: number; readonly epoch: number } | undefined;
}

export class DiskRows {
  readonly columns: number;
  readonly #file: number;
  readonly #folder: string;
  readonly #ArrayType: NumbersConstructor;
  #rows = 0;

  /** The read that is under way. */
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(columns: number, file: number, folder: string, sample: Numbers) {
    this.columns = columns;
    this.#file = file;
    this.#folder = folder;
    this.#ArrayType = sample.constructor as NumbersConstructor;
  }

  /**
   * Makes an empty store in the folder of `path`, or in the folder for temporary files if `path` is not a file. The store
   * has no name in the folder, so the system removes it when the program ends in any way.
   * @param sample Numbers of the type of all rows.
   */
  static async create(path: string, columns: number, sample: Numbers): Promise<DiskRows> {
    const folder = (await isFilePath(path)) ? dirname(path) : tmpdir();
    const name = join(folder, `.tied-autoencoder-rows-${randomBytes(8).toString("hex")}.tmp`);
    try {
      // Not awaited in between: a signal that ends the program there would leave the name.
      const file = openSync(name, "wx+", 0o600);
      try {
        unlinkSync(name);
      } catch (error) {
        closeSync(file);
        throw error;
      }
      return new DiskRows(columns, file, folder, sample);
    } catch (error) {
      throw noRoom(folder, error);
    }
  }

  /** The number of rows. */
  get rows(): number {
    return this.#rows;
  }

  /** The bytes of a number. */
  get numberBytes(): number {
    return this.#ArrayType.BYTES_PER_ELEMENT;
  }

  /** The bytes of a row. */
  get rowBytes(): number {
    return this.columns * this.numberBytes;
  }

  /** Appends whole rows. */
  async append(data: Numbers): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    try {
      await writeTo(this.#file, bytes);
    } catch (error) {
      throw noRoom(this.#folder, error);
    }
    this.#rows += data.length / this.columns;
  }

  /** Rows [first, first + count). */
  async read(first: number, count: number): Promise<Rows> {
    const data = new this.#ArrayType(count * this.columns);
    await this.#readInto(data, first);
    return { data, shape: [count, this.columns] };
  }

  /** The rows before `end`, in the order of the file, in pieces. */
  async *pieces(end: number): AsyncGenerator<Rows, void, undefined> {
    const most = this.#blockRows;
    for (let row = 0; row < end; row += most) yield this.read(row, Math.min(most, end - row));
  }

  /**
   * The batches of an epoch. All have `batchSize` rows, except perhaps the last. A batch is valid until the next one is
   * requested.
   */
  async *epoch(
    options: OrderOptions & { readonly batchSize: number },
  ): AsyncGenerator<Rows, void, undefined> {
    const { columns } = this;
    const batchSize = Math.min(options.batchSize, options.end);
    const batch = new this.#ArrayType(batchSize * columns);
    let filled = 0;
    for await (const { data, order } of this.#parts(options)) {
      for (const row of order) {
        const first = row * columns;
        // For short rows, a loop takes less time than a view of each row.
        for (let j = 0; j < columns; j++) batch[filled + j] = data[first + j] ?? Number.NaN;
        filled += columns;
        if (filled < batch.length) continue;
        yield { data: batch, shape: [batchSize, columns] };
        filled = 0;
      }
    }
    if (filled > 0) yield { data: batch.subarray(0, filled), shape: [filled / columns, columns] };
  }

  /** Random rows, as many as the limit allows: the first part of the epoch. */
  async sample(options: OrderOptions): Promise<Rows> {
    for await (const { data, order } of this.#parts(options)) {
      return { data, shape: [order.length, this.columns] };
    }
    return this.read(0, 0);
  }

  /** Removes the rows from the disk. */
  async close(): Promise<void> {
    // Another file may get the number of a closed one.
    await this.#reading.catch(() => {});
    closeSync(this.#file);
  }

  get #blockRows(): number {
    return Math.max(1, Math.floor(BLOCK_BYTES / this.rowBytes));
  }

  /** The parts of an epoch that are in memory at a time, and the order of their rows. */
  async *#parts({
    end,
    memory,
    shuffle,
  }: OrderOptions): AsyncGenerator<{ data: Numbers; order: Uint32Array }, void, undefined> {
    const blockRows = this.#blockRows;
    const blocks = Math.ceil(end / blockRows);
    const most = Math.max(1, Math.floor(memory / (blockRows * this.rowBytes)));
    const source = shuffle && random(shuffle.seed, shuffle.epoch);
    const blockOrder = source ? permutation(blocks, source) : range(0, blocks);
    const all = new this.#ArrayType(Math.min(most, blocks) * blockRows * this.columns);
    for (let first = 0; first < blocks; first += most) {
      let rows = 0;
      for (const block of blockOrder.subarray(first, first + most)) {
        const row = block * blockRows;
        const count = Math.min(blockRows, end - row);
        await this.#readInto(all.subarray(rows * this.columns, (rows + count) * this.columns), row);
        rows += count;
      }
      const data = all.subarray(0, rows * this.columns);
      yield { data, order: source ? permutation(rows, source) : range(0, rows) };
    }
  }

  /** Fills `data` with rows from `first` on. */
  async #readInto(data: Numbers, first: number): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const start = first * this.rowBytes;
    for (let done = 0; done < bytes.length; ) {
      const some = Math.min(BLOCK_BYTES, bytes.length - done);
      const reading = readFrom(this.#file, bytes, done, some, start + done);
      this.#reading = reading;
      const { bytesRead } = await reading;
      if (bytesRead === 0) throw new Error(`The rows on disk end within row ${first}.`);
      done += bytesRead;
    }
  }
}

function noRoom(folder: string, error: unknown): CommandError {
  const { message } = fileError(folder, error);
  return new CommandError(
    `${message}; the rows take more than --memory and are kept on disk in this folder`,
    { file: folder, cause: error },
  );
}
