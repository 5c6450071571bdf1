import { describe, expect, test } from "vitest";
import { expectSame, guarded, read, uniform } from "../support/arrays.ts";
import { builds, type TestCore } from "../support/core.ts";

const { fround } = Math;

/** NaN is above every number. 0 and -0 are equal. */
function rank(value: number): number {
  return Number.isNaN(value) ? Infinity : value === Infinity ? 1e300 : value;
}

/** The indices of the k largest elements, ascending. Of equal values the lower index is kept. */
function largest(row: readonly number[], k: number): number[] {
  const order = row.map((_, i) => i);
  order.sort((a, b) => {
    const [x, y] = [rank(row[a]!), rank(row[b]!)];
    return x === y ? a - b : x > y ? -1 : 1;
  });
  return order.slice(0, k).sort((a, b) => a - b);
}

/** `content` as u32 between guard words, not aligned to 16 bytes. */
function indicesAt(core: TestCore<unknown>, content: readonly number[]): number {
  const at = guarded(core, new Array(content.length).fill(Number.NaN));
  core.u32(at, content.length).set(content);
  return at;
}

/** The `count` u32 words at `pointer`. Checks that the guard words are unchanged. */
function readIndices(core: TestCore<unknown>, pointer: number, count: number): number[] {
  read(core, pointer, count);
  return Array.from(core.u32(pointer, count));
}

type Fill = (count: number, seed: number) => number[];

const FILLS: Record<string, Fill> = {
  "spread values": (count, seed) => uniform(count, -1, 1, seed),
  "relu's output, half zeros": (count, seed) =>
    uniform(count, -1, 1, seed).map((v) => (v > 0 ? v : 0)),
  "mostly zeros of both signs": (count, seed) =>
    uniform(count, 0, 1, seed).map((v, i) => (v > 0.97 ? v : i % 3 ? 0 : -0)),
  "few different values": (count, seed) => uniform(count, -4, 4, seed).map(Math.round),
  "one value": (count) => new Array<number>(count).fill(-2.5),
  ascending: (count) => Array.from({ length: count }, (_, i) => i - 7.5),
  descending: (count) => Array.from({ length: count }, (_, i) => 3 - i),
  "neighbouring floats": (count, seed) =>
    uniform(count, 0, 300, seed).map((v) => fround(1 + Math.floor(v) * 2 ** -23)),
  "all magnitudes": (count, seed) =>
    uniform(count, -44, 38, seed).map((e, i) => fround((i % 2 ? 1 : -1) * 10 ** e)),
  "infinities and NaN": (count, seed) =>
    uniform(count, 0, 8, seed).map((v) =>
      v < 0.4 ? Number.NaN : v < 1 ? Infinity : v < 1.5 ? -Infinity : fround(v),
    ),
  "only NaN and one number": (count) =>
    Array.from({ length: count }, (_, i) => (i === 2 ? 1 : Number.NaN)),
};

const SHAPES = [
  [0, 5, 2],
  [3, 1, 1],
  [2, 3, 0],
  [3, 7, 7],
  [2, 15, 4],
  [2, 16, 16],
  [3, 17, 5],
  [2, 63, 9],
  [2, 64, 4],
  [2, 65, 1],
  [2, 129, 8],
  [2, 200, 13],
  [1, 1000, 50],
  [1, 1000, 63],
  [2, 1027, 990],
] as const;

