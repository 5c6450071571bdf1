// The leading principal components of rows that come in chunks, by randomised subspace iteration (Halko,
// Martinsson & Tropp 2011): a random subspace somewhat larger than asked for is multiplied by the
// covariance until it has all but caught the largest share of the variance, and is then rotated onto the
// components. The covariance is formed once where it is small; wider data are passed over each time.
//
// All of it is done in pieces of some milliseconds, with a pause after each. Whoever reads the model in a pause may
// write over what is in the arena, so every piece brings there what it needs. Each product in pieces has the bits of
// the whole: kernels sum every element in an order that does not depend on the other rows and columns.

import type { Arena } from "../../core/arena.ts";
import type { KernelExports } from "../../core/generated/exports.ts";
import { type Seed, Stream } from "../../math/seed.ts";
import type { Paused } from "../../platform/turns.ts";
import { orthogonalizing } from "./orthogonal.ts";
import { findingEigenvectors } from "./symmetric-eigen.ts";

/** Widest data whose covariance is formed: a matrix of 16 MiB. */
const WIDEST_COVARIANCE = 2048;
/**
 * The subspace is good once another round takes no more than this share of the variance left out: on
 * MNIST the error is then within 1e-5 of what it tends to, for codes of 2 to 256.
 */
const CONVERGED = 1e-3;
/** Shares of the whole variance below this are float32's noise. */
const NOISE = 1e-7;
const MOST_ROUNDS = 50;
/** Multiplications of a product between two pauses. */
const MOST_PRODUCTS = 2 ** 26;
/** Multiplications between two pauses where JavaScript makes them. */
const MOST_SCALAR_PRODUCTS = 2 ** 21;
/** Rows of a product come in multiples of this, whose tiles the kernels compute alike. */
const PRODUCT_ROWS = 24;

/** Rows to analyse, handed over chunk by chunk, with room beside them. */
export interface ChunkedRows {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly width: number;
  /** Frees what was reserved before. */
  clear(): void;
  /** Room for `length` float32 values, until it is cleared or the next pause. */
  reserve(length: number): number;
  /**
   * Visits every chunk `pieces(count)` times before the next, with a pause after every visit: `count` rows at
   * `address`, which the visitor may write over.
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
 * The `count` leading directions of the rows about `center`, orthonormal rows [count, width] by falling
 * variance. count <= width. The same bits for the same seed and build.
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
  for (let round = 0, caught = dot(basis, image); round < MOST_ROUNDS; round++) {
    basis.set(image);
    yield* orthogonalizing(basis, size, width);
    image = yield* multiply(basis);
    const before = caught;
    caught = dot(basis, image);
    if (caught - before <= Math.max(CONVERGED * (total - caught), NOISE * total)) break;
  }
  return yield* rotate(basis, image, size, width, count);
}

/** [0, length) in even parts that begin at multiples of PRODUCT_ROWS; so many that each makes at most MOST_PRODUCTS. */
function edges(length: number, products: number): number[] {
  const parts = Math.max(1, Math.min(Math.ceil(products / MOST_PRODUCTS), length / PRODUCT_ROWS));
  const count = Math.floor(parts);
  return Array.from({ length: count + 1 }, (_, i) =>
    i === count ? length : PRODUCT_ROWS * Math.floor((i * length) / count / PRODUCT_ROWS),
  );
}

interface Covariance {
  /** Rows [size, width] times the covariance, not divided by the number of rows. */
  multiply(basis: Float32Array): Paused<Float32Array>;
  /** Its trace: the whole variance. */
  readonly total: number;
}

function* covariance(data: ChunkedRows, center: Float64Array, size: number): Paused<Covariance> {
  const { kernels, arena, width, clear, reserve } = data;
  const panels = (m: number, n: number, k: number) =>
    reserve((kernels.gemmWorkspace(m, n, k) >>> 0) / 4);
  const copyIn = (values: Float32Array) => {
    const address = reserve(values.length);
    arena.view(address, values.length).set(values);
    return address;
  };
  const ones = new Float32Array(width).fill(1);
  const minusCenter = Float32Array.from(center, (value) => -value);
  const centered = (
    visit: (x: number, rows: number, piece: number) => void,
    pieces?: (rows: number) => number,
  ) =>
    data.each((x, rows, piece) => {
      clear();
      kernels.affineColumns(rows, width, x, copyIn(ones), copyIn(minusCenter), x);
      visit(x, rows, piece);
    }, pieces);

  let total = 0;
  if (width <= WIDEST_COVARIANCE) {
    // The lower half, in bands of rows: what lies left of the diagonal square, and the square.
    const sums = new Float64Array(width * width);
    const bands = (rows: number) => edges(width, (rows * width * width) / 2);
    yield* centered(
      (x, rows, band) => {
        const [row = 0, end = width] = bands(rows).slice(band, band + 2);
        const height = end - row;
        const c = reserve(height * end);
        const from = x + 4 * row;
        const work = panels(height, end, rows);
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
    for (let j = 0; j < width; j++) total += sums[j * (width + 1)] ?? 0;
    const matrix = new Float32Array(width * width);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) {
        const sum = sums[i * width + j] ?? 0;
        matrix[i * width + j] = sum;
        matrix[j * width + i] = sum;
      }
      if (i % 64 === 63) yield;
    }
    const parts = edges(size, size * width * width);
    const multiply = function* (basis: Float32Array): Paused<Float32Array> {
      const image = new Float32Array(size * width);
      for (let part = 1; part < parts.length; part++) {
        const [row = 0, end = size] = parts.slice(part - 1, part + 1);
        const height = end - row;
        clear();
        const [q, c] = [copyIn(basis.subarray(row * width, end * width)), copyIn(matrix)];
        const z = reserve(height * width);
        const work = panels(height, width, width);
        kernels.gemmNN(height, width, width, q, width, c, width, 0, z, width, work);
        image.set(arena.view(z, height * width), row * width);
        yield;
      }
      return image;
    };
    return { multiply, total };
  }

  yield* centered((x, rows) => {
    total += kernels.sumSquares(rows * width, x);
  });
  const multiply = function* (basis: Float32Array): Paused<Float32Array> {
    const sums = new Float64Array(size * width);
    const parts = (rows: number) => edges(size, 4 * rows * size * width);
    yield* centered(
      (x, rows, part) => {
        const [first = 0, end = size] = parts(rows).slice(part, part + 2);
        const some = end - first;
        const q = copyIn(basis.subarray(first * width, end * width));
        const scores = reserve(rows * some);
        const z = reserve(some * width);
        const there = panels(rows, some, width);
        kernels.gemmNT(rows, some, width, x, width, q, width, 0, scores, some, there);
        const back = panels(some, width, rows);
        kernels.gemmTN(some, width, rows, scores, some, x, width, 0, z, width, back);
        add(sums, first * width, arena.view(z, some * width));
      },
      (rows) => parts(rows).length - 1,
    );
    return new Float32Array(sums);
  };
  return { multiply, total };
}

/** Rotates a basis onto the eigenvectors of its matrix basis · imageᵀ (Rayleigh-Ritz) and keeps `count`. */
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
  const turns = yield* findingEigenvectors(projected, size);
  const rotated = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) {
      addScaled(rotated, i * width, turns[i * size + j] ?? 0, row(basis, j));
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
