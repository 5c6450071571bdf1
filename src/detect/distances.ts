// Distances of codes from the middle of the training codes, on the core: a product with the whitening matrix
// and the mean square of each row. One core serves all models of a detector.

import { Arena } from "../core/arena.ts";
import type { Core } from "../core/load.ts";
import type { RuntimeOptions } from "../make.ts";
import { loadThreadedCore } from "../threads/load.ts";

/** Codes that are taken at a time. */
const CHUNK = 2048;

export class Distances {
  readonly #core: Core;
  readonly #arena: Arena;
  readonly #start: number;

  private constructor(core: Core) {
    this.#core = core;
    this.#arena = new Arena(core.memory);
    this.#start = this.#arena.top;
  }

  static async load(runtime: RuntimeOptions): Promise<Distances> {
    return new Distances(await loadThreadedCore(runtime));
  }

  /**
   * Squared Mahalanobis distances over the number of units: the mean over the rows of W of (w · (code - mean))².
   * @param codes [rows, units]
   * @param mean [units]
   * @param whitening W [units, units], row-major
   */
  of(codes: Float32Array, mean: Float64Array, whitening: Float64Array): Float64Array {
    const units = mean.length;
    const rows = codes.length / units;
    const { kernels } = this.#core;
    const arena = this.#arena;
    // Even chunks: a last one of a few rows would be summed in another order.
    const chunk = Math.ceil(rows / Math.max(1, Math.ceil(rows / CHUNK)));
    arena.rewind(this.#start);
    const w = arena.reserveFloats(units * units);
    const ones = arena.reserveFloats(units);
    const shift = arena.reserveFloats(units);
    const x = arena.reserveFloats(chunk * units);
    const y = arena.reserveFloats(chunk * units);
    const zeros = arena.reserveFloats(chunk * units);
    const out = arena.reserveFloats(chunk);
    const panels = arena.reserve(kernels.gemmWorkspace(chunk, units, units) >>> 0);
    arena.commit();
    arena.view(w, units * units).set(whitening);
    kernels.fill(units, ones, 1);
    kernels.fill(chunk * units, zeros, 0);
    arena.view(shift, units).set(mean.map((value) => -value));
    const distances = new Float64Array(rows);
    for (let first = 0; first < rows; first += chunk) {
      const count = Math.min(chunk, rows - first);
      arena.view(x, count * units).set(codes.subarray(first * units, (first + count) * units));
      kernels.affineColumns(count, units, x, ones, shift, x);
      kernels.gemmNT(count, units, units, x, units, w, units, 0, y, units, panels);
      kernels.rowErrors(count, units, y, zeros, out);
      distances.set(arena.view(out, count), first);
    }
    return distances;
  }

  dispose(): void {
    this.#core.dispose();
  }
}
