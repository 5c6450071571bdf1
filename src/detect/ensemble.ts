// Several models, each trained without a different share of the samples, and their common score:
//
//   residual  the mean over columns of e / v, where e is the squared error of the column and v its mean on held-out samples
//   distance  the squared Mahalanobis distance of the code divided by its units, the mean over the models. For windows it is
//             divided by its mean on held-out samples and multiplied by the weight of the policy, because normal drift of a
//             plant changes mainly the code
//   combined  the sum of the two. With few training samples, also the squared distance from the nearest of them divided by
//             its mean on held-out samples. Bouman & Heskes 2025: a row that is far from all others but that the model can
//             reproduce has a small residual, so the distance in the code must count
//
// A column with a value that did not occur in training counts as the first exception in n + 1 rows: e / v = n + 1.
//
// A missing value of a window is replaced by its reconstruction from the other values, eight times, each time from the values
// of the time before. It does not count itself. The mean in its place would make the other values odd. Rows of a table keep the mean, because
// their models were trained with it.

import type { RuntimeOptions } from "../make.ts";
import { ascending, at } from "../math/order.ts";
import type { Paused } from "../platform/turns.ts";
import type { Folds } from "./folds.ts";
import { EnsembleInference, type Judgement } from "./inference.ts";
import { type Member, type TrainingHooks, trainMember } from "./member.ts";
import { type Neighbours, neighboursOf } from "./neighbours.ts";
import type { Policy } from "./policy.ts";
import { range, type Samples } from "./samples.ts";
import type { Encoded } from "./table/encoder.ts";

/** What a score measures: the reconstruction error, the distance of the code, or both. */
export type ScoreKind = "residual" | "distance" | "combined";

/** The most held-out samples of a fold from which the scale of errors is computed. */
const MOST_FOR_SCALE = 20_000;
/** The most held-out samples whose errors are kept for the surprise of a column, and the most values of them. */
const MOST_KEPT = 1000;
const MOST_KEPT_VALUES = 2 ** 19;
/** The least mean error of a column, as a share of its variance. Smaller errors are below the precision of float32. */
const LEAST_ERROR = 1e-6;
/** Iterations that replace the missing values of a window. */
const ROUNDS = 8;

export interface EnsembleState {
  readonly kind: ScoreKind;
  /** For each block of features the mean squared error of held-out samples, summed over the block. */
  readonly blockErrors: Float64Array;
  /** The divisor of distances. */
  readonly distanceScale: number;
  /** The divisor of distances from neighbours; undefined if training samples are not kept. */
  readonly neighbourScale: number | undefined;
  /** Number of training samples. */
  readonly trainingCount: number;
}

/** The result of cross-fitting. */
export interface CrossFit {
  readonly ensemble: Ensemble;
  /** Scores of all samples by models that have not seen them, [samples]. */
  readonly scores: Float64Array;
  /** For each block the errors of some held-out samples divided by their mean, ascending. */
  readonly heldOut: Float64Array[];
}

export class Ensemble {
  readonly members: readonly Member[];
  readonly blocks: Uint32Array;
  readonly state: EnsembleState;
  /** Training samples, if they are few and part of the score. */
  readonly neighbours: Neighbours | undefined;
  readonly #inference: EnsembleInference;
  /** Whether samples are windows of a time series, and not rows of a table. */
  readonly areWindows: boolean;
  /** The models that judge; undefined for all. */
  readonly #judges: readonly number[] | undefined;
  /** Where the errors of each block begin among the errors of a sample: [blocks + 1]. */
  readonly #errorBlocks: Uint32Array;

  constructor(
    members: readonly Member[],
    inference: EnsembleInference,
    blocks: Uint32Array,
    state: EnsembleState,
    neighbours: Neighbours | undefined,
    areWindows: boolean,
    judges?: readonly number[],
  ) {
    this.members = members;
    this.neighbours = neighbours;
    this.#inference = inference;
    this.areWindows = areWindows;
    this.#judges = judges;
    this.#errorBlocks = errorBlocks(inference, blocks);
    this.blocks = blocks;
    this.state = state;
  }

