// The models of a detector on one core. All parameters are in one arena, and samples are copied there once for all
// models. It judges samples and does not train.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Core } from "../core/load.ts";
import { engineEnsemble, type RuntimeOptions } from "../make.ts";
import type { Engine } from "../model/engine.ts";
import type { InferencePlan } from "../model/workspace.ts";
import type { Member } from "./member.ts";
import { foldRanges, type Neighbours } from "./neighbours.ts";

/** The judgement of samples: the means over the models. */
export interface Judgement {
  /**
   * Squared error of each feature [samples, width]. With the loss "mixed": the squared error of each number and the cross
   * entropy of each category [samples, numbers and categories].
   */
  readonly errors: Float32Array;
  /** Squared Mahalanobis distance of each code divided by the number of its units [samples]. */
  readonly distances: Float32Array;
  /** Squared distance from the nearest training sample divided by the width [samples]; undefined if none are kept. */
  readonly nearest: Float32Array | undefined;
}

/** The most samples in one pass through the models. 256 and 512 are no faster. */
const MOST_TOGETHER = 1024;
/**
 * The fewest samples in one pass; fewer are padded with zeros. Products of fewer rows are summed in another order. With at
 * least this many rows a sample has the same result alone and among others.
 */
const FEWEST_TOGETHER = 8;

/** The most values, and the most comparisons with neighbours, between pauses. */
const MOST_VALUES = 2 ** 17;
const MOST_COMPARISONS = 2 ** 20;

/** A model in the arena: matrices by address. */
interface LoadedModel {
  readonly engine: Engine;
  readonly units: number;
  /** Turns codes into codes of unit covariance, [units, units]. */
  readonly whitening: number;
  /** Minus the mean of the training codes, [units]. */
  readonly shift: number;
}

/** The buffers that all models share: matrices by address, for MOST_TOGETHER samples. */
interface Shared {
  /** Ones [most units]. */
  readonly ones: number;
  /** Codes minus their mean, and whitened codes [samples, most units]. */
  readonly shifted: number;
  readonly whitened: number;
  /** The categories of a mixed loss, pairs of uint32, and the errors of one model under it [samples, errorWidth]. */
  readonly categories: number;
  readonly fieldErrors: number;
  /** Sums over the models: of errors or reconstructions [samples, width], of distances [samples]. */
  readonly errors: number;
  readonly distances: number;
  /** Distances under one model [samples]. */
  readonly own: number;
  readonly panels: number;
}

/** Samples that are compared with their neighbours together. */
const MOST_COMPARED = 128;

/** Training samples in the arena. */
interface Placed {
  readonly count: number;
  readonly ranges: readonly {
    readonly fold: number;
    readonly first: number;
    readonly end: number;
  }[];
  /** Squared lengths of the samples, float64 [count]. */
  readonly squares: number;
  /** The least distances from the samples of each range, float64 [ranges, MOST_COMPARED]. */
  readonly least: number;
  /** The samples [count, width], and products with them [MOST_COMPARED, count]. */
  readonly rows: number;
  readonly products: number;
  readonly panels: number;
}

export class EnsembleInference {
  /** Features of a sample. */
  readonly width: number;
  /** Errors of a sample. */
  readonly errorWidth: number;
  /** How many samples may be judged before the event loop runs. */
  readonly together: number;
  readonly #categories: Categories;
  readonly #core: Core;
  readonly #arena: Arena;
  readonly #models: readonly LoadedModel[];
  readonly #shared: Shared;
  readonly #all: readonly number[];
  readonly #neighbours: Placed | undefined;

