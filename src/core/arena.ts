// The linear memory of one model, as a map:
//
//   0      1024              fixed                     workspace
//   | null | parameters | gradients | moments … |  batch, activations, panels … |
//
// `reserve` allocates addresses from the bottom. `rewind` frees everything above a mark: the workspace is
// planned anew for a larger batch. Nothing else is ever freed. `commit` grows the memory to hold what was
// reserved. Memory never shrinks, and a training loop stops growing it after its first step.

import { MemoryLimitError } from "../errors.ts";
import type { HostMemory } from "../platform/webassembly.ts";

const PAGE = 65536;
/** Address 0 means "none" in the contracts of the kernels, so the first bytes are never allocated. */
const FIRST_ADDRESS = 1024;
/**
 * The most pages that a memory may have: 4 GiB less one page. If an operand ended at 4 GiB, its end address
 * would be 0 in 32 bits, and kernels that compare addresses would stop too early.
 */
export const MAXIMUM_PAGES = 65535;
const LIMIT = MAXIMUM_PAGES * PAGE;
/** A cache line: no two blocks share one. */
const ALIGNMENT = 64;

export class Arena {
  readonly memory: HostMemory;
  #top = FIRST_ADDRESS;
  #heap: Float32Array;
  #words: Uint32Array;

  constructor(memory: HostMemory) {
    this.memory = memory;
    this.#heap = new Float32Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
  }

  /** Bytes in use, including the reserved first bytes. */
  get top(): number {
    return this.#top;
  }

  /** The current size of the memory in bytes. */
  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * All of memory as float32. The element at address p is `heap[p / 4]`. Growing the memory detaches views,
   * so read this property again after any call that may reserve.
   */
  get heap(): Float32Array {
    if (this.#heap.buffer !== this.memory.buffer) this.#heap = new Float32Array(this.memory.buffer);
    return this.#heap;
  }

  /** All of memory as uint32, like `heap`. */
  get wordHeap(): Uint32Array {
    if (this.#words.buffer !== this.memory.buffer)
      this.#words = new Uint32Array(this.memory.buffer);
    return this.#words;
  }

  /** A new float32 view of `length` elements at `address`. */
  view(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  /** A new uint32 view of `length` elements at `address`. */
  words(address: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length);
  }

  /** A new float64 view of `length` elements at `address`. */
  doubles(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }

  /**
   * Reserves `bytes`, aligned to a cache line, and returns the address. The memory is usable after `commit`.
   * It keeps its old contents. Memory that was never used holds zeros.
   */
  reserve(bytes: number): number {
    const address = Math.ceil(this.#top / ALIGNMENT) * ALIGNMENT;
    this.#top = address + bytes;
    return address;
  }

  /** Reserves room for `length` float32 values. */
  reserveFloats(length: number): number {
    return this.reserve(length * 4);
  }

  /** Frees everything that was reserved since `top` was `mark`. */
  rewind(mark: number): void {
    this.#top = mark;
  }

  /**
   * Grows the memory once to hold everything that was reserved. Each growth costs about a millisecond.
   * @throws MemoryLimitError when the memory cannot grow. It is then unchanged.
   */
  commit(): void {
    const missing = Math.ceil((this.#top - this.byteLength) / PAGE);
    if (missing <= 0) return;
    if (this.#top > LIMIT) throw tooLarge(this.#top, "a WebAssembly memory holds 4.0 GiB");
    try {
      this.memory.grow(missing);
    } catch {
      throw tooLarge(this.#top, "the host gave no more");
    }
  }
}

function tooLarge(bytes: number, why: string): MemoryLimitError {
  const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return new MemoryLimitError(
    `The model and its workspace need ${size} of memory; ${why}. Smaller layers or batches need less.`,
  );
}