  /**
   * Trains one model for each fold. Samples in no fold are scored by all models, because none has seen them.
   */
  static async crossFit(
    samples: Samples,
    folds: Folds,
    kind: ScoreKind,
    policy: Policy,
    seed: number,
    runtime: RuntimeOptions,
    hooks: TrainingHooks & { onMember?: (member: number) => void },
  ): Promise<CrossFit> {
    const members: Member[] = [];
    for (let k = 0; k < folds.count; k++) {
      hooks.onMember?.(k);
      const own = (seed + k * 104_729) >>> 0;
      members.push(await trainMember(samples, folds.training(k), policy, own, runtime, hooks));
    }
    const isLinear = policy.components !== undefined;
    const { neighbours: count = !isLinear } = policy;
    const neighbours = kind === "combined" && count ? neighboursOf(samples, folds) : undefined;
    const inference = await EnsembleInference.load(members, neighbours, runtime);
    try {
      const held = await heldOutMeans(inference, samples, folds, hooks);
      const state: EnsembleState = {
        kind,
        blockErrors: held.blockErrors,
        distanceScale: isLinear ? held.distance / (policy.distanceWeight ?? 1) : 1,
        neighbourScale: neighbours && held.nearest,
        trainingCount: samples.count,
      };
      const { blocks, areWindows } = samples;
      const ensemble = new Ensemble(members, inference, blocks, state, neighbours, areWindows);
      return {
        ensemble,
        scores: await ensemble.outOfFold(samples, folds, hooks),
        heldOut: await ensemble.heldOutBlocks(samples, folds, hooks),
      };
    } catch (error) {
      inference.dispose();
      throw error;
    }
  }

  /**
   * This ensemble with model `k` as the only judge, for samples that the other models have seen. The two share their memory;
   * only this one is disposed.
   */
  judgedBy(k: number): Ensemble {
    const { members, blocks, state, neighbours, areWindows } = this;
    return new Ensemble(members, this.#inference, blocks, state, neighbours, areWindows, [k]);
  }

  /** Scores of samples that no model has seen: the mean over the models. NaN if all values of a sample are missing. */
  score(encoded: Encoded): Float64Array {
    const windows = this.completed(encoded);
    return this.combine(windows, this.judge(windows.features));
  }

  /** Windows with reconstructions in place of missing values. Other samples are returned unchanged. */
  completed(encoded: Encoded): Encoded {
    return completed(this.#inference, this, encoded, this.#judges);
  }

  /** How many samples are judged between pauses. */
  get together(): number {
    return this.#inference.together;
  }

  /** The means of the errors and distances of the models. */
  judge(features: Float32Array): Judgement {
    return this.#inference.judge(features, this.#judges);
  }

  /** The mean of the models' reconstructions, [samples, width]. */
  reconstruct(features: Float32Array): Float32Array {
    return this.#inference.reconstruct(features, this.#judges);
  }

  /** The error of each block divided by its mean on held-out samples, [samples, blocks]; NaN for a missing block. */
  blockScores(encoded: Encoded, errors: ArrayLike<number>): Float64Array {
    const blocks = this.#errorBlocks;
    const { blockErrors } = this.state;
    const { missing } = encoded;
    const width = blocks.at(-1) ?? 0;
    const count = blocks.length - 1;
    const scores = new Float64Array(encoded.count * count);
    for (let b = 0; b < count; b++) {
      const [start, end] = [at(blocks, b), at(blocks, b + 1)];
      const scale = at(blockErrors, b);
      for (let i = 0; i < encoded.count; i++) {
        let sum = 0;
        for (let j = i * width + start; j < i * width + end; j++) sum += errors[j] ?? 0;
        scores[i * count + b] = missing?.[i * count + b] === 1 ? Number.NaN : sum / scale;
      }
    }
    return scores;
  }

  /** Scores of all samples: each by the model that held it out, or by all models if it is in no fold. */
  async outOfFold(samples: Samples, folds: Folds, hooks: TrainingHooks): Promise<Float64Array> {
    const scores = new Float64Array(samples.count).fill(Number.NaN);
    const isInFold = new Uint8Array(samples.count);
    for (let k = 0; k < folds.count; k++) {
      const held = folds.heldOut(k);
      const judge = this.judgedBy(k);
      await inChunks(held, this.#inference, hooks, (indexes) => {
        const own = judge.score(samples.take(indexes));
        indexes.forEach((index, i) => {
          scores[index] = at(own, i);
          isInFold[index] = 1;
        });
      });
    }
    const rest = range(0, samples.count).filter((i) => !isInFold[i]);
    await inChunks(rest, this.#inference, hooks, (indexes) => {
      const own = this.score(samples.take(indexes));
      indexes.forEach((index, i) => {
        scores[index] = at(own, i);
      });
    });
    return scores;
  }

