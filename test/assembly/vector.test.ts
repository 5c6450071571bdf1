import { describe, expect, test } from "vitest";
import { SUM_BLOCK } from "../../assembly/ops.ts";
import { builds, type TestCore } from "../support/core.ts";

const COUNTS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130];
const GUARD = new Array<number>(5).fill(777);
const { fround } = Math;

/** Float32 values in [-1, 1), the same in every run. */
function values(count: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return fround(state / 2 ** 31 - 1);
  });
}

/** `content` in the core, between guard words. */
function guarded(core: TestCore, content: number[]): number {
  return core.put([...GUARD, ...content, ...GUARD]) + 4 * GUARD.length;
}

/** The content at `pointer`. Checks that the guard words are unchanged. */
function read(core: TestCore, pointer: number, count: number): number[] {
  const all = Array.from(core.f32(pointer - 4 * GUARD.length, count + 2 * GUARD.length));
  expect(all.slice(0, GUARD.length)).toEqual(GUARD);
  expect(all.slice(GUARD.length + count)).toEqual(GUARD);
  return all.slice(GUARD.length, GUARD.length + count);
}

/** The sum of float64 values with Neumaier's compensation, correct to the last one or two bits. */
function total(terms: number[]): number {
  let sum = 0;
  let lost = 0;
  for (const term of terms) {
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
  }
  return sum + lost;
}

/** Within one unit in the last place of `scale`, because there are two roundings, or one if fused. */
function expectWithinUlp(actual: number[], expected: number[], scale = 1): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= scale * 2 ** -23)) {
      throw new Error(`element ${i}: ${actual[i]}, expected ${expected[i]}`);
    }
  }
}

const LARGEST = 3.4028234663852886e38;

describe.each(builds)("maps, $name build", (core) => {
  const { kernels } = core;

  test.each(COUNTS)("fill, scale and axpy write exactly %i elements", (count) => {
    core.reset();
    const [a, b] = [values(count, 1), values(count, 2)];
    const y = guarded(core, a);
    kernels.scale(count, y, -1.7);
    expect(read(core, y, count)).toEqual(a.map((v) => fround(fround(-1.7) * v)));
    const x = guarded(core, b);
    const z = guarded(core, a);
    kernels.axpy(count, 0.3, x, z);
    expectWithinUlp(
      read(core, z, count),
      a.map((v, i) => fround(0.3) * b[i]! + v),
    );
    expect(read(core, x, count)).toEqual(b);
    kernels.fill(count, z, 2.5);
    expect(read(core, z, count)).toEqual(new Array(count).fill(2.5));
  });

  test("axpy with alpha 1 adds exactly, also onto itself", () => {
    core.reset();
    const [a, b] = [values(21, 1), values(21, 2)];
    const [x, y] = [guarded(core, a), guarded(core, b)];
    kernels.axpy(21, 1, x, y);
    expect(read(core, y, 21)).toEqual(a.map((v, i) => fround(v + b[i]!)));
    kernels.axpy(21, 1, x, x);
    expect(read(core, x, 21)).toEqual(a.map((v) => 2 * v));
  });

  test.each(COUNTS)("addPenaltyGradient over %i weights", (count) => {
    core.reset();
    const weights = values(count, 3).map((v, i) => (i % 5 === 2 ? 0 : i % 7 === 3 ? -0 : v));
    const gradients = values(count, 4);
    const [w, g] = [guarded(core, weights), guarded(core, gradients)];
    kernels.addPenaltyGradient(count, w, g, 0.25, 0.125, 0.5);
    expectWithinUlp(
      read(core, g, count),
      gradients.map((d, i) => d + 0.5 * (0.25 * Math.sign(weights[i]!) + 0.25 * weights[i]!)),
    );
    expect(read(core, w, count)).toEqual(weights);
  });

  test("addPenaltyGradient gives NaN for a NaN weight and uses the sign of infinities", () => {
    core.reset();
    const w = core.put([Number.NaN, Infinity, -Infinity, 1, -1e-45]);
    const g = core.put([0, 0, 0, 0, 0]);
    kernels.addPenaltyGradient(5, w, g, 1, 0.5, 1);
    const result = Array.from(core.f32(g, 5));
    expect(result).toEqual([Number.NaN, Infinity, -Infinity, 2, -1]);
  });
});

