// A measure of quality without labels: how well the detector and principal components detect odd rows. One value of
// each held-out row is replaced by that of another row, so that only the relation between columns reveals it. Both
// judge each row, original and changed, by models that have not seen it.

import type { RuntimeOptions } from "../make.ts";
import { at } from "../math/order.ts";
import { Ensemble } from "./ensemble.ts";
import type { Folds } from "./folds.ts";
import type { TrainingHooks } from "./member.ts";
import { LINEAR } from "./policy.ts";
import { random } from "./random.ts";
import type { Samples } from "./samples.ts";
import { auroc } from "./statistics/ranking.ts";
import type { Encoded } from "./table/encoder.ts";

/** How well held-out rows with one swapped value are distinguished from the original rows: AUROC, .5 for a guess. */
export interface Yardstick {
  /** Number of rows with a swapped value. */
  readonly rows: number;
  /** AUROC of the detector. */
  readonly detector: number;
  /** AUROC of principal components. Their score is the residual plus the distance in their space, as for the detector. */
  readonly pca: number;
}

/** The most samples that are used. */
const MOST_SAMPLES = 2000;
/** With more features, principal components take too long. */
const MOST_FEATURES = 300;
const FEWEST_SAMPLES = 20;
/** The parts of the held-out samples of a single model. */
const PARTS = 5;
/** The most draws of a block and another sample until the value differs. */
const DRAWS = 8;

/** The yardstick; undefined if there is nothing to swap or too much to compute. */
export async function yardstick(
  samples: Samples,
  folds: Folds,
  ensemble: Ensemble,
  seed: number,
  runtime: RuntimeOptions,
  hooks: TrainingHooks,
): Promise<Yardstick | undefined> {
  const held = Array.from({ length: folds.count }, (_, k) => folds.heldOut(k));
  const total = held.reduce((sum, { length }) => sum + length, 0);
  const stride = Math.max(1, Math.ceil(total / MOST_SAMPLES));
  const kept = held.map((numbers) => numbers.filter((_, i) => i % stride === 0));
  const count = kept.reduce((sum, { length }) => sum + length, 0);
  const isTooWide = samples.width > MOST_FEATURES;
  if (count < FEWEST_SAMPLES || samples.blocks.length < 3 || isTooWide) return undefined;
  const order = Uint32Array.from(kept.flatMap((numbers) => [...numbers]));
  const own = foldsOf(kept);
  const plain = some(samples, order);
  const { swapped, rows } = swap(plain, seed);
  if (rows === 0) return undefined;
  // A single model has one fold, whose samples it alone has not seen. Components are learned from parts of that fold.
  const parts = own.count > 1 ? own : foldsOf(partsOf(own.heldOut(0)));
  const linear = { ...LINEAR, models: parts.count };
  const pca = await Ensemble.crossFit(plain, parts, "combined", linear, seed, runtime, hooks);
  try {
    const tell = async (judge: Ensemble, before: Float64Array, folds: Folds) =>
      told(before, await judge.outOfFold(swapped, folds, hooks));
    return {
      rows,
      detector: await tell(ensemble, await ensemble.outOfFold(plain, own, hooks), own),
      pca: await tell(pca.ensemble, pca.scores, parts),
    };
  } finally {
    pca.ensemble.dispose();
  }
}

/** Consecutive parts of about equal size. */
function partsOf(numbers: Uint32Array): Uint32Array[] {
  const first = (part: number) => Math.floor((part * numbers.length) / PARTS);
  return Array.from({ length: PARTS }, (_, part) => numbers.subarray(first(part), first(part + 1)));
}

/** The folds of samples that are in order of their folds. */
function foldsOf(kept: readonly Uint32Array[]): Folds {
  const starts = kept.map((_, k) => kept.slice(0, k).reduce((sum, { length }) => sum + length, 0));
  const held = kept.map(({ length }, k) =>
    Uint32Array.from({ length }, (_, i) => (starts[k] ?? 0) + i),
  );
  return {
    count: kept.length,
    heldOut: (k) => held[k] ?? new Uint32Array(0),
    training: (k) =>
      Uint32Array.from(held.flatMap((numbers, other) => (other === k ? [] : [...numbers]))),
  };
}

function some(samples: Samples, numbers: Uint32Array): Samples {
  const take = (indexes: Uint32Array) => samples.take(indexes.map((i) => at(numbers, i)));
  return { ...samples, count: numbers.length, take };
}

/** The same samples. One block of each is taken from another sample. */
function swap(samples: Samples, seed: number): { swapped: Samples; rows: number } {
  const { count, width, blocks } = samples;
  const all = samples.take(Uint32Array.from({ length: count }, (_, i) => i));
  const features = all.features.slice();
  const { below } = random(seed, 11);
  const blockCount = blocks.length - 1;
  const isMissing = (sample: number, block: number) =>
    all.missing?.[sample * blockCount + block] === 1;
  let rows = 0;
  for (let i = 0; i < count; i++) {
    for (let draw = 0; draw < DRAWS; draw++) {
      const [block, other] = [below(blockCount), below(count)];
      if (isMissing(i, block) || isMissing(other, block)) continue;
      const [start, end] = [at(blocks, block), at(blocks, block + 1)];
      const theirs = all.features.subarray(other * width + start, other * width + end);
      if (theirs.every((value, j) => value === features[i * width + start + j])) continue;
      features.set(theirs, i * width + start);
      rows += 1;
      break;
    }
  }
  const take = (indexes: Uint32Array): Encoded => {
    const encoded = samples.take(indexes);
    const own = new Float32Array(indexes.length * width);
    indexes.forEach((index, i) => {
      own.set(features.subarray(index * width, (index + 1) * width), i * width);
    });
    return { ...encoded, features: own };
  };
  return { swapped: { ...samples, take }, rows };
}

function told(before: Float64Array, after: Float64Array): number {
  const scores = [...before, ...after].map((score) => (Number.isNaN(score) ? 0 : score));
  return auroc(
    scores,
    scores.map((_, i) => (i < before.length ? 0 : 1)),
  );
}
