// Which samples each model is trained on and which it is held to. Every sample is held out by exactly one
// model, so that its score there is that of a sample the model has not seen. A model that is alone holds out a fifth.

import { at } from "../math/order.ts";
import { permutation, type Random } from "./random.ts";
import { range } from "./samples.ts";

export interface Folds {
  readonly count: number;
  /** Numbers of the samples that model `k` is trained on, in random order. */
  training(k: number): Uint32Array;
  /** Numbers of the samples that model `k` has not seen and is held to. */
  heldOut(k: number): Uint32Array;
}

/** Parts of the samples of which a model that is alone holds out one. */
const PARTS_ALONE = 5;

/** Random folds of equal size, for samples in no order. */
export function randomFolds(samples: number, folds: number, random: Random): Folds {
  const order = permutation(samples, random);
  const parts = folds === 1 ? PARTS_ALONE : folds;
  return {
    count: folds,
    training: (k) => partsOf(order, parts, (part) => part !== k),
    heldOut: (k) => partsOf(order, parts, (part) => part === k).sort(),
  };
}

/** The numbers whose place belongs to a part that is wanted. */
function partsOf(
  order: Uint32Array,
  parts: number,
  isWanted: (part: number) => boolean,
): Uint32Array {
  const wanted = Array.from({ length: parts }, (_, part) => isWanted(part));
  const some = new Uint32Array(order.length);
  let count = 0;
  for (let i = 0; i < order.length; i++) if (wanted[i % parts]) some[count++] = order[i] ?? 0;
  return some.slice(0, count);
}

/** Marks the samples whose score is that of a model that was trained on them: there are some only if a model is alone. */
export function seenSamples(folds: Folds, samples: number): Uint8Array {
  const seen = new Uint8Array(samples);
  if (folds.count === 1) for (const sample of folds.training(0)) seen[sample] = 1;
  return seen;
}

/**
 * Stretches of samples that follow each other in time, for windows that overlap: windows within `reach` rows of a
 * held-out one share rows with it and are not trained on.
 * @param starts the row at which each sample begins, rising
 * @param segments the segment of each sample; windows of different segments share nothing
 */
export function blockFolds(
  starts: Uint32Array,
  segments: Uint32Array,
  reach: number,
  folds: number,
  random: Random,
): Folds {
  const samples = starts.length;
  const parts = folds === 1 ? PARTS_ALONE : folds;
  // A model that is alone holds out the last samples.
  const first = (k: number) => Math.floor(((folds === 1 ? k + parts - 1 : k) * samples) / parts);
  const isNear = (i: number, j: number) =>
    at(segments, i) === at(segments, j) && Math.abs(at(starts, i) - at(starts, j)) < reach;
  return {
    count: folds,
    training(k) {
      const [from, to] = [first(k), first(k + 1)];
      const others = range(0, samples).filter((i) => i < from || i >= to);
      const away = others.filter((i) => !isNear(i, i < from ? from : to - 1));
      // In a short series nothing may be far enough away.
      const rows = away.length > 0 ? away : others;
      return permutation(rows.length, random).map((i) => at(rows, i));
    },
    heldOut: (k) => range(first(k), first(k + 1) - first(k)),
  };
}

/** The folds of some of the samples, told by their own numbers. */
export function within(numbers: Uint32Array, folds: Folds): Folds {
  const own = (indexes: Uint32Array) => indexes.map((i) => at(numbers, i));
  return {
    count: folds.count,
    training: (k) => own(folds.training(k)),
    heldOut: (k) => own(folds.heldOut(k)),
  };
}
