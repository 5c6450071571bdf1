import { describe, expect, test } from "vitest";
import { guarded, read, ulp, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";

const { fround } = Math;
const SHAPES = [
  [0, 3],
  [2, 0],
  [1, 1],
  [3, 2],
  [2, 4],
  [4, 5],
  [3, 31],
  [2, 70],
] as const;

const norm = (row: readonly number[]) => Math.sqrt(row.reduce((s, v) => s + v * v, 0));
const inner = (a: readonly number[], b: readonly number[]) =>
  a.reduce((s, v, i) => s + v * b[i]!, 0);

/** rows x cols with NaN between the rows, which are cols + 3 apart. */
function pad(rows: number, cols: number, values: readonly number[]): number[] {
  const ld = cols + 3;
  return Array.from({ length: rows * ld }, (_, i) =>
    i % ld < cols ? values[Math.floor(i / ld) * cols + (i % ld)]! : Number.NaN,
  );
}

const rowsOf = (rows: number, cols: number, padded: readonly number[]) =>
  Array.from({ length: rows }, (_, r) => padded.slice(r * (cols + 3), r * (cols + 3) + cols));

describe.each(builds)("constraints, $name build", (core) => {
  const { kernels } = core;

  test.each(SHAPES)("setRowNorms of %i x %i, all rows or only longer ones", (rows, cols) => {
    for (const [length, longerOnly] of [
      [1, 0],
      [2.5, 0],
      [1, 1],
      [1e9, 1],
    ] as const) {
      core.reset();
      // Row 1 is all zeros; row 2 is short.
      const w = uniform(rows * cols, -1, 1, 1).map((v, i) => {
        const r = Math.floor(i / cols);
        return r === 1 ? 0 : r === 2 ? fround(v * 0.01) : v;
      });
      const p = guarded(core, pad(rows, cols, w));
      kernels.setRowNorms(rows, cols, p, cols + 3, length, longerOnly);
      const after = read(core, p, rows * (cols + 3));
      after.forEach((value, i) => {
        if (i % (cols + 3) >= cols) expect(value).toBeNaN();
      });
      rowsOf(rows, cols, after).forEach((row, r) => {
        const before = w.slice(r * cols, (r + 1) * cols);
        const size = norm(before);
        if (size === 0 || (longerOnly && size <= length)) {
          expect(row).toEqual(before);
          return;
        }
        row.forEach((value, j) => {
          const expected = (before[j]! * length) / size;
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(0.51 * ulp(expected));
        });
      });
    }
  });

  test("a row with exactly the norm does not change, and rows of any size get the norm", () => {
    core.reset();
    const exact = core.put([3, 4]);
    kernels.setRowNorms(1, 2, exact, 2, 5, 1);
    expect(Array.from(core.f32(exact, 2))).toEqual([3, 4]);
    for (const size of [3e38, 1e-40]) {
      const p = core.put([size, -size, size, size]);
      kernels.setRowNorms(1, 4, p, 4, 1, 0);
      expect(Array.from(core.f32(p, 4))).toEqual([0.5, -0.5, 0.5, 0.5]);
    }
  });

  test.each(SHAPES)("projectRows of %i x %i", (rows, cols) => {
    core.reset();
    const w = uniform(rows * cols, -1, 1, 2).map((v, i) => (Math.floor(i / cols) === 1 ? 0 : v));
    const g = uniform(rows * cols, -1, 1, 3);
    const [pw, pg] = [guarded(core, pad(rows, cols, w)), guarded(core, pad(rows, cols, g))];
    kernels.projectRows(rows, cols, pw, cols + 3, pg, cols + 3);
    expect(read(core, pw, rows * (cols + 3))).toEqual(pad(rows, cols, w));
    const after = read(core, pg, rows * (cols + 3));
    after.forEach((value, i) => {
      if (i % (cols + 3) >= cols) expect(value).toBeNaN();
    });
    rowsOf(rows, cols, after).forEach((row, r) => {
      const [wr, gr] = [w.slice(r * cols, (r + 1) * cols), g.slice(r * cols, (r + 1) * cols)];
      const squares = inner(wr, wr);
      if (squares === 0) {
        expect(row).toEqual(gr);
        return;
      }
      row.forEach((value, j) => {
        const part = (inner(gr, wr) / squares) * wr[j]!;
        const bound = 2 ** -23 * (Math.abs(gr[j]!) + Math.abs(part));
        expect(Math.abs(value - (gr[j]! - part))).toBeLessThanOrEqual(bound);
      });
    });
  });

  test.each([0, 1, 2, 3, 4, 5, 17, 64])("clamp keeps %i elements within limits", (count) => {
    for (const [low, high] of [
      [0, Infinity],
      [-0.5, 0.25],
    ] as const) {
      for (const inPlace of [false, true]) {
        core.reset();
        const data = uniform(count, -1, 1, 4).map((v, i) => (i % 7 === 3 ? Number.NaN : v));
        const x = guarded(core, data);
        const out = inPlace ? x : guarded(core, new Array(count).fill(Number.NaN));
        kernels.clamp(count, x, low, high, out);
        expect(read(core, out, count)).toEqual(data.map((v) => Math.min(Math.max(v, low), high)));
        if (!inPlace) expect(read(core, x, count)).toEqual(data);
      }
    }
  });

  // A load after the end of the range would trap there.
  test.each([1, 2, 3, 5, 7])("nothing is read or written past %i columns", (cols) => {
    core.reset();
    const last = core.memory.buffer.byteLength - 4 * cols;
    core.f32(last, cols).set(uniform(cols, 0.5, 1, 5));
    kernels.projectRows(1, cols, last, cols, last, cols);
    core.f32(last, cols).fill(2);
    kernels.setRowNorms(1, cols, last, cols, 1, 0);
    kernels.clamp(cols, last, 0, 1, last);
    expect(norm(Array.from(core.f32(last, cols)))).toBeCloseTo(1, 6);
  });
});
