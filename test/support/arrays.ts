// Test data and guard words for kernels over flat arrays.

import { expect } from "vitest";
import type { TestCore } from "./core.ts";

const GUARD = new Array<number>(5).fill(777);

/** `content` in the core, between guard words and off the 16-byte grid. */
export function guarded(core: TestCore<unknown>, content: ArrayLike<number>): number {
  return core.put([...GUARD, ...Array.from(content), ...GUARD]) + 4 * GUARD.length;
}

/** The `count` words at `pointer`. Checks that the guard words are unchanged. */
export function read(core: TestCore<unknown>, pointer: number, count: number): number[] {
  const all = Array.from(core.f32(pointer - 4 * GUARD.length, count + 2 * GUARD.length));
  expect(all.slice(0, GUARD.length)).toEqual(GUARD);
  expect(all.slice(GUARD.length + count)).toEqual(GUARD);
  return all.slice(GUARD.length, GUARD.length + count);
}

/** Equal numbers at every index, with the sign of 0. It takes a tenth of the time of `toEqual` for long arrays. */
export function expectSame(actual: readonly number[], expected: readonly number[]): void {
  const isSame = (value: number, i: number) => Object.is(value, expected[i]);
  if (actual.length === expected.length && actual.every(isSame)) return;
  expect(actual).toEqual(expected);
  throw new Error("toEqual does not see the difference");
}

/** Float32 values evenly distributed over [low, high), the same in every run. */
export function uniform(count: number, low: number, high: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(low + ((high - low) * state) / 2 ** 32);
  });
}

/** The spacing of float32 numbers at the size of `value`. */
export function ulp(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -126) return 2 ** -149;
  return 2 ** (Math.min(127, Math.floor(Math.log2(magnitude))) - 23);
}
