// The leading principal components of rows that come in chunks, by randomised subspace iteration (Halko,
// Martinsson & Tropp 2011): a random subspace somewhat larger than asked for is multiplied by the
// covariance until it has all but caught the largest share of the variance, and is then rotated onto the
// components. The covariance is formed once where it is small; wider data are passed over each time.

import type { Arena } from "../../core/arena.ts";
import type { KernelExports } from "../../core/generated/exports.ts";
import { type Seed, Stream } from "../../math/seed.ts";
import { orthogonalize } from "./orthogonal.ts";
import { symmetricEigenvectors } from "./symmetric-eigen.ts";

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

/** Rows to analyse, handed over chunk by chunk, with room beside them. */
export interface ChunkedRows {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly width: number;
  /** Frees what was reserved before. */
  clear(): void;
  /** Room for `length` float32 values, until it is cleared; the next chunk may take it. */
  reserve(length: number): number;
  /** Visits every chunk: `count` rows at `address`, which the visitor may write over. */
  each(visit: (address: number, count: number) => void): Promise<void>;
}

/** The means of the columns, in float64. */
export async function columnMeans({
  kernels,
  arena,
  width,
  clear,
  reserve,
  each,
}: ChunkedRows): Promise<Float64Array> {
  const sums = new Float64Array(width);
  let rows = 0;
  await each((x, count) => {
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
export async function principalComponents(
  data: ChunkedRows,
  center: Float64Array,
  count: number,
  seed: Seed,
  draw: number,
): Promise<Float32Array> {
  const { kernels, arena, width } = data;
  const size = Math.min(width, count + Math.max(10, Math.ceil(count / 4)));
  const { multiply, total } = await covariance(data, center, size);
  data.clear();
  const random = data.reserve(size * width);
  kernels.randomNormal(size * width, random, 0, 0, 1, seed.low, seed.high, draw, Stream.initial);
  const basis = arena.view(random, size * width).slice();
  orthogonalize(basis, size, width);
  let image = await multiply(basis);
  for (let round = 0, caught = dot(basis, image); round < MOST_ROUNDS; round++) {
    basis.set(image);
    orthogonalize(basis, size, width);
    image = await multiply(basis);
    const before = caught;
    caught = dot(basis, image);
    if (caught - before <= Math.max(CONVERGED * (total - caught), NOISE * total)) break;
  }
  return rotate(basis, image, size, width, count);
}

interface Covariance {
  /** Rows [size, width] times the covariance, not divided by the number of rows. */
  multiply(basis: Float32Array): Promise<Float32Array>;
  /** Its trace: the whole variance. */
  readonly total: number;
}

async function covariance(
  data: ChunkedRows,
  center: Float64Array,
  size: number,
): Promise<Covariance> {
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
  const centered = (visit: (x: number, rows: number) => void) =>
    data.each((x, rows) => {
      clear();
      kernels.affineColumns(rows, width, x, copyIn(ones), copyIn(minusCenter), x);
      visit(x, rows);
    });

  let total = 0;
  if (width <= WIDEST_COVARIANCE) {
    const sums = new Float64Array(width * width);
    await centered((x, rows) => {
      const c = reserve(width * width);
      kernels.gramTN(width, rows, x, width, c, width, panels(width, width, rows));
      add(sums, arena.view(c, width * width));
    });
    for (let j = 0; j < width; j++) total += sums[j * (width + 1)] ?? 0;
    const matrix = Float32Array.from(sums);
    const multiply = async (basis: Float32Array) => {
      clear();
      const [q, c] = [copyIn(basis), copyIn(matrix)];
      const z = reserve(size * width);
      const work = panels(size, width, width);
      kernels.gemmNN(size, width, width, q, width, c, width, 0, z, width, work);
      return arena.view(z, size * width).slice();
    };
    return { multiply, total };
  }

  await centered((x, rows) => {
    total += kernels.sumSquares(rows * width, x);
  });
  const multiply = async (basis: Float32Array) => {
    const sums = new Float64Array(size * width);
    await centered((x, rows) => {
      const q = copyIn(basis);
      const scores = reserve(rows * size);
      const z = reserve(size * width);
      const there = panels(rows, size, width);
      kernels.gemmNT(rows, size, width, x, width, q, width, 0, scores, size, there);
      const back = panels(size, width, rows);
      kernels.gemmTN(size, width, rows, scores, size, x, width, 0, z, width, back);
      add(sums, arena.view(z, size * width));
    });
    return Float32Array.from(sums);
  };
  return { multiply, total };
}

/** Rotates a basis onto the eigenvectors of its matrix basis · imageᵀ (Rayleigh-Ritz) and keeps `count`. */
function rotate(
  basis: Float32Array,
  image: Float32Array,
  size: number,
  width: number,
  count: number,
): Float32Array {
  const projected = new Float64Array(size * size);
  const row = (of: Float32Array, i: number) => of.subarray(i * width, (i + 1) * width);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (dot(row(basis, i), row(image, j)) + dot(row(basis, j), row(image, i))) / 2;
      projected[i * size + j] = value;
      projected[j * size + i] = value;
    }
  }
  const turns = symmetricEigenvectors(projected, size);
  const rotated = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) {
      const share = turns[i * size + j] ?? 0;
      for (let c = 0; c < width; c++) {
        rotated[i * width + c] =
          (rotated[i * width + c] ?? 0) + share * (basis[j * width + c] ?? 0);
      }
    }
  }
  return Float32Array.from(rotated);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function add(sums: Float64Array, values: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (values[i] ?? 0);
}
