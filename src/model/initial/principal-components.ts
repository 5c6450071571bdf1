// The leading principal components of rows in chunks, by randomized subspace iteration (Halko, Martinsson & Tropp 2011).
// A random subspace, somewhat larger than needed, is multiplied by the covariance until it contains nearly the largest
// possible share of the variance. It is then rotated onto the components. For narrow data the covariance is computed
// once. For wide data every multiplication makes a pass over the rows.
//
// The work is done in pieces of some milliseconds, with a pause after each. A call in a pause may overwrite the arena, so
// every piece copies what it needs into it. A product in pieces has the same bits as the whole product, because kernels
// sum every element in an order that does not depend on the other rows and columns.

import type { Arena } from "../../core/arena.ts";
import type { KernelExports } from "../../core/generated/exports.ts";
import { type Seed, Stream } from "../../math/seed.ts";
import type { Paused } from "../../platform/turns.ts";
import { orthogonalizing } from "./orthogonal.ts";
import { findingEigenvectors } from "./symmetric-eigen.ts";

/** The largest width for which the covariance is computed: a matrix of 16 MiB. */
const WIDEST_COVARIANCE = 2048;
/**
 * The iteration ends when another round captures at most this share of the remaining variance. On MNIST the error is then
 * within 1e-5 of its limit, for codes of 2 to 256 units.
 */
const CONVERGED = 1e-3;
/** Shares of the total variance below this are rounding errors of float32. */
const NOISE = 1e-7;
const MOST_ROUNDS = 50;
/** Multiplications of a product between two pauses. */
const MOST_PRODUCTS = 2 ** 26;
/** Multiplications between two pauses in JavaScript code. */
const MOST_SCALAR_PRODUCTS = 2 ** 21;
/** Products are divided at multiples of this number of rows, so that the kernels compute the same tiles. */
const PRODUCT_ROWS = 24;

/** Rows to analyse in chunks, and room in the arena for further data. */
export interface ChunkedRows {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly width: number;
  /** Frees everything that was reserved. */
  clear(): void;
  /** Room for `length` float32 values, valid until `clear` or the next pause. */
  reserve(length: number): number;
  /**
   * Calls `visit` `pieces(count)` times with every chunk, with a pause after every call. A chunk is `count` rows at
   * `address`, which `visit` may overwrite.
   */
  each(
    visit: (address: number, count: number, piece: number) => void,
    pieces?: (count: number) => number,
  ): Paused<void>;
}

/** The means of the columns, in float64. */
export function* columnMeans({
  kernels,
  arena,
  width,
  clear,
  reserve,
  each,
}: ChunkedRows): Paused<Float64Array> {
  const sums = new Float64Array(width);
  let rows = 0;
  yield* each((x, count) => {
    clear();
    const out = reserve(width);
    kernels.columnSums(count, width, x, width, 0, out);
    arena.view(out, width).forEach((sum, j) => {
      sums[j] = (sums[j] ?? 0) + sum;
    });
    rows += count;
  });
  return sums.map((sum) => sum / rows);
}

/**
 * The `count` leading principal directions of the rows around `center`: orthonormal rows [count, width] by descending
 * variance. count <= width. The bits depend on the seed and the build.
 */
export function* principalComponents(
  data: ChunkedRows,
  center: Float64Array,
  count: number,
  seed: Seed,
  draw: number,
): Paused<Float32Array> {
  const { kernels, arena, width } = data;
  const size = Math.min(width, count + Math.max(10, Math.ceil(count / 4)));
  const { multiply, total } = yield* covariance(data, center, size);
  data.clear();
  const random = data.reserve(size * width);
  kernels.randomNormal(size * width, random, 0, 0, 1, seed.low, seed.high, draw, Stream.initial);
  const basis = arena.view(random, size * width).slice();
  yield* orthogonalizing(basis, size, width);
  let image = yield* multiply(basis);
  for (let round = 0, captured = dot(basis, image); round < MOST_ROUNDS; round++) {
    basis.set(image);
    yield* orthogonalizing(basis, size, width);
    image = yield* multiply(basis);
    const before = captured;
    captured = dot(basis, image);
    if (captured - before <= Math.max(CONVERGED * (total - captured), NOISE * total)) break;
  }
  return yield* rotate(basis, image, size, width, count);
}

