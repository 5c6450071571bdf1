import { describe, expect, test } from "vitest";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds, type TestCore } from "../support/core.ts";

const { fround } = Math;
const EPSILON = 2 ** -24;

/** A sparse matrix by rows: the kept elements of each row, units ascending. */
interface Lists {
  readonly rows: number;
  readonly units: number;
  readonly starts: number[];
  readonly indices: number[];
  readonly values: number[];
}

/** Rows keep 0, 1, 2, ... units, at most `most`, and several rows keep the same units. */
function someLists(rows: number, units: number, most: number, seed: number): Lists {
  const starts = [0];
  const indices: number[] = [];
  for (let r = 0; r < rows; r++) {
    const k = units === 0 ? 0 : Math.min((r * 5 + 3) % (most + 1), units);
    const order = uniform(units, 0, 1, seed + r)
      .map((v, u) => ({ v, u }))
      // The last unit is only kept if there is no other choice. The first one is often kept.
      .sort((a, b) => a.v - b.v || a.u - b.u)
      .map(({ u }) => u);
    const chosen = order.filter((u) => u !== units - 1 || k === units).slice(0, k);
    indices.push(...chosen.sort((a, b) => a - b));
    starts.push(indices.length);
  }
  return { rows, units, starts, indices, values: uniform(indices.length, -1, 1, seed + 99) };
}

/** u32 words between guard words. */
function words(core: TestCore<unknown>, content: readonly number[]): number {
  const at = guarded(core, new Array(content.length).fill(0));
  core.u32(at, content.length).set(content);
  return at;
}

function readWords(core: TestCore<unknown>, pointer: number, count: number): number[] {
  read(core, pointer, count);
  return Array.from(core.u32(pointer, count));
}

/** A matrix with rows `ld` elements apart. The padding is NaN and must not change. */
interface Padded {
  readonly pointer: number;
  readonly ld: number;
  readonly cols: number;
  /** The elements, without padding. */
  readonly values: number[];
}

function padded(
  core: TestCore<unknown>,
  rows: number,
  cols: number,
  ld: number,
  values: number[],
): Padded {
  const all = Array.from({ length: rows * ld }, (_, i) =>
    i % ld < cols ? values[Math.floor(i / ld) * cols + (i % ld)]! : Number.NaN,
  );
  return { pointer: guarded(core, all), ld, cols, values };
}

/** The current elements. Checks that the padding is unchanged. */
function readPadded(
  core: TestCore<unknown>,
  { pointer, ld, cols }: Padded,
  rows: number,
): number[] {
  const all = read(core, pointer, rows * ld);
  expect(all.filter((_, i) => i % ld >= cols).every(Number.isNaN)).toBe(true);
  return all.filter((_, i) => i % ld < cols);
}

const SHAPES = [
  [0, 3, 2, 5],
  [1, 1, 1, 1],
  [3, 2, 2, 1],
  [5, 7, 4, 2],
  [4, 9, 9, 3],
  [6, 20, 5, 4],
  [7, 11, 8, 7],
  [5, 30, 6, 8],
  [9, 17, 7, 13],
  [3, 40, 11, 31],
  [12, 33, 12, 64],
  [2, 300, 100, 70],
] as const;

const none = (count: number) => new Array<number>(count).fill(Number.NaN);

/** |actual - expected| within `steps` roundings of the sum of magnitudes. */
function expectNear(actual: number[], expected: number[], size: number[], steps: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    const bound = steps * EPSILON * size[i]! + 2 ** -149;
    if (!(Math.abs(value - expected[i]!) <= bound)) {
      throw new Error(`element ${i}: ${value}, expected ${expected[i]} within ${bound}`);
    }
  });
}

