import { describe, expect, test } from "vitest";
import { builds, type TestCore } from "../support/core.ts";
import { at, matrix, productReference, type TestMatrix } from "../support/matrices.ts";
import { randomNumbers } from "../support/random.ts";

const UNIT = 2 ** -24; // half an ulp of 1 in float32
const GUARD = 4; // words before and after an output that must not change
const GUARD_VALUE = 1234.5;

const layouts = [
  { name: "gemmNN", transposedA: false, transposedB: false },
  { name: "gemmNT", transposedA: false, transposedB: true },
  { name: "gemmTN", transposedA: true, transposedB: false },
] as const;
type Layout = (typeof layouts)[number];

// Tiles are four or six rows by eight columns, blocks of k up to 512, bands of 256, strips of sums 24, eight and one
// columns by 16 rows: for each of these sizes there are shapes with one more and one less.
const edges = [0, 1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 33];
const depths = [0, 1, 2, 3, 4, 7, 13, 64];
const large: [m: number, n: number, k: number][] = [
  [1, 1, 255],
  [3, 5, 256],
  [5, 17, 257],
  [1, 300, 513],
  [300, 1, 513],
  [2, 131, 259],
  [131, 2, 259],
  [8, 128, 784],
  [31, 33, 300],
  [65, 66, 67],
  [66, 65, 530],
  [6, 40, 20],
  [255, 9, 5],
  [257, 10, 7],
  [511, 3, 5],
  [512, 17, 4],
  [513, 18, 6],
  [7, 1030, 5],
  [1029, 9, 258],
  [1, 4100, 18],
];

interface Output {
  readonly pointer: number;
  readonly ld: number;
  readonly before: Float32Array;
}

/** C with guard words around it and in the padding of its rows. */
function output(core: TestCore, m: number, n: number, ld: number, fill: () => number): Output {
  const length = m > 0 ? (m - 1) * ld + n : 0;
  const before = new Float32Array(length + 2 * GUARD).fill(GUARD_VALUE);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) before[GUARD + i * ld + j] = fill();
  return { pointer: core.put(before) + 4 * GUARD, ld, before };
}

/** The current content of C, including the guard words. */
function contents(core: TestCore, c: Output): Float32Array {
  return core.f32(c.pointer - 4 * GUARD, c.before.length).slice();
}

/** Workspace with guard words: poisoned inside, checked outside. */
function workspaceFor(core: TestCore, m: number, n: number, k: number) {
  const bytes = core.kernels.gemmWorkspace(m, n, k) >>> 0;
  expect(bytes % 16).toBe(0);
  const words = bytes / 4;
  const pointer = core.put(new Float32Array(words + 8).fill(GUARD_VALUE)) + 16;
  core.f32(pointer, words).fill(Number.NaN);
  return {
    pointer,
    check() {
      const ends = [...core.f32(pointer - 16, 4), ...core.f32(pointer + bytes, 4)];
      expect(ends).toEqual(new Array(8).fill(GUARD_VALUE));
    },
  };
}

function operands(core: TestCore, layout: Layout, m: number, n: number, k: number, pad: number) {
  const random = randomNumbers(m * 73856093 + n * 19349663 + k * 83492791);
  const [aRows, aCols] = layout.transposedA ? [k, m] : [m, k];
  const [bRows, bCols] = layout.transposedB ? [n, k] : [k, n];
  return {
    a: matrix(core, aRows, aCols, aCols + pad, random),
    b: matrix(core, bRows, bCols, bCols + 2 * pad, random),
    random,
  };
}

/** Checks one product against float64, and its guard words. Returns the first error, if any. */
function check(
  core: TestCore,
  layout: Layout,
  [m, n, k]: [number, number, number],
  pad: number,
  beta: number,
): string | undefined {
  core.reset();
  const { a, b, random } = operands(core, layout, m, n, k, pad);
  const c = output(core, m, n, n + 3 * pad, () => (beta === 0 ? Number.NaN : 2 * random() - 1));
  const workspace = workspaceFor(core, m, n, k);
  const run = core.kernels[layout.name];
  run(m, n, k, a.pointer, a.ld, b.pointer, b.ld, beta, c.pointer, c.ld, workspace.pointer);
  workspace.check();
  const { product, absolute } = productReference(a, layout.transposedA, b, layout.transposedB);
  const after = contents(core, c);
  const expected = c.before.slice();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const place = GUARD + i * c.ld + j;
      const old = beta === 0 ? 0 : beta * c.before[place]!;
      const wanted = product[i * n + j]! + old;
      const bound = (k + 2) * UNIT * (absolute[i * n + j]! + Math.abs(old));
      if (!(Math.abs(after[place]! - wanted) <= bound)) {
        return `${m}x${n}x${k} beta ${beta} pad ${pad}: C[${i},${j}] is ${after[place]}, not ${wanted}`;
      }
      expected[place] = after[place]!;
    }
  }
  const kept = after.every((value, i) => value === expected[i]);
  return kept ? undefined : `${m}x${n}x${k} padding ${pad}: wrote outside C`;
}