describe.each(builds)("sums, $name build", (core) => {
  const { kernels } = core;
  const LENGTHS = [...COUNTS, 4097, 12_301, 32_767, 32_768, 32_769, 65_537];

  test.each(LENGTHS)("over %i elements, within 1e-14 of the sum of magnitudes", (count) => {
    core.reset();
    const [a, b] = [values(count, 5), values(count, 6)];
    const [x, y] = [guarded(core, a), guarded(core, b)];
    const products = a.map((v, i) => v * b[i]!);
    const size = total(products.map(Math.abs));
    expect(Math.abs(kernels.dot(count, x, y) - total(products))).toBeLessThanOrEqual(1e-14 * size);
    const squares = total(a.map((v) => v * v));
    expect(Math.abs(kernels.sumSquares(count, x) - squares)).toBeLessThanOrEqual(1e-14 * squares);
    const magnitude = total(a.map(Math.abs));
    expect(Math.abs(kernels.sumAbs(count, x) - magnitude)).toBeLessThanOrEqual(1e-14 * magnitude);
  });

  test("a sum has the same bits as the sum, in order, of the sums of its blocks", () => {
    core.reset();
    const count = 3 * SUM_BLOCK + 1234;
    const [x, y] = [core.put(values(count, 7)), core.put(values(count, 8))];
    const blocks = [0, 1, 2, 3].map((i) => i * SUM_BLOCK);
    const inBlocks = (sum: (count: number, at: number) => number) =>
      blocks.reduce((s, i) => s + sum(Math.min(SUM_BLOCK, count - i), 4 * i), 0);
    expect(kernels.dot(count, x, y)).toBe(inBlocks((n, at) => kernels.dot(n, x + at, y + at)));
    expect(kernels.sumSquares(count, x)).toBe(inBlocks((n, at) => kernels.sumSquares(n, x + at)));
    expect(kernels.sumAbs(count, x)).toBe(inBlocks((n, at) => kernels.sumAbs(n, x + at)));
  });

  test("a sum does not depend on the alignment of the data", () => {
    core.reset();
    const data = values(1003, 9);
    const aligned = core.put(data);
    const shifted = core.put([0, ...data]) + 4;
    expect(kernels.sumSquares(1003, shifted)).toBe(kernels.sumSquares(1003, aligned));
    expect(kernels.dot(1003, shifted, aligned)).toBe(kernels.dot(1003, aligned, aligned));
  });

  test("squares outside of the range of float32 do not overflow or underflow", () => {
    core.reset();
    const large = core.put([3e38, -3e38, 1, 2, 3]);
    const small = core.put([1e-40, 1e-40, 0]);
    expect(kernels.sumSquares(5, large) / (2 * fround(3e38) ** 2)).toBeCloseTo(1, 12);
    expect(kernels.sumSquares(3, small) / (2 * fround(1e-40) ** 2)).toBeCloseTo(1, 12);
    expect(kernels.dot(5, large, large)).toBe(kernels.sumSquares(5, large));
  });

  test("NaN and infinities make sums NaN or infinite", () => {
    core.reset();
    const x = core.put([1, 2, 3, 4, 5, Infinity, 1]);
    const y = core.put([1, 2, 3, 4, 5, 6, Number.NaN]);
    expect(kernels.sumAbs(7, x)).toBe(Infinity);
    expect(kernels.sumSquares(7, y)).toBeNaN();
    expect(kernels.dot(7, x, y)).toBeNaN();
  });
});

describe.each(builds)("scans, $name build", (core) => {
  const { kernels } = core;

  test("firstOutside counts the limits as inside", () => {
    core.reset();
    const p = core.put([0, 1, 0.5, -1e-45, 1, 1.0000001]);
    expect(kernels.firstOutside(3, p, 0, 1) >>> 0).toBe(0xffff_ffff);
    expect(kernels.firstOutside(6, p, 0, 1)).toBe(3);
    expect(kernels.firstOutside(2, p + 16, 0, 1)).toBe(1);
  });

  test.each([Number.NaN, Infinity, -Infinity])("firstOutside finds %d at every position", (bad) => {
    for (const count of COUNTS) {
      core.reset();
      const clean = values(count, 10).map((v, i) => (i % 3 ? v : 3.4e38 * Math.sign(v)));
      const p = core.put([...clean, bad, bad, bad, bad]);
      expect(kernels.firstOutside(count, p, -LARGEST, LARGEST) >>> 0).toBe(0xffff_ffff);
      expect(kernels.countNaN(count, p)).toBe(0);
      for (let i = 0; i < count; i++) {
        const view = core.f32(p, count);
        const kept = view[i]!;
        view[i] = bad;
        view[count - 1] = bad;
        expect(kernels.firstOutside(count, p, -LARGEST, LARGEST) >>> 0).toBe(i);
        view[count - 1] = clean[count - 1]!;
        view[i] = kept;
      }
    }
  });

  test.each(COUNTS)("countNaN only counts NaN among %i", (count) => {
    core.reset();
    const odd = [Number.NaN, Infinity, 0, -Infinity, 1, Number.NaN, 1e-45];
    const data = values(count, 11).map((v, i) => (i % 2 ? v : odd[(i / 2) % odd.length]!));
    const p = core.put([...data, Number.NaN]);
    expect(kernels.countNaN(count, p)).toBe(data.filter(Number.isNaN).length);
  });
});