describe.each(builds)("sparse products, $name build", (core) => {
  const { kernels } = core;

  /** S * W + beta * Y in float64, with the sums of magnitudes. */
  function product(lists: Lists, w: number[], cols: number, beta: number, before: number[]) {
    const sums = before.map((v) => (beta === 0 ? 0 : beta * v));
    const size = sums.map(Math.abs);
    for (let r = 0; r < lists.rows; r++) {
      for (let e = lists.starts[r]!; e < lists.starts[r + 1]!; e++) {
        for (let j = 0; j < cols; j++) {
          const term = lists.values[e]! * w[lists.indices[e]! * cols + j]!;
          sums[r * cols + j]! += term;
          size[r * cols + j]! += Math.abs(term);
        }
      }
    }
    return { sums, size };
  }

  test.each(SHAPES)("sparseNN: %i rows of %i units, up to %i kept, %i columns", (...shape) => {
    const [rows, units, most, cols] = shape;
    for (const beta of [0, 1, -0.5]) {
      core.reset();
      const lists = someLists(rows, units, most, 3);
      const [starts, indices] = [words(core, lists.starts), words(core, lists.indices)];
      const values = guarded(core, lists.values);
      const w = padded(core, units, cols, cols + 3, uniform(units * cols, -1, 1, 5));
      const before = uniform(rows * cols, -1, 1, 6);
      const y = padded(core, rows, cols, cols + 2, beta === 0 ? none(rows * cols) : before);
      kernels.sparseNN(rows, cols, starts, indices, values, w.pointer, w.ld, beta, y.pointer, y.ld);
      const { sums, size } = product(lists, w.values, cols, beta, before);
      expectNear(readPadded(core, y, rows), sums, size, 2 * most + 2);
    }
  });

  test.each(SHAPES)("sampledNT: %i rows of %i units, up to %i kept, %i columns", (...shape) => {
    const [rows, units, most, cols] = shape;
    core.reset();
    const lists = someLists(rows, units, most, 4);
    const [starts, indices] = [words(core, lists.starts), words(core, lists.indices)];
    const a = padded(core, rows, cols, cols + 1, uniform(rows * cols, -1, 1, 7));
    const w = padded(core, units, cols, cols + 5, uniform(units * cols, -1, 1, 8));
    const out = guarded(core, none(lists.indices.length));
    kernels.sampledNT(rows, cols, starts, indices, a.pointer, a.ld, w.pointer, w.ld, out);
    const expected: number[] = [];
    const size: number[] = [];
    for (let r = 0; r < rows; r++) {
      for (let e = lists.starts[r]!; e < lists.starts[r + 1]!; e++) {
        const terms = Array.from(
          { length: cols },
          (_, j) => a.values[r * cols + j]! * w.values[lists.indices[e]! * cols + j]!,
        );
        expected.push(terms.reduce((s, v) => s + v, 0));
        size.push(terms.reduce((s, v) => s + Math.abs(v), 0));
      }
    }
    expectNear(read(core, out, expected.length), expected, size, cols + 2);
  });

  test("a dot product has the same bits at every position of a list", () => {
    for (const cols of [3, 8, 31, 70]) {
      core.reset();
      const starts = words(core, [0, 1, 3, 6, 10, 15, 21]);
      const indices = words(core, new Array(21).fill(2));
      const row = uniform(cols, -1, 1, 9);
      const a = core.put(Array.from({ length: 6 }, () => row).flat());
      const w = core.put(uniform(3 * cols, -1, 1, 10));
      const out = core.alloc(4 * 21);
      kernels.sampledNT(6, cols, starts, indices, a, cols, w, cols, out);
      expect(new Set(core.f32(out, 21)).size).toBe(1);
    }
  });

  /** The lists of the units, from the definition. */
  function inverted(lists: Lists) {
    const unitStarts = [0];
    const entryRows: number[] = [];
    const entries: number[] = [];
    for (let u = 0; u < lists.units; u++) {
      for (let r = 0; r < lists.rows; r++) {
        for (let e = lists.starts[r]!; e < lists.starts[r + 1]!; e++) {
          if (lists.indices[e] !== u) continue;
          entryRows.push(r);
          entries.push(e);
        }
      }
      unitStarts.push(entries.length);
    }
    return { unitStarts, entryRows, entries };
  }

  test.each(SHAPES)("invertLists: %i rows of %i units, up to %i kept", (rows, units, most) => {
    core.reset();
    const lists = someLists(rows, units, most, 11);
    const [starts, indices] = [words(core, lists.starts), words(core, lists.indices)];
    const count = lists.indices.length;
    const [unitStarts, entryRows, entries] = [units + 1, count, count].map((n) =>
      guarded(core, none(n)),
    ) as [number, number, number];
    kernels.invertLists(rows, units, starts, indices, unitStarts, entryRows, entries);
    expect({
      unitStarts: readWords(core, unitStarts, units + 1),
      entryRows: readWords(core, entryRows, count),
      entries: readWords(core, entries, count),
    }).toEqual(inverted(lists));
  });

  /** Both uses of a weight, and the bias, in the core and in float64. */
  function gradients(
    shape: readonly [number, number, number, number],
    beta: number,
    both: boolean,
  ) {
    const [rows, units, most, cols] = shape;
    core.reset();
    const lists = someLists(rows, units, most, 12);
    const { unitStarts, entryRows, entries } = inverted(lists);
    const more = uniform(lists.values.length, -1, 1, 13);
    const pointers = [unitStarts, entryRows, entries].map((list) => words(core, list)) as [
      number,
      number,
      number,
    ];
    const [values, moreValues] = [guarded(core, lists.values), guarded(core, more)];
    const y = padded(core, rows, cols, cols + 1, uniform(rows * cols, -1, 1, 14));
    const x = padded(core, rows, cols, cols + 2, uniform(rows * cols, -1, 1, 15));
    const before = uniform(units * cols, -1, 1, 16);
    const dw = padded(core, units, cols, cols + 3, beta === 0 ? none(units * cols) : before);
    const call = (first: number, count: number) =>
      kernels.sparseTN(
        count,
        cols,
        pointers[0] + 4 * first,
        pointers[1],
        pointers[2],
        values,
        y.pointer,
        y.ld,
        both ? moreValues : 0,
        x.pointer,
        x.ld,
        beta,
        dw.pointer + 4 * dw.ld * first,
        dw.ld,
      );
    const sums = before.map((v) => (beta === 0 ? 0 : beta * v));
    const size = sums.map(Math.abs);
    for (let r = 0; r < rows; r++) {
      for (let e = lists.starts[r]!; e < lists.starts[r + 1]!; e++) {
        for (let j = 0; j < cols; j++) {
          const at = lists.indices[e]! * cols + j;
          const [first, second] = [
            lists.values[e]! * y.values[r * cols + j]!,
            both ? more[e]! * x.values[r * cols + j]! : 0,
          ];
          sums[at]! += first + second;
          size[at]! += Math.abs(first) + Math.abs(second);
        }
      }
    }
    return { lists, pointers, values, dw, call, sums, size, before };
  }

  describe.each([true, false])("sparseTN, both uses: %s", (both) => {
    test.each(SHAPES)("%i rows of %i units, up to %i kept, %i columns", (...shape) => {
      for (const beta of [0, 1, -0.5]) {
        const { lists, dw, call, sums, size, before } = gradients(shape, beta, both);
        call(0, shape[1]);
        const result = readPadded(core, dw, shape[1]);
        expectNear(result, sums, size, 4 * shape[0] + 2);
        if (beta === -0.5) continue;
        const kept = new Set(lists.indices);
        const isIdle = (_: number, i: number) => !kept.has(Math.floor(i / shape[3]));
        expect(result.filter(isIdle)).toEqual(
          before.filter(isIdle).map((value) => (beta === 0 ? 0 : value)),
        );
      }
    });

    test("every share of the units has the same bits", () => {
      const shape = SHAPES[10];
      const whole = gradients(shape, 1, both);
      whole.call(0, shape[1]);
      const expected = readPadded(core, whole.dw, shape[1]);
      const parts = gradients(shape, 1, both);
      for (const [first, end] of [
        [20, 33],
        [0, 1],
        [1, 20],
      ] as const) {
        parts.call(first, end - first);
      }
      expect(readPadded(core, parts.dw, shape[1])).toEqual(expected);
    });
  });

  test("every share of the rows has the same bits", () => {
    const [rows, units, most, cols] = [13, 40, 11, 29];
    const run = (shares: readonly (readonly [number, number])[]) => {
      core.reset();
      const lists = someLists(rows, units, most, 21);
      const [starts, indices] = [words(core, lists.starts), words(core, lists.indices)];
      const values = core.put(lists.values);
      const w = core.put(uniform(units * cols, -1, 1, 22));
      const a = core.put(uniform(rows * cols, -1, 1, 23));
      const y = core.alloc(4 * rows * cols);
      const out = core.alloc(4 * lists.indices.length);
      for (const [first, end] of shares) {
        const at = 4 * cols * first;
        const from = starts + 4 * first;
        kernels.sparseNN(end - first, cols, from, indices, values, w, cols, 0, y + at, cols);
        kernels.sampledNT(end - first, cols, from, indices, a + at, cols, w, cols, out);
      }
      return [...core.f32(y, rows * cols), ...core.f32(out, lists.indices.length)];
    };
    expect(
      run([
        [0, 5],
        [5, 6],
        [6, 13],
      ]),
    ).toEqual(run([[0, 13]]));
  });

  test.each(SHAPES)("sparseColumnSums, gather and scatter: %i x %i, up to %i", (...shape) => {
    const [rows, units] = shape;
    for (const beta of [0, 1, -0.5]) {
      const { lists, pointers, values } = gradients(shape, 0, false);
      const before = uniform(units, -1, 1, 17);
      const sums = guarded(core, beta === 0 ? none(units) : before);
      kernels.sparseColumnSums(units, pointers[0], pointers[2], values, beta, sums);
      const expected = before.map((v) => (beta === 0 ? 0 : beta * v));
      const size = expected.map(Math.abs);
      lists.indices.forEach((u, e) => {
        expected[u]! += lists.values[e]!;
        size[u]! += Math.abs(lists.values[e]!);
      });
      expectNear(read(core, sums, units), expected, size, rows + 2);

      const [starts, indices] = [words(core, lists.starts), words(core, lists.indices)];
      const dense = guarded(core, none(rows * units));
      kernels.sparseScatter(rows, units, starts, indices, values, dense);
      const matrix = new Array<number>(rows * units).fill(0);
      for (let r = 0; r < rows; r++) {
        for (let e = lists.starts[r]!; e < lists.starts[r + 1]!; e++) {
          matrix[r * units + lists.indices[e]!] = lists.values[e]!;
        }
      }
      expect(read(core, dense, rows * units)).toEqual(matrix);

      const count = lists.indices.length;
      const out = guarded(core, none(count));
      kernels.sparseGather(rows, starts, indices, dense, units, out);
      expect(read(core, out, count)).toEqual(lists.values);
      const vector = uniform(units, -1, 1, 18);
      kernels.sparseGather(rows, starts, indices, guarded(core, vector), 0, out);
      expect(read(core, out, count)).toEqual(lists.indices.map((u) => vector[u]));
    }
  });

  // A load after the end of the range would trap there.
  test.each([1, 2, 3, 5, 7, 13])("nothing is read or written past %i columns", (cols) => {
    core.reset();
    const starts = words(core, [0, 5]);
    const indices = words(core, [0, 0, 0, 0, 0]);
    const values = core.put([1, 2, 3, 4, 5]);
    const unitStarts = words(core, [0, 3]);
    const entries = words(core, [0, 1, 2]);
    const rows = words(core, [0, 0, 0]);
    const inside = core.put(uniform(cols, -1, 1, 1));
    const last = core.memory.buffer.byteLength - 4 * cols;
    core.f32(last, cols).set(uniform(cols, -1, 1, 2));
    const out = core.alloc(20);
    for (const [a, b] of [
      [inside, last],
      [last, inside],
    ] as const) {
      kernels.sparseNN(1, cols, starts, indices, values, a, cols, 1, b, cols);
      kernels.sampledNT(1, cols, starts, indices, a, cols, b, cols, out);
      kernels.sparseTN(
        1,
        cols,
        unitStarts,
        rows,
        entries,
        values,
        a,
        cols,
        values,
        a,
        cols,
        1,
        b,
        cols,
      );
      expect(core.f32(b, cols).every(Number.isFinite)).toBe(true);
    }
  });
});

