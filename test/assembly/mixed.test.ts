import { describe, expect, test } from "vitest";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds, type TestCore } from "../support/core.ts";

const { fround } = Math;
const none = (count: number) => new Array<number>(count).fill(Number.NaN);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

type Block = readonly [first: number, width: number];
interface Layout {
  readonly cols: number;
  readonly blocks: readonly Block[];
}

const LAYOUTS: Layout[] = [
  { cols: 0, blocks: [] },
  { cols: 5, blocks: [] },
  { cols: 3, blocks: [[0, 3]] },
  { cols: 1, blocks: [[0, 1]] },
  { cols: 4, blocks: [[1, 2]] },
  { cols: 13, blocks: [[0, 2], [2, 5], [9, 4]] }, // biome-ignore format: pairs
  { cols: 31, blocks: [[3, 1], [7, 19], [30, 1]] }, // biome-ignore format: pairs
  { cols: 70, blocks: [[5, 64]] },
];

/** One row in float64: losses of numbers and blocks by column, and gradients, all without weights. */
function rowLosses({ cols, blocks }: Layout, y: readonly number[], t: readonly number[]) {
  const losses: { column: number; width: number; loss: number }[] = [];
  const gradient = new Array<number>(cols).fill(0);
  const probabilities = [...y];
  for (let j = 0; j < cols; j++) {
    const width = blocks.find(([first]) => first === j)?.[1];
    if (width === undefined) {
      losses.push({ column: j, width: 1, loss: (y[j]! - t[j]!) ** 2 });
      gradient[j] = 2 * (y[j]! - t[j]!);
      continue;
    }
    const [z, target] = [y.slice(j, j + width), t.slice(j, j + width)];
    const top = Math.max(...z);
    const total = sum(z.map((v) => Math.exp(v - top)));
    const log = top + Math.log(total);
    losses.push({
      column: j,
      width,
      loss: sum(target.map((each, i) => (each === 0 ? 0 : each * (log - z[i]!)))),
    });
    for (let i = 0; i < width; i++) {
      probabilities[j + i] = Math.exp(z[i]! - top) / total;
      gradient[j + i] = sum(target) * probabilities[j + i]! - target[i]!;
    }
    j += width - 1;
  }
  return { losses, gradient, probabilities };
}

/** Outputs, some of them large logits, and targets: one-hot, soft or none in a block. */
function table({ cols, blocks }: Layout, rows: number) {
  const y = uniform(rows * cols, -3, 3, 1).map((v, i) => (i % 11 === 5 ? fround(v * 30) : v));
  const t = uniform(rows * cols, -2, 2, 2);
  for (let r = 0; r < rows; r++) {
    for (const [first, width] of blocks) {
      for (let i = 0; i < width; i++) {
        const soft = fround((i + 1) / ((width * (width + 1)) / 2));
        t[r * cols + first + i] = r % 3 === 0 ? +(i === r % width) : r % 3 === 1 ? soft : 0;
      }
    }
  }
  return { y, t, weights: uniform(cols, 0.25, 2, 3) };
}

function blocksAt(core: TestCore<unknown>, blocks: readonly Block[]): number {
  const at = guarded(core, new Array(2 * blocks.length).fill(0));
  core.u32(at, 2 * blocks.length).set(blocks.flat());
  return at;
}

const ROWS = 7;