describe.each(builds)("selection, $name build", (core) => {
  const { kernels } = core;

  describe.each(Object.entries(FILLS))("of %s", (_, fill) => {
    test.each(SHAPES)("%i rows of %i, the largest %i", (rows, units, k) => {
      for (const mode of ["lists alone", "apart", "in place"]) {
        core.reset();
        const data = fill(rows * units, 7 + units);
        const h = guarded(core, data);
        const poison = (count: number) => new Array<number>(count).fill(Number.NaN);
        const apart = guarded(core, poison(rows * units));
        const out = mode === "apart" ? apart : mode === "in place" ? h : 0;
        const indices = guarded(core, poison(rows * k));
        const values = guarded(core, poison(rows * k));
        const bytes = kernels.topKWorkspace(units) >>> 0;
        const workspace = guarded(core, poison(bytes / 4 + 3));
        kernels.topK(rows, units, k, h, out, indices, values, (workspace + 15) & ~15);
        read(core, workspace, bytes / 4 + 3);

        const kept = Array.from({ length: rows }, (_, r) =>
          largest(data.slice(r * units, (r + 1) * units), k),
        );
        expectSame(readIndices(core, indices, rows * k), kept.flat());
        const places = kept.flatMap((row, r) => row.map((unit) => r * units + unit));
        expectSame(
          read(core, values, rows * k),
          places.map((place) => data[place]!),
        );
        const dense = new Array<number>(rows * units).fill(0);
        for (const place of places) dense[place] = data[place]!;
        expectSame(read(core, h, rows * units), mode === "in place" ? dense : data);
        if (mode === "apart") expectSame(read(core, apart, rows * units), dense);
        else read(core, apart, rows * units);
      }
    });
  });

  test("a NaN of either sign ranks above Infinity, and the first of them are kept", () => {
    core.reset();
    const h = core.put([1, 2, Infinity, 3, 4]);
    const words = core.u32(h, 5);
    words[1] = 0xffc0_0000;
    words[4] = 0x7fc0_0001;
    const [indices, values] = [core.alloc(12), core.alloc(12)];
    const workspace = core.alloc(kernels.topKWorkspace(5));
    for (const [k, kept] of [
      [1, [1]],
      [2, [1, 4]],
      [3, [1, 2, 4]],
    ] as const) {
      kernels.topK(1, 5, k, h, 0, indices, values, workspace);
      expect(Array.from(core.u32(indices, k))).toEqual(kept);
    }
  });

  test.each(SHAPES.filter(([rows, units]) => rows * units > 0))(
    "among listed units: %i rows of %i, at most %i",
    (rows, units, most) => {
      for (const fill of Object.values(FILLS)) {
        core.reset();
        const data = fill(rows * units, 11);
        const listed = Array.from({ length: units }, (_, u) => u).filter((u) => u % 3 !== 1);
        const k = Math.min(most, listed.length);
        const h = guarded(core, data);
        const among = indicesAt(core, listed);
        const indices = guarded(core, new Array(rows * k).fill(Number.NaN));
        const values = guarded(core, new Array(rows * k).fill(Number.NaN));
        const bytes = kernels.topKWorkspace(2 * listed.length) >>> 0;
        const workspace = guarded(core, new Array(bytes / 4 + 3).fill(Number.NaN));
        const aligned = (workspace + 15) & ~15;
        kernels.topKAmong(rows, units, k, h, among, listed.length, indices, values, aligned);
        read(core, workspace, bytes / 4 + 3);
        const kept = Array.from({ length: rows }, (_, r) =>
          largest(
            listed.map((u) => data[r * units + u]!),
            k,
          ).map((i) => listed[i]!),
        );
        expectSame(readIndices(core, indices, rows * k), kept.flat());
        expectSame(
          read(core, values, rows * k),
          kept.flatMap((row, r) => row.map((u) => data[r * units + u]!)),
        );
        expectSame(read(core, h, rows * units), data);
      }
    },
  );

  test("over a whole batch, of equal values those of earlier rows are kept, and rowStarts finds the rows", () => {
    const [rows, units] = [5, 9];
    // Row 3 keeps nothing and row 1 keeps everything. Of the values 1 the first ones in the batch are kept.
    const data = Array.from({ length: rows * units }, (_, i) => {
      const row = Math.floor(i / units);
      return row === 1 ? 2 : row === 3 ? -1 : i % units === 8 ? 3 : 1;
    });
    for (const k of [0, 1, 9, 12, 13, 20, 21, 36, 45]) {
      core.reset();
      const h = guarded(core, data);
      const indices = guarded(core, new Array(k).fill(Number.NaN));
      const values = guarded(core, new Array(k).fill(Number.NaN));
      const starts = guarded(core, new Array(rows + 1).fill(Number.NaN));
      const workspace = core.alloc(kernels.topKWorkspace(rows * units));
      kernels.topK(1, rows * units, k, h, 0, indices, values, workspace);
      const kept = largest(data, k);
      expectSame(readIndices(core, indices, k), kept);
      kernels.rowStarts(rows, units, k, indices, starts);
      expectSame(
        readIndices(core, indices, k),
        kept.map((i) => i % units),
      );
      expectSame(
        readIndices(core, starts, rows + 1),
        Array.from({ length: rows + 1 }, (_, r) => kept.filter((i) => i < r * units).length),
      );
    }
  });

  test("smallestPositive ignores zeros, negatives and NaN", () => {
    const cases: [number[], number][] = [
      [[], 0],
      [[0, -0, -1, -Infinity, Number.NaN], 0],
      [[Number.NaN, 3, 0, 1e-45, 2], 1e-45],
      [[Infinity], Infinity],
      [[Infinity, 5, 7, Number.NaN], 5],
    ];
    for (const [values, expected] of cases) {
      core.reset();
      expect(kernels.smallestPositive(values.length, core.put(values))).toBe(fround(expected));
    }
  });

  test.each(SHAPES)("keepAbove over %i rows of %i", (rows, units) => {
    for (const theta of [-1, 0, 0.25, Infinity]) {
      for (const [, fill] of Object.entries(FILLS)) {
        const data = fill(rows * units, 23);
        const t = fround(theta);
        const kept = data.map((v) => v > t || Number.isNaN(v));
        const total = kept.filter(Boolean).length;
        for (const [capacity, inPlace] of [
          [total, true],
          [total + 3, false],
          [Math.max(total - 1, 0), false],
        ] as const) {
          core.reset();
          const h = guarded(core, data);
          const out = inPlace ? h : guarded(core, new Array(rows * units).fill(Number.NaN));
          const starts = guarded(core, new Array(rows + 1).fill(Number.NaN));
          const indices = guarded(core, new Array(capacity).fill(Number.NaN));
          const values = guarded(core, new Array(capacity).fill(Number.NaN));
          const found = kernels.keepAbove(
            rows,
            units,
            theta,
            h,
            out,
            starts,
            indices,
            values,
            capacity,
          );
          expect(found >>> 0).toBe(total);
          expectSame(
            read(core, out, rows * units),
            data.map((v, i) => (kept[i] ? v : 0)),
          );
          const listed = readIndices(core, indices, capacity);
          read(core, values, capacity);
          read(core, starts, rows + 1);
          if (capacity < total) continue;
          const places = data.flatMap((_, i) => (kept[i] ? [i] : []));
          expectSame(
            listed.slice(0, total),
            places.map((i) => i % units),
          );
          expectSame(
            read(core, values, capacity).slice(0, total),
            places.map((i) => data[i]!),
          );
          expectSame(
            readIndices(core, starts, rows + 1),
            Array.from({ length: rows + 1 }, (_, r) => places.filter((i) => i < r * units).length),
          );
        }
      }
    }
  });
});
