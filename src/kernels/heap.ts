// Blocks of a linear memory that may be freed in any order: first fit over a list of free blocks,
// neighbours joined again. Few and large blocks are what it is for.

import { Arena } from "../core/arena.ts";
import type { HostMemory } from "../platform/webassembly.ts";

const ALIGNMENT = 64;

export class Heap {
  readonly #arena: Arena;
  /** Free blocks in the order of their addresses. */
  readonly #free: { address: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();

  constructor(memory: HostMemory) {
    this.#arena = new Arena(memory);
  }

  /** Bytes in blocks that were not freed. */
  get bytesInUse(): number {
    let sum = 0;
    for (const bytes of this.#sizes.values()) sum += bytes;
    return sum;
  }

  /** A block on a cache line. Its contents are whatever was there. */
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

  /** Gives back a block that `allocate` returned. */
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