describe.each(builds)("matrix helpers, $name build", (core) => {
  const { kernels } = core;
  const SHAPES = [0, 1, 3, 31, 32, 33, 70].flatMap((rows) =>
    [0, 1, 3, 4, 6, 15, 16, 17, 33].map((cols) => [rows, cols] as const),
  );

  test.each(SHAPES)("columnSums of %i x %i, within 40 units of the last place", (rows, cols) => {
    for (const beta of [0, 1, -0.5]) {
      core.reset();
      const lda = cols + 3;
      const data = values(Math.max(rows * lda - 3, 0), 12).map((v, i) =>
        i % lda < cols ? v : Number.NaN,
      );
      const before = values(cols, 13);
      const a = core.put(data);
      const out = guarded(core, beta === 0 ? before.map(() => Number.NaN) : before);
      kernels.columnSums(rows, cols, a, lda, beta, out);
      const result = read(core, out, cols);
      for (let j = 0; j < cols; j++) {
        let sum = beta * before[j]!;
        let size = Math.abs(sum);
        for (let i = 0; i < rows; i++) {
          sum += data[i * lda + j]!;
          size += Math.abs(data[i * lda + j]!);
        }
        expect(Math.abs(result[j]! - sum)).toBeLessThanOrEqual(40 * 2 ** -24 * size);
      }
    }
  });

  test("the bits of a column sum do not depend on its tile", () => {
    core.reset();
    const rows = 77;
    const column = values(rows, 14);
    const cols = 23;
    const a = core.put(column.flatMap((v) => new Array<number>(cols).fill(v)));
    const out = core.alloc(4 * cols);
    kernels.columnSums(rows, cols, a, cols, 0, out);
    expect(new Set(core.f32(out, cols)).size).toBe(1);
  });

  test.each(SHAPES)("affineColumns of %i x %i, rounded twice in every build", (rows, cols) => {
    core.reset();
    const [x, mul, add] = [values(rows * cols, 15), values(cols, 16), values(cols, 17)];
    const expected = x.map((v, i) => fround(fround(v * mul[i % cols]!) + add[i % cols]!));
    const [px, pm, pa] = [guarded(core, x), guarded(core, mul), guarded(core, add)];
    const y = guarded(
      core,
      x.map(() => Number.NaN),
    );
    kernels.affineColumns(rows, cols, px, pm, pa, y);
    expect(read(core, y, rows * cols)).toEqual(expected);
    expect(read(core, px, rows * cols)).toEqual(x);
    kernels.affineColumns(rows, cols, px, pm, pa, px);
    expect(read(core, px, rows * cols)).toEqual(expected);
  });

  test.each([0, 1, 3, 4, 5, 17, 64])("gatherRows copies rows of %i floats", (cols) => {
    core.reset();
    const source = values(9 * cols, 18);
    const chosen = [8, 0, 3, 3, 7];
    const from = core.put(source);
    const index = core.alloc(4 * chosen.length);
    core.u32(index, chosen.length).set(chosen);
    const out = guarded(core, new Array(chosen.length * cols).fill(Number.NaN));
    kernels.gatherRows(chosen.length, cols, from, index, out);
    expect(read(core, out, chosen.length * cols)).toEqual(
      chosen.flatMap((row) => source.slice(row * cols, (row + 1) * cols)),
    );
    kernels.gatherRows(0, cols, from, index, out);
  });
});

// A load after the end of the range would trap there.
describe.each(builds)("at the end of the memory, $name build", (core) => {
  const { kernels } = core;

  test.each([1, 2, 3, 5, 6, 7, 13, 19])("no kernel reads or writes past %i floats", (count) => {
    core.reset();
    const inside = core.put(values(count, 1));
    const index = core.alloc(4);
    core.u32(index, 1)[0] = 0;
    const last = core.memory.buffer.byteLength - 4 * count;
    core.f32(last, count).set(values(count, 2));
    for (const [x, y] of [
      [inside, last],
      [last, inside],
    ] as const) {
      kernels.axpy(count, 0.5, x, y);
      kernels.addPenaltyGradient(count, x, y, 1, 1, 1);
      kernels.dot(count, x, y);
      kernels.affineColumns(1, count, x, y, x, y);
      kernels.affineColumns(1, count, x, x, y, x);
      kernels.columnSums(1, count, x, count, 1, y);
      kernels.gatherRows(1, count, x, index, y);
    }
    for (const sum of [kernels.sumSquares, kernels.sumAbs])
      expect(sum(count, last)).toBeGreaterThan(0);
    expect(kernels.countNaN(count, last)).toBe(0);
    expect(kernels.firstOutside(count, last, -LARGEST, LARGEST) >>> 0).toBe(0xffff_ffff);
    kernels.scale(count, last, 2);
    kernels.fill(count, last, 3);
    expect(Array.from(core.f32(last, count))).toEqual(new Array(count).fill(3));
  });
});