  /**
   * For each block the errors of some samples divided by their mean, ascending. Each sample is judged by the model that held
   * it out.
   */
  async heldOutBlocks(
    samples: Samples,
    folds: Folds,
    hooks: TrainingHooks,
  ): Promise<Float64Array[]> {
    const blockCount = this.blocks.length - 1;
    const most = Math.min(MOST_KEPT, Math.ceil(MOST_KEPT_VALUES / blockCount));
    const kept: number[][] = Array.from({ length: blockCount }, () => []);
    for (let k = 0; k < folds.count; k++) {
      const some = evenly(folds.heldOut(k), Math.ceil(most / folds.count));
      const judge = this.judgedBy(k);
      await inChunks(some, this.#inference, hooks, (indexes) => {
        const encoded = judge.completed(samples.take(indexes));
        const { errors } = judge.judge(encoded.features);
        const scores = this.blockScores(encoded, errors);
        scores.forEach((score, i) => {
          if (!Number.isNaN(score)) kept[i % blockCount]?.push(score);
        });
      });
    }
    return kept.map(ascending);
  }

  dispose(): void {
    this.#inference.dispose();
  }

  /**
   * The scores of samples from the judgement of their models. The loops run over every value of every row that is scored, so
   * they use plain indexing without calls.
   */
  combine(
    { count, missing, novelties }: Encoded,
    { errors, distances, nearest }: Judgement,
  ): Float64Array {
    const blocks = this.#errorBlocks;
    const { kind, trainingCount, distanceScale, neighbourScale = 1, blockErrors } = this.state;
    const blockCount = blocks.length - 1;
    const width = blocks[blockCount] ?? 0;
    const scores = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      let known = 0;
      let j = i * width;
      for (let b = 0; b < blockCount; b++) {
        const end = i * width + (blocks[b + 1] ?? 0);
        let error = 0;
        for (; j < end; j++) error += errors[j] ?? 0;
        if (missing !== undefined && missing[i * blockCount + b] === 1) continue;
        sum += error / (blockErrors[b] ?? 1);
        known += 1;
      }
      const unknown = novelties?.[i] ?? 0;
      const columns = known + unknown;
      if (columns === 0) {
        scores[i] = Number.NaN;
        continue;
      }
      // Values that did not occur in training count in the score of every kind.
      const novelty = (unknown * (trainingCount + 1)) / columns;
      const residual = kind === "distance" ? 0 : sum / columns;
      const distance = kind === "residual" ? 0 : (distances[i] ?? 0) / distanceScale;
      const apart = nearest === undefined ? 0 : (nearest[i] ?? 0) / neighbourScale;
      scores[i] = residual + distance + apart + novelty;
    }
    return scores;
  }
}

