// Allocates blocks of a linear memory that may be freed in any order. It uses first fit over a list of free blocks, and
// joins neighbouring free blocks. It is meant for few, large blocks.

import { Arena } from "../core/arena.ts";
import type { HostMemory } from "../platform/webassembly.ts";

const ALIGNMENT = 64;

export class Heap {
  readonly #arena: Arena;
  /** Free blocks, ordered by address. */
  readonly #free: { address: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();

  constructor(memory: HostMemory) {
    this.#arena = new Arena(memory);
  }

  /** The number of bytes in blocks that are not freed. */
  get bytesInUse(): number {
    let sum = 0;
    for (const bytes of this.#sizes.values()) sum += bytes;
    return sum;
  }

  /** Allocates a block, aligned to a cache line. Its contents are undefined. */
  allocate(length: number): number {
    const bytes = Math.max(ALIGNMENT, Math.ceil(length / ALIGNMENT) * ALIGNMENT);
    const block = this.#free.find((each) => each.bytes >= bytes);
    let address: number;
    if (block) {
      address = block.address;
      block.address += bytes;
      block.bytes -= bytes;
      if (block.bytes === 0) this.#free.splice(this.#free.indexOf(block), 1);
    } else {
      const mark = this.#arena.top;
      address = this.#arena.reserve(bytes);
      try {
        this.#arena.commit();
      } catch (error) {
        this.#arena.rewind(mark);
        throw error;
      }
    }
    this.#sizes.set(address, bytes);
    return address;
  }

  /** Frees a block that `allocate` returned. */
  free(address: number): void {
    const bytes = this.#sizes.get(address);
    if (bytes === undefined) return;
    this.#sizes.delete(address);
    const at = this.#free.findIndex((each) => each.address > address);
    const index = at < 0 ? this.#free.length : at;
    this.#free.splice(index, 0, { address, bytes });
    this.#join(index);
    if (index > 0) this.#join(index - 1);
  }

  #join(index: number): void {
    const block = this.#free[index];
    const next = this.#free[index + 1];
    if (!block || !next || block.address + block.bytes !== next.address) return;
    block.bytes += next.bytes;
    this.#free.splice(index + 1, 1);
  }
}