describe.each(builds)("matrix products, $name build", (core) => {
  describe.each(layouts)("$name", (layout) => {
    test.each([0, 1])("small shapes, beta %d: within (k + 2) units of sum |a b|", (beta) => {
      for (const m of edges) {
        for (const n of edges) {
          for (const k of depths) {
            expect(check(core, layout, [m, n, k], (m + n + k) % 3, beta)).toBeUndefined();
          }
        }
      }
    });

    test.each(large)("%i x %i x %i: within (k + 2) units of sum |a b|", (m, n, k) => {
      expect(check(core, layout, [m, n, k], 0, 0)).toBeUndefined();
      expect(check(core, layout, [m, n, k], 5, 1)).toBeUndefined();
    });

    test("beta -0.5 scales C", () => {
      for (const [m, n, k] of [
        [1, 9, 4],
        [9, 1, 4],
        [7, 19, 300],
        [40, 33, 0],
      ] as const) {
        expect(check(core, layout, [m, n, k], 1, -0.5)).toBeUndefined();
      }
    });

    test("a split of C's rows or columns gives the same bits", () => {
      const [m, n, k] = [45, 51, 530];
      core.reset();
      const { a, b, random } = operands(core, layout, m, n, k, 1);
      const start = Float32Array.from({ length: m * n }, () => random());
      const workspace = workspaceFor(core, m, n, k).pointer;
      const run = core.kernels[layout.name];
      const whole = core.put(start);
      run(m, n, k, a.pointer, a.ld, b.pointer, b.ld, 1, whole, n, workspace);
      // Shares have five or more rows or columns, because gemmNT sums fewer in another order.
      for (const at of [5, 6, 8, 17, 22, 40]) {
        const parts = core.put(start);
        const aSkip = 4 * at * (layout.transposedA ? 1 : a.ld);
        run(at, n, k, a.pointer, a.ld, b.pointer, b.ld, 1, parts, n, workspace);
        const rest = parts + 4 * at * n;
        run(m - at, n, k, a.pointer + aSkip, a.ld, b.pointer, b.ld, 1, rest, n, workspace);
        expect(core.u32(parts, m * n)).toEqual(core.u32(whole, m * n));

        const bSkip = 4 * at * (layout.transposedB ? b.ld : 1);
        core.f32(parts, m * n).set(start);
        run(m, at, k, a.pointer, a.ld, b.pointer, b.ld, 1, parts, n, workspace);
        const right = parts + 4 * at;
        run(m, n - at, k, a.pointer, a.ld, b.pointer + bSkip, b.ld, 1, right, n, workspace);
        expect(core.u32(parts, m * n)).toEqual(core.u32(whole, m * n));
      }
    });

    test("operands that end at the end of memory are not read beyond it", () => {
      for (const [m, n, k] of [
        [1, 17, 5],
        [3, 1, 6],
        [5, 7, 9],
        [17, 33, 3],
        [3, 18, 270],
      ] as const) {
        for (const operand of ["a", "b"] as const) {
          core.reset();
          const given = operands(core, layout, m, n, k, 1);
          const moved = toEndOfMemory(core, given[operand]);
          const a = operand === "a" ? moved : given.a;
          const b = operand === "b" ? moved : given.b;
          const c = output(core, m, n, n, () => Number.NaN);
          const workspace = workspaceFor(core, m, n, k);
          const run = core.kernels[layout.name];
          run(m, n, k, a.pointer, a.ld, b.pointer, b.ld, 0, c.pointer, c.ld, workspace.pointer);
          expect(contents(core, c).some(Number.isNaN)).toBe(false);
        }
      }
    });

    test("NaN and infinity only affect the elements that depend on them", () => {
      const [m, n, k] = [7, 21, 10];
      for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
        core.reset();
        const { a, b } = operands(core, layout, m, n, k, 0);
        core.f32(a.pointer, a.values.length)[layout.transposedA ? 3 * a.ld + 6 : 6 * a.ld + 3] =
          special;
        const c = output(core, m, n, n, () => 0);
        const workspace = workspaceFor(core, m, n, k).pointer;
        const run = core.kernels[layout.name];
        run(m, n, k, a.pointer, a.ld, b.pointer, b.ld, 0, c.pointer, n, workspace);
        const finite = Array.from(core.f32(c.pointer, m * n), (x) => Number.isFinite(x));
        expect(finite).toEqual(Array.from({ length: m * n }, (_, i) => i < 6 * n));
      }
    });
  });

  describe.each([
    { name: "gramNT", transposed: false },
    { name: "gramTN", transposed: true },
  ] as const)("$name", ({ name, transposed }) => {
    test.each([
      [0, 5],
      [1, 1],
      [1, 300],
      [2, 3],
      [5, 0],
      [7, 17],
      [16, 4],
      [17, 257],
      [33, 64],
      [64, 300],
      [515, 9],
      [530, 3],
    ])("n = %i, k = %i: within (k + 2) units of sum |a b|, symmetric, as the product", (n, k) => {
      core.reset();
      const random = randomNumbers(n * 7919 + k);
      const [rows, cols] = transposed ? [k, n] : [n, k];
      const a = matrix(core, rows, cols, cols + 2, random);
      const c = output(core, n, n, n + 3, () => Number.NaN);
      const workspace = workspaceFor(core, n, n, k);
      core.kernels[name](n, k, a.pointer, a.ld, c.pointer, c.ld, workspace.pointer);
      workspace.check();
      const { product, absolute } = productReference(a, transposed, a, !transposed);
      const after = contents(core, c);
      const expected = c.before.slice();
      const wrong: string[] = [];
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const value = after[GUARD + i * c.ld + j]!;
          const bound = (k + 2) * UNIT * absolute[i * n + j]!;
          const near = Math.abs(value - product[i * n + j]!) <= bound;
          if (!near || value !== after[GUARD + j * c.ld + i]) wrong.push(`[${i},${j}] is ${value}`);
          expected[GUARD + i * c.ld + j] = value;
        }
      }
      if (!after.every((value, i) => value === expected[i])) wrong.push("wrote outside C");
      expect(wrong.slice(0, 5)).toEqual([]);
    });
  });

  test("transpose from the end of memory into rows with gaps", () => {
    for (const rows of edges) {
      for (const cols of edges) {
        core.reset();
        const a = toEndOfMemory(
          core,
          matrix(core, rows, cols, cols + (rows % 3), randomNumbers(rows + 40 * cols)),
        );
        const b = output(core, cols, rows, rows + (cols % 4), () => Number.NaN);
        core.kernels.transpose(rows, cols, a.pointer, a.ld, b.pointer, b.ld);
        const expected = b.before.slice();
        for (let j = 0; j < cols; j++) {
          for (let i = 0; i < rows; i++) expected[GUARD + j * b.ld + i] = at(a, false, i, j);
        }
        expect(contents(core, b)).toEqual(expected);
      }
    }
  });

  test("the workspace of a shape suffices for every smaller one", () => {
    const sizes = [0, 1, 2, 7, 16, 100, 255, 256, 257, 511, 512, 513, 2000];
    const bytes = (m: number, n: number, k: number) => core.kernels.gemmWorkspace(m, n, k) >>> 0;
    for (const m of sizes) {
      for (const n of sizes) {
        for (const [i, k] of sizes.slice(1).entries()) {
          expect(bytes(m, n, sizes[i]!)).toBeLessThanOrEqual(bytes(m, n, k));
          expect(bytes(n, sizes[i]!, m)).toBeLessThanOrEqual(bytes(n, k, m));
          expect(bytes(sizes[i]!, m, n)).toBeLessThanOrEqual(bytes(k, m, n));
        }
      }
    }
  });
});

/** A copy of the matrix with its last element in the last four bytes of memory. */
function toEndOfMemory(core: TestCore, a: TestMatrix): TestMatrix {
  const pointer = core.memory.buffer.byteLength - 4 * a.values.length;
  core.f32(pointer, a.values.length).set(a.values);
  return { ...a, pointer };
}