  private constructor(
    core: Core,
    arena: Arena,
    models: readonly LoadedModel[],
    shared: Shared,
    neighbours: Placed | undefined,
  ) {
    const { engine } = models[0] ?? {};
    this.width = engine?.workspace.width ?? 0;
    this.#categories = engine?.loss.categories;
    this.errorWidth = errorCount(this.width, this.#categories);
    const comparisons = MOST_COMPARISONS / (neighbours?.count ?? 1);
    const most = Math.min(MOST_TOGETHER, MOST_VALUES / this.width, comparisons);
    this.together = Math.max(FEWEST_TOGETHER, Math.floor(most));
    this.#core = core;
    this.#arena = arena;
    this.#models = models;
    this.#shared = shared;
    this.#all = models.map((_, k) => k);
    this.#neighbours = neighbours;
  }

  /**
   * @param members at least one, all of the same width
   * @throws (rejects) FormatError for bytes that are not a model
   */
  static async load(
    members: readonly Member[],
    neighbours: Neighbours | undefined,
    runtime: RuntimeOptions,
  ): Promise<EnsembleInference> {
    const files = members.map(({ bytes }) => bytes);
    const { core, made } = await engineEnsemble(files, runtime, (engines, arena) => {
      const { kernels } = engines[0]?.core ?? {};
      if (!kernels) throw new Error("An ensemble has no members.");
      const models = members.flatMap(({ state }, k): LoadedModel[] => {
        const engine = engines[k];
        const units = state.codeMean.length;
        const whitening = arena.reserveFloats(units * units);
        return engine ? [{ engine, units, whitening, shift: arena.reserveFloats(units) }] : [];
      });
      const most = Math.max(...models.map(({ units }) => units));
      const width = engines[0]?.workspace.width ?? 0;
      const floats = (columns: number) => arena.reserveFloats(MOST_TOGETHER * columns);
      const categories: Categories = engines[0]?.loss.categories;
      const shared: Shared = {
        ones: arena.reserveFloats(most),
        categories: arena.reserve((categories?.length ?? 0) * 8),
        fieldErrors: floats(categories ? errorCount(width, categories) : 0),
        shifted: floats(most),
        whitened: floats(most),
        errors: floats(width),
        distances: floats(1),
        own: floats(1),
        panels: arena.reserve(kernels.gemmWorkspace(MOST_TOGETHER, most, most) >>> 0),
      };
      const placed = neighbours && place(neighbours, width, kernels, arena);
      arena.commit();
      if (placed && neighbours) {
        arena.view(placed.rows, placed.count * width).set(neighbours.rows);
        arena.doubles(placed.squares, placed.count).set(squaresOf(neighbours.rows, width));
      }
      if (categories) {
        arena.words(shared.categories, categories.length * 2).set(categories.flat());
      }
      kernels.fill(most, shared.ones, 1);
      members.forEach(({ state }, k) => {
        const { units = 0, whitening = 0, shift = 0 } = models[k] ?? {};
        arena.view(whitening, units * units).set(state.codeWhitening);
        arena.view(shift, units).set(state.codeMean.map((value) => -value));
      });
      return { arena, models, shared, placed };
    });
    return new EnsembleInference(core, made.arena, made.models, made.shared, made.placed);
  }

  /** Units of the input and of the code of model `k`. */
  sizeOf(k: number): { inputs: number; units: number } {
    const { engine } = this.#models[k] ?? {};
    return { inputs: engine?.workspace.width ?? 0, units: engine?.config.layers.at(-1) ?? 0 };
  }

  /**
   * The common judgement of the models with the numbers `which`. Default: all models.
   * @param given features [samples, width], finite
   */
  judge(given: Float32Array, which: readonly number[] = this.#all): Judgement {
    const features = this.#filled(given);
    const { width, errorWidth } = this;
    const { kernels } = this.#core;
    const samples = features.length / width;
    const errors = new Float32Array(samples * errorWidth);
    const distances = new Float32Array(samples);
    const nearest = this.#neighbours && new Float32Array(samples);
    const share = 1 / which.length;
    this.#eachChunk(features, (first, real, count) => {
      const { errors: errorSum, distances: distanceSum } = this.#shared;
      kernels.fill(count * errorWidth, errorSum, 0);
      kernels.fill(count, distanceSum, 0);
      let staged: number | undefined;
      for (const k of which) {
        const model = this.#models[k];
        if (!model) continue;
        const plan = model.engine.workspace.inference(MOST_TOGETHER);
        if (plan.x !== staged) this.#stage(features, first, real, plan);
        if (nearest && staged === undefined)
          this.#compare(plan.x, first, real, count, which, nearest);
        staged = plan.x;
        this.#judgeBy(model, plan, count, share);
      }
      errors.set(this.#arena.view(errorSum, real * errorWidth), first * errorWidth);
      distances.set(this.#arena.view(distanceSum, real), first);
    });
    return { errors, distances, nearest };
  }

  /** The mean reconstruction [samples, width] of the models with the numbers `which`. Default: all models. */
  reconstruct(features: Float32Array, which: readonly number[] = this.#all): Float32Array {
    const { width } = this;
    const { kernels } = this.#core;
    const mean = new Float32Array(features.length);
    this.#eachChunk(features, (first, real, count) => {
      const { errors: sum } = this.#shared;
      kernels.fill(count * width, sum, 0);
      let staged: number | undefined;
      for (const k of which) {
        const { engine } = this.#models[k] ?? {};
        if (!engine) continue;
        const plan = engine.workspace.inference(MOST_TOGETHER);
        if (plan.x !== staged) this.#stage(features, first, real, plan);
        staged = plan.x;
        const y = engine.inference.run(plan, count, 0, plan.layers.length);
        kernels.axpy(count * width, 1 / which.length, y, sum);
      }
      mean.set(this.#arena.view(sum, real * width), first * width);
    });
    return mean;
  }