/** See `Ensemble.completed`. `which` are the models that reconstruct; samples must not be completed by models that saw them. */
function completed(
  inference: EnsembleInference,
  { areWindows, blocks }: Pick<Samples, "areWindows" | "blocks">,
  encoded: Encoded,
  which?: readonly number[],
): Encoded {
  const { count, missing } = encoded;
  if (!areWindows || missing === undefined) return encoded;
  const blockCount = blocks.length - 1;
  const width = at(blocks, blockCount);
  const asked = Array.from({ length: count }, (_, i) => i).filter((i) =>
    missing.subarray(i * blockCount, (i + 1) * blockCount).includes(1),
  );
  if (asked.length === 0) return encoded;
  const own = new Float32Array(asked.length * width);
  asked.forEach((i, place) => {
    own.set(encoded.features.subarray(i * width, (i + 1) * width), place * width);
  });
  for (let round = 0; round < ROUNDS; round++) {
    const guess = inference.reconstruct(own, which);
    asked.forEach((i, place) => {
      for (let b = 0; b < blockCount; b++) {
        if (missing[i * blockCount + b] !== 1) continue;
        const [from, to] = [place * width + at(blocks, b), place * width + at(blocks, b + 1)];
        own.set(guess.subarray(from, to), from);
      }
    });
  }
  const features = encoded.features.slice();
  asked.forEach((i, place) => {
    features.set(own.subarray(place * width, (place + 1) * width), i * width);
  });
  return { ...encoded, features };
}

/** Means over the samples that each model has not seen: of the squared error of each block, and of the distances. */
export async function heldOutMeans(
  inference: EnsembleInference,
  samples: Samples,
  folds: Folds,
  hooks: TrainingHooks,
): Promise<{ blockErrors: Float64Array; distance: number; nearest: number }> {
  const blocks = errorBlocks(inference, samples.blocks);
  const width = blocks.at(-1) ?? 0;
  const blockCount = blocks.length - 1;
  const sums = new Float64Array(blockCount);
  const known = new Float64Array(blockCount);
  // A choice without an error in n rows is assumed to have one in n + 1 rows.
  const isChoice = (b: number) => blocks !== samples.blocks && featuresOf(samples.blocks, b) > 1;
  let distance = 0;
  let nearest = 0;
  let count = 0;
  for (let k = 0; k < folds.count; k++) {
    const some = evenly(folds.heldOut(k), MOST_FOR_SCALE);
    await inChunks(some, inference, hooks, (indexes) => {
      const { features, missing } = completed(inference, samples, samples.take(indexes), [k]);
      const judgement = inference.judge(features, [k]);
      for (const each of judgement.distances) distance += each;
      for (const each of judgement.nearest ?? []) nearest += each;
      count += indexes.length;
      for (let i = 0; i < indexes.length; i++) {
        for (let b = 0; b < blockCount; b++) {
          if (missing?.[i * blockCount + b] === 1) continue;
          const end = i * width + at(blocks, b + 1);
          for (let j = i * width + at(blocks, b); j < end; j++) {
            sums[b] = at(sums, b) + at(judgement.errors, j);
          }
          known[b] = at(known, b) + 1;
        }
      }
    });
  }
  return {
    blockErrors: sums.map((sum, b) => {
      const least = isChoice(b) ? 1 / (at(known, b) + 1) : LEAST_ERROR;
      return Math.max(sum / Math.max(1, at(known, b)), least);
    }),
    distance: Math.max(distance / Math.max(1, count), LEAST_ERROR),
    nearest: Math.max(nearest / Math.max(1, count), LEAST_ERROR),
  };
}

/** Where the errors of each block begin: at its features, or one error for each block if the models judge categories. */
function errorBlocks({ width, errorWidth }: EnsembleInference, blocks: Uint32Array): Uint32Array {
  return errorWidth === width ? blocks : blocks.map((_, b) => b);
}

function featuresOf(blocks: Uint32Array, b: number): number {
  return at(blocks, b + 1) - at(blocks, b);
}

/** At most `most` of the numbers, evenly spaced. */
function evenly(indexes: Uint32Array, most: number): Uint32Array {
  const stride = Math.max(1, Math.ceil(indexes.length / most));
  return indexes.filter((_, i) => i % stride === 0);
}

/** Processes numbers of samples in chunks. */
async function inChunks(
  indexes: Uint32Array,
  { together }: EnsembleInference,
  { work }: TrainingHooks,
  visit: (chunk: Uint32Array) => void,
): Promise<void> {
  await work(chunks(indexes, together, visit));
}

function* chunks(
  indexes: Uint32Array,
  size: number,
  visit: (chunk: Uint32Array) => void,
): Paused<void> {
  for (let first = 0; first < indexes.length; first += size) {
    visit(indexes.subarray(first, first + size));
    yield;
  }
}
