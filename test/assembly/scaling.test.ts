import { describe, expect, test } from "vitest";
import { builds, type TestCore } from "../support/core.ts";

const { fround } = Math;
const SHAPES: [number, number][] = [
  [0, 3],
  [1, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [5, 7],
  [4, 64],
  [2, 101],
];

/** Values in [-1, 1) with 32 random bits, the same in every run. */
function values(count: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** `content` as float64 at an address that need not be a multiple of 16. */
function doubles(core: TestCore, content: readonly number[]): number {
  const at = core.alloc(8 * content.length + 8) + 8;
  core.f64(at, content.length).set(content);
  return at;
}

describe.each(builds)("scaling, $name build", (core) => {
  const { kernels } = core;

  /** Columns far from 0 with small differences, of which float32 would keep nothing. */
  function data(rows: number, cols: number) {
    const center = values(cols, 1).map((value) => 1e9 + value);
    const scale = values(cols, 2).map((value) => Math.abs(value) + 0.01);
    const x = values(rows * cols, 3).map((value, i) => center[i % cols]! + value);
    return { center, scale, x };
  }

  test.each(SHAPES)("scaleColumns of %i x %i is rounded once", (rows, cols) => {
    core.reset();
    const { center, scale, x } = data(rows, cols);
    const y = core.put(new Array(rows * cols + 2).fill(777));
    const [px, pc, ps] = [doubles(core, x), doubles(core, center), doubles(core, scale)];
    kernels.scaleColumns(rows, cols, px, pc, ps, y + 4);
    const expected = x.map((value, i) => fround((value - center[i % cols]!) / scale[i % cols]!));
    expect(Array.from(core.f32(y, rows * cols + 2))).toEqual([777, ...expected, 777]);
    expect(Array.from(core.f64(px, rows * cols))).toEqual(x);
  });

  test.each(SHAPES)("unscaleColumns of %i x %i is rounded once", (rows, cols) => {
    core.reset();
    const { center, scale } = data(rows, cols);
    const scaled = values(rows * cols, 4).map(fround);
    const y = core.put([777, ...scaled, 777]);
    kernels.unscaleColumns(rows, cols, y + 4, doubles(core, scale), doubles(core, center));
    const expected = scaled.map((value, i) => fround(value * scale[i % cols]! + center[i % cols]!));
    expect(Array.from(core.f32(y, rows * cols + 2))).toEqual([777, ...expected, 777]);
  });

  test("missing and infinite values stay so, and small and large results are those of JavaScript", () => {
    core.reset();
    const x = [Number.NaN, Infinity, -Infinity, 1e300, 1e-300, 5e-46, -0];
    const y = core.alloc(4 * x.length);
    const [zeros, ones] = [x.map(() => 0), x.map(() => 1)];
    kernels.scaleColumns(1, 7, doubles(core, x), doubles(core, zeros), doubles(core, ones), y);
    expect(Array.from(core.f32(y, 7))).toEqual(x.map(fround));
    kernels.unscaleColumns(1, 7, y, doubles(core, ones), doubles(core, zeros));
    expect(Array.from(core.f32(y, 7))).toEqual(x.map((value) => fround(fround(value) + 0)));
  });
});