/** The edges of nearly equal parts of [0, length) with about MOST_PRODUCTS products each, at multiples of PRODUCT_ROWS. */
function edges(length: number, products: number): number[] {
  const parts = Math.max(1, Math.min(Math.ceil(products / MOST_PRODUCTS), length / PRODUCT_ROWS));
  const count = Math.floor(parts);
  return Array.from({ length: count + 1 }, (_, i) =>
    i === count ? length : PRODUCT_ROWS * Math.floor((i * length) / count / PRODUCT_ROWS),
  );
}

interface Covariance {
  /** The rows of `basis` [size, width] times the covariance. It is not divided by the number of rows of data. */
  multiply(basis: Float32Array): Paused<Float32Array>;
  /** The trace of the covariance: the total variance. */
  readonly total: number;
}

/** The covariance, as a matrix for narrow rows. For wide rows every multiplication makes a pass over them. */
function covariance(data: ChunkedRows, center: Float64Array, size: number): Paused<Covariance> {
  const rows = new CenteredRows(data, center);
  return data.width <= WIDEST_COVARIANCE ? asMatrix(rows, size) : byPasses(rows, size);
}

/** The rows of `data` minus `center`, and temporary room in the arena. */
class CenteredRows {
  readonly data: ChunkedRows;
  readonly #ones: Float32Array;
  readonly #minusCenter: Float32Array;

  constructor(data: ChunkedRows, center: Float64Array) {
    this.data = data;
    this.#ones = new Float32Array(data.width).fill(1);
    this.#minusCenter = Float32Array.from(center, (value) => -value);
  }

  /** The same as `each` of the data, with centered rows. It begins every call of `visit` with `clear`. */
  each(
    visit: (x: number, rows: number, piece: number) => void,
    pieces?: (rows: number) => number,
  ): Paused<void> {
    const { kernels, width, clear, each } = this.data;
    return each((x, rows, piece) => {
      clear();
      const [ones, minusCenter] = [this.copyIn(this.#ones), this.copyIn(this.#minusCenter)];
      kernels.affineColumns(rows, width, x, ones, minusCenter, x);
      visit(x, rows, piece);
    }, pieces);
  }

  /** Copies values into the arena. */
  copyIn(values: Float32Array): number {
    const address = this.data.reserve(values.length);
    this.data.arena.view(address, values.length).set(values);
    return address;
  }

  /** The workspace of a product of an m × k and a k × n matrix. */
  workspace(m: number, n: number, k: number): number {
    return this.data.reserve((this.data.kernels.gemmWorkspace(m, n, k) >>> 0) / 4);
  }
}

/** Computes the covariance once. */
function* asMatrix(rows: CenteredRows, size: number): Paused<Covariance> {
  const { kernels, arena, width, clear, reserve } = rows.data;
  const sums = yield* lowerHalf(rows);
  let total = 0;
  for (let j = 0; j < width; j++) total += sums[j * (width + 1)] ?? 0;
  const matrix = yield* symmetric(sums, width);
  const parts = edges(size, size * width * width);
  const multiply = function* (basis: Float32Array): Paused<Float32Array> {
    const image = new Float32Array(size * width);
    for (let part = 1; part < parts.length; part++) {
      const [row = 0, end = size] = parts.slice(part - 1, part + 1);
      const height = end - row;
      clear();
      const q = rows.copyIn(basis.subarray(row * width, end * width));
      const c = rows.copyIn(matrix);
      const z = reserve(height * width);
      const work = rows.workspace(height, width, width);
      kernels.gemmNN(height, width, width, q, width, c, width, 0, z, width, work);
      image.set(arena.view(z, height * width), row * width);
      yield;
    }
    return image;
  };
  return { multiply, total };
}

/** The lower half of the covariance [width, width] in float64. The upper half is 0. */
function* lowerHalf(centered: CenteredRows): Paused<Float64Array> {
  const { kernels, arena, width, reserve } = centered.data;
  const sums = new Float64Array(width * width);
  const bands = (rows: number) => edges(width, (rows * width * width) / 2);
  // A band of rows of the result is the part to the left of the square on the diagonal, and the square.
  yield* centered.each(
    (x, rows, band) => {
      const [row = 0, end = width] = bands(rows).slice(band, band + 2);
      const height = end - row;
      const c = reserve(height * end);
      const from = x + 4 * row;
      const work = centered.workspace(height, end, rows);
      if (row > 0) kernels.gemmTN(height, row, rows, from, width, x, width, 0, c, end, work);
      kernels.gramTN(height, rows, from, width, c + 4 * row, end, work);
      const values = arena.view(c, height * end);
      for (let i = 0; i < height; i++) {
        const to = (row + i) * width;
        for (let j = 0; j <= row + i; j++) {
          sums[to + j] = (sums[to + j] ?? 0) + (values[i * end + j] ?? 0);
        }
      }
    },
    (rows) => bands(rows).length - 1,
  );
  return sums;
}

/** The symmetric matrix with this lower half, in float32. */
function* symmetric(lower: Float64Array, width: number): Paused<Float32Array> {
  const matrix = new Float32Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = lower[i * width + j] ?? 0;
      matrix[i * width + j] = sum;
      matrix[j * width + i] = sum;
    }
    if (i % 64 === 63) yield;
  }
  return matrix;
}

