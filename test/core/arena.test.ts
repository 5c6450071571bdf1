import { expect, test } from "vitest";
import { Arena, MAXIMUM_PAGES } from "../../src/core/arena.ts";
import { MemoryLimitError } from "../../src/index.ts";

const PAGE = 65536;

/** A memory that only reports a size and has no content. */
function pretended() {
  const pages = { count: 1 };
  const buffer = () => ({ byteLength: pages.count * PAGE }) as ArrayBuffer;
  const memory = {
    get buffer() {
      return buffer();
    },
    grow(more: number) {
      pages.count += more;
      return pages.count - more;
    },
  };
  const real = new WebAssembly.Memory({ initial: 1 });
  let started = false; // the constructor of the arena reads the memory
  const arena = new Arena({
    get buffer() {
      return started ? memory.buffer : real.buffer;
    },
    grow: memory.grow,
  });
  started = true;
  return { arena, pages };
}

test("no block touches the last page of 4 GiB, because the end of an operand there is address 0", () => {
  const { arena, pages } = pretended();
  arena.reserve(2 ** 32 - PAGE - arena.top);
  arena.commit();
  expect(pages.count).toBe(MAXIMUM_PAGES);
  const mark = arena.top;
  const address = arena.reserve(64);
  expect(() => arena.commit()).toThrow(MemoryLimitError);
  expect([address, pages.count]).toEqual([2 ** 32 - PAGE, MAXIMUM_PAGES]);
  arena.rewind(mark);
  arena.commit();
});

test("a memory of the core cannot grow to the last page", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES });
  expect(() => memory.grow(MAXIMUM_PAGES)).toThrow(RangeError);
});
