import { describe, expect, test } from "vitest";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";

const SHAPES: [number, number][] = [
  [0, 3],
  [1, 0],
  [1, 1],
  [3, 2],
  [2, 3],
  [5, 4],
  [3, 5],
  [2, 7],
  [4, 8],
  [1, 101],
  [7, 64],
];

describe.each(builds)("nearest samples, $name build", (core) => {
  const { kernels } = core;

  /** leastDistances over products with `padding` values of NaN between rows. */
  function run(rows: number, products: readonly number[], squares: readonly number[], padding = 3) {
    core.reset();
    const cols = squares.length;
    const ld = cols + padding;
    const padded = Array.from({ length: rows * ld }, (_, i) =>
      i % ld < cols ? (products[Math.floor(i / ld) * cols + (i % ld)] ?? 0) : Number.NaN,
    );
    const p = guarded(core, padded);
    const [s, out] = [core.alloc(8 * cols), core.alloc(8 * (rows + 1))];
    core.f64(s, cols).set(squares);
    core.f64(out, rows + 1).fill(7);
    kernels.leastDistances(rows, cols, p, ld, s, out);
    expect(read(core, p, padded.length)).toEqual(padded);
    expect([...core.f64(s, cols)]).toEqual(squares);
    const results = [...core.f64(out, rows + 1)];
    expect(results.pop()).toBe(7);
    return results;
  }

  test.each(SHAPES)("leastDistances over %i x %i is exact in float64", (rows, cols) => {
    const products = uniform(rows * cols, -2, 2, 3);
    const squares = uniform(cols, 0, 9, 4).map((value) => value + 1e-12);
    const expected = Array.from({ length: rows }, (_, i) =>
      Math.min(...squares.map((square, j) => square - 2 * (products[i * cols + j] ?? 0))),
    );
    expect(run(rows, products, squares)).toEqual(expected);
  });

  test("the least value is found in every place", () => {
    for (let cols = 1; cols < 14; cols++) {
      for (let place = 0; place < cols; place++) {
        const products = Array.from({ length: cols }, (_, j) => (j === place ? 5 : 1));
        expect(run(1, products, new Array<number>(cols).fill(4))).toEqual([-6]);
      }
    }
  });

  test("NaN does not count, and infinities do", () => {
    for (let cols = 2; cols < 10; cols++) {
      const products = new Array<number>(cols).fill(Number.NaN);
      expect(run(1, products, new Array<number>(cols).fill(1))).toEqual([Infinity]);
      products[cols - 1] = 2;
      expect(run(1, products, new Array<number>(cols).fill(1))).toEqual([-3]);
      products[0] = Infinity;
      expect(run(1, products, new Array<number>(cols).fill(1))).toEqual([-Infinity]);
    }
  });
});