/** Multiplies by Xᵀ X without computing that matrix. */
function* byPasses(centered: CenteredRows, size: number): Paused<Covariance> {
  const { kernels, arena, width, reserve } = centered.data;
  let total = 0;
  yield* centered.each((x, rows) => {
    total += kernels.sumSquares(rows * width, x);
  });
  const multiply = function* (basis: Float32Array): Paused<Float32Array> {
    const sums = new Float64Array(size * width);
    const parts = (rows: number) => edges(size, 4 * rows * size * width);
    yield* centered.each(
      (x, rows, part) => {
        const [first = 0, end = size] = parts(rows).slice(part, part + 2);
        const some = end - first;
        const q = centered.copyIn(basis.subarray(first * width, end * width));
        const scores = reserve(rows * some);
        const z = reserve(some * width);
        const there = centered.workspace(rows, some, width);
        kernels.gemmNT(rows, some, width, x, width, q, width, 0, scores, some, there);
        const back = centered.workspace(some, width, rows);
        kernels.gemmTN(some, width, rows, scores, some, x, width, 0, z, width, back);
        add(sums, first * width, arena.view(z, some * width));
      },
      (rows) => parts(rows).length - 1,
    );
    return new Float32Array(sums);
  };
  return { multiply, total };
}

/** Rotates a basis onto the eigenvectors of basis · imageᵀ (Rayleigh-Ritz) and returns the first `count`. */
function* rotate(
  basis: Float32Array,
  image: Float32Array,
  size: number,
  width: number,
  count: number,
): Paused<Float32Array> {
  const projected = new Float64Array(size * size);
  const row = (of: Float32Array, i: number) => of.subarray(i * width, (i + 1) * width);
  let work = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (dot(row(basis, i), row(image, j)) + dot(row(basis, j), row(image, i))) / 2;
      projected[i * size + j] = value;
      projected[j * size + i] = value;
      work += 2 * width;
      if (work < MOST_SCALAR_PRODUCTS) continue;
      work = 0;
      yield;
    }
  }
  const rotation = yield* findingEigenvectors(projected, size);
  const rotated = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) {
      addScaled(rotated, i * width, rotation[i * size + j] ?? 0, row(basis, j));
      work += width;
      if (work < MOST_SCALAR_PRODUCTS) continue;
      work = 0;
      yield;
    }
  }
  return new Float32Array(rotated);
}

function addScaled(sums: Float64Array, at: number, share: number, values: Float32Array): void {
  for (let c = 0; c < values.length; c++) {
    sums[at + c] = (sums[at + c] ?? 0) + share * (values[c] ?? 0);
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function add(sums: Float64Array, at: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    sums[at + i] = (sums[at + i] ?? 0) + (values[i] ?? 0);
  }
}