describe.each(builds)("idle units, $name build", (core) => {
  const { kernels } = core;

  test("countIdle counts rows since a unit was kept above the least value, and stops at 2^32 - 1", () => {
    core.reset();
    const most = 2 ** 32 - 1;
    const idle = words(core, [0, 5, 7, 9, most - 3, most - 8, most, 1, 2]);
    const indices = words(core, [1, 3, 1, 2, 7, 8, 8]);
    const values = core.put([0.5, 1e-3, 1e-4, -3, Number.NaN, 0, 2e-3]);
    kernels.countIdle(8, 9, 7, indices, values, fround(1e-3), idle);
    expect(readWords(core, idle, 9)).toEqual([8, 0, 15, 17, most, most, most, 9, 0]);
  });

  test("listIdle lists units at or above a count of rows", () => {
    core.reset();
    const idle = words(core, [16, 15, 0, 4294967295, 17, 3]);
    const out = guarded(core, none(6));
    expect(kernels.listIdle(6, idle, 16, out)).toBe(3);
    expect(readWords(core, out, 3 + 3).slice(0, 3)).toEqual([0, 3, 4]);
    expect(kernels.listIdle(6, idle, 0xffff_ffff, out)).toBe(1);
    expect(kernels.listIdle(6, idle, 0, out)).toBe(6);
    expect(kernels.listIdle(0, idle, 0, out)).toBe(0);
  });
});
