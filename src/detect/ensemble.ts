// Several models, each trained without another share of the samples, and the score they give together:
//
//   residual  the mean over columns of e / v, e the column's squared error and v its mean on held-out samples
//   distance  the squared Mahalanobis distance of the code over its units, the mean over the models; of windows
//             over its mean on held-out samples, because a plant drifts most within what its model knows
//   combined  the sum of the two (Bouman & Heskes 2025: a row far out inside what the model can reproduce has
//             a small residual, so that the distance in the code must count)
//
// A column that holds what training never saw counts as the first exception in n + 1 rows: e / v = n + 1.

import type { RuntimeOptions } from "../make.ts";
import { yieldToEventLoop } from "../platform/yield.ts";
import { Distances } from "./distances.ts";
import type { Folds } from "./folds.ts";
import { type Judgement, Member, type TrainingHooks } from "./member.ts";
import type { Policy } from "./policy.ts";
import type { Samples } from "./samples.ts";
import { ascending, at } from "./statistics/order.ts";
import type { Encoded } from "./table/encoder.ts";

export type ScoreKind = "residual" | "distance" | "combined";

/** Samples that are judged at a time. */
const CHUNK = 2048;
/** Held-out samples of a fold from which the scale of errors is taken. */
const MOST_FOR_SCALE = 20_000;
/** Held-out samples whose errors are kept, by which a column's surprise is told, and the most values of them. */
const MOST_KEPT = 1000;
const MOST_KEPT_VALUES = 2 ** 19;
/** A column's mean error is taken to be at least this share of its variance: float32 knows no less. */
const LEAST_ERROR = 1e-6;

export interface EnsembleState {
  readonly kind: ScoreKind;
  /** For each block of features the mean squared error of held-out samples, summed over the block. */
  readonly blockErrors: Float64Array;
  /** What distances are divided by. */
  readonly distanceScale: number;
  /** Samples that training saw. */
  readonly trainingCount: number;
}

/** What comes of cross-fitting. */
export interface CrossFit {
  readonly ensemble: Ensemble;
  /** Scores of all samples by models that have not seen them, [samples]. */
  readonly scores: Float64Array;
  /** For each block the ascending errors of some held-out samples over their mean. */
  readonly heldOut: Float64Array[];
}

export class Ensemble {
  readonly members: readonly Member[];
  readonly blocks: Uint32Array;
  readonly state: EnsembleState;
  readonly #distances: Distances;

  constructor(
    members: readonly Member[],
    distances: Distances,
    blocks: Uint32Array,
    state: EnsembleState,
  ) {
    this.members = members;
    this.#distances = distances;
    this.blocks = blocks;
    this.state = state;
  }

  /**
   * Trains one model a fold. Samples in no fold are scored by all models, since none has seen them.
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
    const distances = await Distances.load(runtime);
    try {
      for (let k = 0; k < folds.count; k++) {
        hooks.onMember?.(k);
        const own = (seed + k * 104_729) >>> 0;
        members.push(await Member.train(samples, folds.training(k), policy, own, runtime, hooks));
      }
      const held = await heldOutMeans(members, distances, samples, folds, hooks);
      const ensemble = new Ensemble(members, distances, samples.blocks, {
        kind,
        blockErrors: held.blockErrors,
        distanceScale: policy.components === undefined ? 1 : held.distance,
        trainingCount: samples.count,
      });
      return {
        ensemble,
        scores: await ensemble.outOfFold(samples, folds, hooks),
        heldOut: await ensemble.heldOutBlocks(samples, folds, hooks),
      };
    } catch (error) {
      for (const member of members) member.dispose();
      distances.dispose();
      throw error;
    }
  }

  /** Scores of samples that no model has seen: the mean over the models. NaN where nothing is known. */
  score(encoded: Encoded): Float64Array {
    return this.#combine(encoded, this.judge(encoded.features));
  }