  dispose(): void {
    this.#core.dispose();
  }

  /**
   * The features with the most likely level for each unknown category, given the other columns of the row. An unknown
   * category is encoded as the shares of its levels, and codes of such rows are far from all codes of known rows.
   */
  #filled(features: Float32Array): Float32Array {
    const { width } = this;
    const blocks = (this.#categories ?? []).filter(([, levels]) => levels > 1);
    const unknown: number[] = [];
    for (let start = 0; start < features.length; start += width) {
      const isKnown = ([first, levels]: readonly [number, number]) => {
        for (let j = start + first; j < start + first + levels; j++)
          if (features[j] === 1) return true;
        return false;
      };
      if (blocks.length > 0 && !blocks.every(isKnown)) unknown.push(start);
    }
    if (unknown.length === 0) return features;
    const rows = new Float32Array(unknown.length * width);
    unknown.forEach((start, i) => {
      rows.set(features.subarray(start, start + width), i * width);
    });
    const guesses = this.reconstruct(rows);
    const filled = features.slice();
    unknown.forEach((start, i) => {
      for (const [first, levels] of blocks) {
        const own = filled.subarray(start + first, start + first + levels);
        if (own.includes(1)) continue;
        const guess = guesses.subarray(i * width + first, i * width + first + levels);
        own.fill(0);
        own[guess.indexOf(Math.max(...guess))] = 1;
      }
    });
    return filled;
  }

