// A float32 matrix in the linear memory that the kernels work on, row-major and without gaps.

import type { OwnFloats } from "../arrays.ts";
import { DisposedError } from "../errors.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { HostMemory } from "../platform/webassembly.ts";

/** Made by `Kernels.matrix`. Freed by `free`, by `using`, by its `scope` or with its kernels. */
export class Matrix {
  /** Rows. */
  readonly rows: number;
  /** Columns. */
  readonly columns: number;
  readonly #memory: HostMemory;
  readonly #release: (address: number) => void;
  #address: number;

  /** @internal */
  constructor(
    memory: HostMemory,
    release: (address: number) => void,
    address: number,
    rows: number,
    columns: number,
  ) {
    this.#memory = memory;
    this.#release = release;
    this.#address = address;
    this.rows = rows;
    this.columns = columns;
  }

  /** Elements: rows × columns. */
  get length(): number {
    return this.rows * this.columns;
  }

  /** Byte address in the memory; 0 once freed. */
  get address(): number {
    return this.#address;
  }

  /**
   * The elements in the memory itself. A fresh view each time: growing the memory, which a new matrix
   * may do, detaches older ones.
   * @throws DisposedError once the matrix is freed.
   */
  get data(): Float32Array {
    if (this.#address === 0) {
      throw new DisposedError(`This ${this.rows} x ${this.columns} matrix was freed.`);
    }
    return new Float32Array(this.#memory.buffer, this.#address, this.length);
  }

  /** A copy of the elements, which stays when the matrix is freed. */
  toArray(): OwnFloats {
    return this.data.slice();
  }

  /** Gives the memory back. Freeing twice does nothing. */
  free(): void {
    if (this.#address === 0) return;
    this.#release(this.#address);
    this.#address = 0;
  }

  [disposeKey](): void {
    this.free();
  }
}