  /** What the models say together: the means of their errors and distances. */
  judge(features: Float32Array): { errors: Float64Array; distances: Float64Array } {
    const judgements = this.members.map((member) => member.judge(features, this.#distances));
    return { errors: mean(judgements, "errors"), distances: mean(judgements, "distances") };
  }

  /** The mean of the models' reconstructions, [samples, width]. */
  reconstruct(features: Float32Array): Float32Array {
    const sum = new Float64Array(features.length);
    for (const { model } of this.members) {
      model.reconstruct(features).forEach((value, i) => {
        sum[i] = at(sum, i) + value;
      });
    }
    return Float32Array.from(sum, (value) => value / this.members.length);
  }

  /** Error of each block over its mean on held-out samples, [samples, blocks]; NaN where it is missing. */
  blockScores(encoded: Encoded, errors: ArrayLike<number>): Float64Array {
    const { blocks } = this;
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

  /** Scores of all samples: each by the model that held it out, or by all models if none was trained on it. */
  async outOfFold(samples: Samples, folds: Folds, hooks: TrainingHooks): Promise<Float64Array> {
    const scores = new Float64Array(samples.count).fill(Number.NaN);
    const isInFold = new Uint8Array(samples.count);
    for (let k = 0; k < folds.count; k++) {
      const held = folds.heldOut(k);
      await inChunks(held, hooks, (indexes) => {
        const encoded = samples.take(indexes);
        const member = this.members[k];
        if (!member) return;
        const own = this.#combine(encoded, member.judge(encoded.features, this.#distances));
        indexes.forEach((index, i) => {
          scores[index] = at(own, i);
          isInFold[index] = 1;
        });
      });
    }
    const rest = Uint32Array.from({ length: samples.count }, (_, i) => i).filter(
      (i) => !isInFold[i],
    );
    await inChunks(rest, hooks, (indexes) => {
      const own = this.score(samples.take(indexes));
      indexes.forEach((index, i) => {
        scores[index] = at(own, i);
      });
    });
    return scores;
  }

  /** For each block the ascending errors over their mean of some samples, each by the model that held it out. */
  async heldOutBlocks(
    samples: Samples,
    folds: Folds,
    hooks: TrainingHooks,
  ): Promise<Float64Array[]> {
    const blockCount = this.blocks.length - 1;
    const most = Math.min(MOST_KEPT, Math.ceil(MOST_KEPT_VALUES / blockCount));
    const kept: number[][] = Array.from({ length: blockCount }, () => []);
    for (const [k, member] of this.members.entries()) {
      const some = evenly(folds.heldOut(k), Math.ceil(most / folds.count));
      await inChunks(some, hooks, (indexes) => {
        const encoded = samples.take(indexes);
        const scores = this.blockScores(encoded, member.model.featureErrors(encoded.features));
        scores.forEach((score, i) => {
          if (!Number.isNaN(score)) kept[i % blockCount]?.push(score);
        });
      });
    }
    return kept.map(ascending);
  }

  dispose(): void {
    for (const member of this.members) member.dispose();
    this.#distances.dispose();
  }

  #combine(
    encoded: Encoded,
    { errors, distances }: { errors: ArrayLike<number>; distances: ArrayLike<number> },
  ): Float64Array {
    const { kind, trainingCount, distanceScale } = this.state;
    const count = this.blocks.length - 1;
    const blockScores = this.blockScores(encoded, errors);
    return Float64Array.from({ length: encoded.count }, (_, i) => {
      let sum = 0;
      let known = 0;
      for (let b = 0; b < count; b++) {
        const score = at(blockScores, i * count + b);
        if (Number.isNaN(score)) continue;
        sum += score;
        known += 1;
      }
      const novelties = encoded.novelties?.[i] ?? 0;
      if (known + novelties === 0) return Number.NaN;
      // What training never saw is in the score of every kind.
      const novelty = (novelties * (trainingCount + 1)) / (known + novelties);
      const residual = sum / (known + novelties);
      const distance = at(distances, i) / distanceScale;
      if (kind === "residual") return residual + novelty;
      return (kind === "distance" ? distance : residual + distance) + novelty;
    });
  }
}

/** Means over the samples that each model has not seen: of the squared error of each block, and of the distance. */
export async function heldOutMeans(
  members: readonly Member[],
  distances: Distances,
  samples: Samples,
  folds: Folds,
  hooks: TrainingHooks,
): Promise<{ blockErrors: Float64Array; distance: number }> {
  const { blocks, width } = samples;
  const blockCount = blocks.length - 1;
  const sums = new Float64Array(blockCount);
  const known = new Float64Array(blockCount);
  let distance = 0;
  let count = 0;
  for (const [k, member] of members.entries()) {
    await inChunks(evenly(folds.heldOut(k), MOST_FOR_SCALE), hooks, (indexes) => {
      const { features, missing } = samples.take(indexes);
      const judgement = member.judge(features, distances);
      for (const each of judgement.distances) distance += each;
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
    blockErrors: sums.map((sum, b) => Math.max(sum / Math.max(1, at(known, b)), LEAST_ERROR)),
    distance: Math.max(distance / Math.max(1, count), LEAST_ERROR),
  };
}

/** At most `most` of the numbers, evenly spread. */
function evenly(indexes: Uint32Array, most: number): Uint32Array {
  const stride = Math.max(1, Math.ceil(indexes.length / most));
  return indexes.filter((_, i) => i % stride === 0);
}

/** Works through numbers of samples chunk by chunk; the event loop has its turn after each. */
async function inChunks(
  indexes: Uint32Array,
  { signal }: TrainingHooks,
  work: (chunk: Uint32Array) => void,
): Promise<void> {
  for (let first = 0; first < indexes.length; first += CHUNK) {
    if (signal?.aborted) throw signal.reason;
    work(indexes.subarray(first, first + CHUNK));
    await yieldToEventLoop();
  }
}

function mean(judgements: readonly Judgement[], key: keyof Judgement): Float64Array {
  const sum = Float64Array.from(judgements[0]?.[key] ?? []);
  for (const judgement of judgements.slice(1)) {
    const values = judgement[key];
    for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + at(values, i);
  }
  return judgements.length === 1 ? sum : sum.map((value) => value / judgements.length);
}
