// Loads every build of the core that this engine accepts, straight from build/, over a memory of its
// own. Kernel tests loop over `builds` and so run the same list of cases in each.

import { readFileSync } from "node:fs";
import { instantiateSync } from "@assemblyscript/loader";
import type { KernelExports } from "../../src/core/generated/exports.ts";

/** A build of the core with its memory, and a bump allocator for test data. */
export interface TestCore<Exports = KernelExports> {
  readonly name: string;
  readonly kernels: Exports;
  readonly memory: WebAssembly.Memory;
  /** Reserves `bytes` (aligned to 16) and returns the pointer. */
  alloc(bytes: number): number;
  /** Copies `values` in as float32 and returns the pointer. */
  put(values: ArrayLike<number>): number;
  /** A new view of `length` float32 values at `pointer`. */
  f32(pointer: number, length: number): Float32Array;
  /** A new view of `length` uint32 values at `pointer`. */
  u32(pointer: number, length: number): Uint32Array;
  /** A new view of `length` float64 values at `pointer`. */
  f64(pointer: number, length: number): Float64Array;
  /** Frees every allocation and fills the memory in use with NaN words. */
  reset(): void;
}

const POISON = 0x7fc0_dead; // a quiet NaN: the result of a kernel that reads outside of its arrays becomes NaN

function load<Exports>(name: string, bytes: Uint8Array<ArrayBuffer>): TestCore<Exports> {
  const memory = new WebAssembly.Memory({ initial: 512, maximum: 65536 });
  const { instance } = instantiateSync(bytes, { env: { memory } });
  const start = 1024;
  let top = start;
  const core: TestCore<Exports> = {
    name,
    kernels: instance.exports as unknown as Exports,
    memory,
    alloc(size) {
      const pointer = top;
      top += (size + 15) & ~15;
      const missing = top - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      return pointer;
    },
    put(values) {
      const pointer = core.alloc(values.length * 4);
      core.f32(pointer, values.length).set(values);
      return pointer;
    },
    f32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    u32: (pointer, length) => new Uint32Array(memory.buffer, pointer, length),
    f64: (pointer, length) => new Float64Array(memory.buffer, pointer, length),
    reset() {
      new Uint32Array(memory.buffer, start, (top - start) >>> 2).fill(POISON);
      top = start;
    },
  };
  return core;
}

function loadAll<Exports>(prefix: string): TestCore<Exports>[] {
  return ["baseline", "relaxed"].flatMap((name) => {
    const path = new URL(`../../build/${prefix}${name}.wasm`, import.meta.url);
    const bytes = new Uint8Array(readFileSync(path));
    return WebAssembly.validate(bytes) ? [load<Exports>(name, bytes)] : [];
  });
}

/** The builds that this engine can run: `baseline` always, `relaxed` where it has relaxed SIMD. */
export const builds = loadAll<KernelExports>("");

/** An elementary function over an array: y[i] = f(x[i]) for i < count. */
type ArrayFunction = (count: number, x: number, y: number) => void;

/** The same builds of assembly/functions.ts. */
export const functionBuilds =
  loadAll<Record<"exp" | "log" | "log1p" | "tanh" | "sigmoid" | "erf", ArrayFunction>>(
    "functions-",
  );