  /** Adds `share` times the errors and distances of one model to the sums. */
  #judgeBy(
    { engine, units, whitening, shift }: LoadedModel,
    plan: InferencePlan,
    count: number,
    share: number,
  ): void {
    const { kernels } = this.#core;
    const { width } = this;
    const { ones, shifted, whitened, errors, distances, own, panels } = this.#shared;
    const { codeEnd } = engine.network;
    const code = engine.inference.run(plan, count, 0, codeEnd);
    // |W (code - mean)|²
    kernels.affineColumns(count, units, code, ones, shift, shifted);
    kernels.gemmNT(
      count,
      units,
      units,
      shifted,
      units,
      whitening,
      units,
      0,
      whitened,
      units,
      panels,
    );
    kernels.rowSquares(count, units, whitened, units, own);
    kernels.axpy(count, share / units, own, distances);
    const categories = this.#categories;
    // Categories are judged by their logits.
    plan.pass.logits = categories !== undefined;
    const y = engine.inference.resume(plan, code, codeEnd);
    if (categories) {
      const { length } = categories;
      const { categories: blocks, fieldErrors } = this.#shared;
      kernels.mixedErrors(count, width, length, blocks, y, plan.x, fieldErrors);
      kernels.axpy(count * this.errorWidth, share, fieldErrors, errors);
    } else {
      kernels.squaredErrors(count * width, y, plan.x, y);
      kernels.axpy(count * width, share, y, errors);
    }
  }

  /** Computes the distances of `real` of the `count` samples at `x` from their nearest neighbours. */
  #compare(
    x: number,
    start: number,
    real: number,
    count: number,
    which: readonly number[],
    nearest: Float32Array,
  ): void {
    if (!this.#neighbours) return;
    const { count: known, rows, products, squares, least, ranges, panels } = this.#neighbours;
    const { width } = this;
    const { kernels } = this.#core;
    const chunk = Math.ceil(count / Math.ceil(count / MOST_COMPARED));
    for (let first = 0; first < count; first += chunk) {
      const some = Math.min(chunk, count - first);
      const from = x + first * width * 4;
      kernels.gemmNT(some, known, width, from, width, rows, width, 0, products, known, panels);
      ranges.forEach(({ first: begin, end }, g) => {
        const [from, to] = [products + begin * 4, least + g * MOST_COMPARED * 8];
        kernels.leastDistances(some, end - begin, from, known, squares + begin * 8, to);
      });
      const distances = this.#arena.doubles(least, ranges.length * MOST_COMPARED);
      for (let i = 0; i < Math.min(some, real - first); i++) {
        const row = x / 4 + (first + i) * width;
        nearest[start + first + i] = this.#nearest(row, distances.subarray(i), which) / width;
      }
    }
  }

  /**
   * The squared distance of the sample at heap[x] from the nearest one outside a fold, the mean over the folds `which`.
   * @param distances the distance from range g at g * MOST_COMPARED, minus the square of the sample
   */
  #nearest(x: number, distances: Float64Array, which: readonly number[]): number {
    const { ranges = [] } = this.#neighbours ?? {};
    const { heap } = this.#arena;
    let own = 0;
    for (let j = x; j < x + this.width; j++) own += (heap[j] ?? 0) * (heap[j] ?? 0);
    let sum = 0;
    for (const k of which) {
      let least = Infinity;
      for (let g = 0; g < ranges.length; g++) {
        if (ranges[g]?.fold !== k)
          least = Math.min(least, distances[g * MOST_COMPARED] ?? Infinity);
      }
      sum += Math.max(0, own + least) / which.length;
    }
    return sum;
  }

  /** Copies samples [first, first + real) to the input of a plan, and pads a small batch with rows of zeros. */
  #stage(features: Float32Array, first: number, real: number, { x }: InferencePlan): void {
    const { width } = this;
    const { heap } = this.#arena;
    heap.set(features.subarray(first * width, (first + real) * width), x / 4);
    if (real < FEWEST_TOGETHER) heap.fill(0, x / 4 + real * width, x / 4 + FEWEST_TOGETHER * width);
  }

  /** Visits samples in chunks of about equal size: `real` of them from `first` on, padded to `count`. */
  #eachChunk(
    features: Float32Array,
    visit: (first: number, real: number, count: number) => void,
  ): void {
    const samples = features.length / this.width;
    const chunk = Math.ceil(samples / Math.max(1, Math.ceil(samples / MOST_TOGETHER)));
    for (let first = 0; first < samples; first += chunk) {
      const real = Math.min(chunk, samples - first);
      visit(first, real, Math.max(real, FEWEST_TOGETHER));
    }
  }
}

/** The first column and the levels of each category of a mixed loss; undefined for another loss. */
type Categories = Engine["loss"]["categories"];

/** Errors of a sample: one for each feature, or one for each number and each category. */
function errorCount(width: number, categories: Categories): number {
  return (categories ?? []).reduce((count, [, levels]) => count - levels + 1, width);
}

/** Reserves memory for training samples. */
function place({ folds }: Neighbours, width: number, kernels: KernelExports, arena: Arena): Placed {
  const count = folds.length;
  const ranges = foldRanges(folds);
  return {
    count,
    ranges,
    squares: arena.reserve(count * 8),
    least: arena.reserve(ranges.length * MOST_COMPARED * 8),
    rows: arena.reserveFloats(count * width),
    products: arena.reserveFloats(MOST_COMPARED * count),
    panels: arena.reserve(kernels.gemmWorkspace(MOST_COMPARED, count, width) >>> 0),
  };
}

/** The squared length of each sample. */
function squaresOf(rows: Float32Array, width: number): Float64Array {
  const squares = new Float64Array(rows.length / width);
  rows.forEach((value, i) => {
    const row = Math.floor(i / width);
    squares[row] = (squares[row] ?? 0) + value * value;
  });
  return squares;
}
