// A float32 matrix in the linear memory of the kernels, row-major and contiguous.

import type { OwnFloats } from "../arrays.ts";
import { DisposedError } from "../errors.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { HostMemory } from "../platform/webassembly.ts";

/** A matrix. `Kernels.matrix` creates it. `free`, `using`, its `scope` and the `dispose` of its kernels free it. */
export class Matrix {
  /** The number of rows. */
  readonly rows: number;
  /** The number of columns. */
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

  /** The number of elements: rows × columns. */
  get length(): number {
    return this.rows * this.columns;
  }

  /** The byte address in the memory, or 0 after the matrix is freed. */
  get address(): number {
    return this.#address;
  }

  /**
   * The elements, as a view of the memory. It is a new view each time: a new matrix may grow the memory, which detaches
   * older views.
   * @throws DisposedError after the matrix is freed.
   */
  get data(): Float32Array {
    if (this.#address === 0) {
      throw new DisposedError(`This ${this.rows} x ${this.columns} matrix was freed.`);
    }
    return new Float32Array(this.#memory.buffer, this.#address, this.length);
  }

  /** A copy of the elements. It stays valid when the matrix is freed. */
  toArray(): OwnFloats {
    return this.data.slice();
  }

  /** Frees the memory. Freeing twice does nothing. */
  free(): void {
    if (this.#address === 0) return;
    this.#release(this.#address);
    this.#address = 0;
  }

  [disposeKey](): void {
    this.free();
  }
}