describe.each(builds)("numbers and categories, $name build", (core) => {
  const { kernels } = core;

  describe.each(LAYOUTS)("$cols columns, blocks $blocks", (layout) => {
    const { cols, blocks } = layout;
    const count = blocks.length;
    const size = ROWS * cols;
    const { y, t, weights } = table(layout, ROWS);
    const row = (values: readonly number[], r: number) => values.slice(r * cols, (r + 1) * cols);

    test("softmaxBlocks, out of place and in place", () => {
      for (const inPlace of [false, true]) {
        core.reset();
        const z = guarded(core, y);
        const out = inPlace ? z : guarded(core, none(size));
        kernels.softmaxBlocks(ROWS, cols, count, blocksAt(core, blocks), z, out);
        const result = read(core, out, size);
        for (let r = 0; r < ROWS; r++) {
          const { probabilities } = rowLosses(layout, row(y, r), row(t, r));
          probabilities.forEach((p, j) => {
            const inBlock = blocks.some(([first, width]) => j >= first && j < first + width);
            const actual = result[r * cols + j]!;
            // An error of half a unit in the last place of a distance of 90 gives a relative error of 4e-6.
            if (inBlock) expect(Math.abs(actual - p)).toBeLessThanOrEqual(5e-6 * p + 1e-44);
            else expect(actual).toBe(p);
          });
        }
      }
    });

    /** Targets, some of them missing. In a block one missing element is enough. */
    const withHoles = t.map((v, i) => (i % 5 === 3 ? Number.NaN : v));

    test.each([0, 1])("losses and gradients, masked %i", (masked) => {
      const target = masked ? withHoles : t;
      const scale = 0.3;
      for (const mode of ["apart", "in place", "value alone"]) {
        core.reset();
        const py = guarded(core, y);
        const pt = guarded(core, target);
        const pw = guarded(core, weights);
        const dy = mode === "value alone" ? 0 : mode === "apart" ? guarded(core, none(size)) : py;
        const partials = core.alloc(8 * (ROWS + 1));
        core.f64(partials, ROWS + 1)[ROWS] = 777;
        const pb = blocksAt(core, blocks);
        kernels.mixedGradient(ROWS, cols, count, pb, pw, masked, py, pt, scale, dy, partials);
        expect(core.f64(partials, ROWS + 1)[ROWS]).toBe(777);
        const gradients = dy === 0 ? [] : read(core, dy, size);
        if (mode !== "in place") expect(read(core, py, size)).toEqual(y);
        expect(read(core, pt, size)).toEqual(target);
        for (let r = 0; r < ROWS; r++) {
          const { losses, gradient } = rowLosses(layout, row(y, r), row(target, r));
          const known = losses.filter(({ loss }) => !Number.isNaN(loss));
          const expected = sum(known.map(({ loss, column }) => loss * weights[column]!));
          const value = core.f64(partials, ROWS)[r]!;
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-6 * expected + 1e-6);
          if (dy === 0) continue;
          for (const { column, width, loss } of losses) {
            for (let j = column; j < column + width; j++) {
              const actual = gradients[r * cols + j]!;
              if (Number.isNaN(loss)) expect(actual).toBe(0);
              else {
                const wanted = scale * weights[column]! * gradient[j]!;
                expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(
                  1e-6 * (1 + Math.abs(wanted)),
                );
              }
            }
          }
        }
      }
    });

    test("mixedKnown sums the weights of known targets, and mixedErrors lists the losses", () => {
      core.reset();
      const cells = cols - sum(blocks.map(([, width]) => width - 1));
      const pt = guarded(core, withHoles);
      const out = guarded(core, none(ROWS * cells));
      const partials = core.alloc(8 * ROWS);
      const pb = blocksAt(core, blocks);
      kernels.mixedKnown(ROWS, cols, count, pb, guarded(core, weights), pt, partials);
      kernels.mixedErrors(ROWS, cols, count, pb, guarded(core, y), pt, out);
      const errors = read(core, out, ROWS * cells);
      for (let r = 0; r < ROWS; r++) {
        const { losses } = rowLosses(layout, row(y, r), row(withHoles, r));
        expect(losses.length).toBe(cells);
        const known = losses.filter(({ loss }) => !Number.isNaN(loss));
        const expected = sum(known.map(({ column }) => weights[column]!));
        expect(Math.abs(core.f64(partials, ROWS)[r]! - expected)).toBeLessThanOrEqual(1e-12);
        losses.forEach(({ loss }, i) => {
          const actual = errors[r * cells + i]!;
          if (Number.isNaN(loss)) expect(actual).toBeNaN();
          else expect(Math.abs(actual - loss)).toBeLessThanOrEqual(1e-6 * loss + 2e-7);
        });
      }
    });

    test("every share of the rows has the same bits", () => {
      const run = (edges: number[]) => {
        core.reset();
        const [py, pt, pw] = [core.put(y), core.put(t), core.put(weights)];
        const dy = core.alloc(4 * size);
        const partials = core.alloc(8 * ROWS);
        const pb = blocksAt(core, blocks);
        for (let i = 1; i < edges.length; i++) {
          const [first, rows] = [edges[i - 1]!, edges[i]! - edges[i - 1]!];
          const at = 4 * cols * first;
          kernels.mixedGradient(
            rows,
            cols,
            count,
            pb,
            pw,
            1,
            py + at,
            pt + at,
            1,
            dy + at,
            partials + 8 * first,
          );
        }
        return [...core.f32(dy, size), ...core.f64(partials, ROWS)];
      };
      expect(run([0, 2, 3, 7])).toEqual(run([0, 7]));
    });
  });

  test("a confident correct logit has loss 0, and a confident wrong one its distance, without overflow", () => {
    core.reset();
    const blocks = blocksAt(core, [[0, 3]]);
    const weights = core.put([1, 1, 1]);
    const partials = core.alloc(8);
    const dy = core.alloc(12);
    const cost = (z: number[], t: number[]) => {
      kernels.mixedGradient(1, 3, 1, blocks, weights, 0, core.put(z), core.put(t), 1, dy, partials);
      return core.f64(partials, 1)[0]!;
    };
    expect(cost([3e38, 0, -3e38], [1, 0, 0])).toBe(0);
    expect(Array.from(core.f32(dy, 3))).toEqual([0, 0, 0]);
    expect(cost([1000, 0, 0], [0, 1, 0])).toBe(1000);
    expect(Array.from(core.f32(dy, 3))).toEqual([1, -1, 0]);
    expect(cost([0, -Infinity, 0], [1, 0, 0])).toBeCloseTo(Math.LN2, 6);
    expect(cost([-1000, -1000, -2000], [1, 0, 0])).toBeCloseTo(Math.LN2, 6);
    expect(cost([0, Number.NaN, 0], [1, 0, 0])).toBeNaN();
    expect(cost([Infinity, 0, 0], [1, 0, 0])).toBeNaN();
  });

  test("a block without a target counts as NaN unless masked", () => {
    core.reset();
    const [w, y, t] = [core.put([1, 1]), core.put([1, 2]), core.put([0, Number.NaN])];
    const [pb, partials] = [blocksAt(core, [[0, 2]]), core.alloc(8)];
    kernels.mixedGradient(1, 2, 1, pb, w, 0, y, t, 1, 0, partials);
    expect(core.f64(partials, 1)[0]).toBeNaN();
    kernels.mixedGradient(1, 2, 1, pb, w, 1, y, t, 1, 0, partials);
    expect(core.f64(partials, 1)[0]).toBe(0);
  });

  test("a number without a target counts as NaN unless masked", () => {
    core.reset();
    const [w, y, t] = [core.put([1]), core.put([1]), core.put([Number.NaN])];
    const partials = core.alloc(8);
    kernels.mixedGradient(1, 1, 0, 0, w, 0, y, t, 1, 0, partials);
    expect(core.f64(partials, 1)[0]).toBeNaN();
    kernels.mixedGradient(1, 1, 0, 0, w, 1, y, t, 1, 0, partials);
    expect(core.f64(partials, 1)[0]).toBe(0);
  });

  // A load after the end of the range would trap there.
  test.each([1, 2, 3, 5])("nothing is read or written past a block of %i columns", (cols) => {
    core.reset();
    const inside = core.put(uniform(cols, 0, 1, 5));
    const [spare, w] = [core.alloc(8), core.put(new Array(cols).fill(1))];
    const last = core.memory.buffer.byteLength - 4 * cols;
    for (const blocks of [[[0, cols] as const], []]) {
      core.f32(last, cols).set(uniform(cols, -1, 1, 6));
      const pb = blocksAt(core, blocks);
      kernels.softmaxBlocks(1, cols, blocks.length, pb, last, last);
      kernels.mixedGradient(1, cols, blocks.length, pb, w, 1, inside, last, 1, last, spare);
      kernels.mixedKnown(1, cols, blocks.length, pb, w, last, spare);
      expect(core.f32(last, cols).every(Number.isFinite)).toBe(true);
    }
  });
});
