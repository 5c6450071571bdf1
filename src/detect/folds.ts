// Assigns samples to the models for training and for scoring. Exactly one model holds out each sample, that is, scores
// it without having seen it. A single model holds out a fifth of the samples and has seen the others.

import { at } from "../math/order.ts";
import { permutation, type Random } from "./random.ts";
import { range } from "./samples.ts";

export interface Folds {
  readonly count: number;
  /** Numbers of the training samples of model `k`, in random order. */
  training(k: number): Uint32Array;
  /** Numbers of the samples that model `k` has not seen and scores. */
  heldOut(k: number): Uint32Array;
}

/** A single model holds out one of this many parts of the samples. */
const PARTS_ALONE = 5;

/** Random folds of equal size, for samples without an order. */
export function randomFolds(samples: number, folds: number, random: Random): Folds {
  const order = permutation(samples, random);
  const parts = folds === 1 ? PARTS_ALONE : folds;
  return {
    count: folds,
    training: (k) => partsOf(order, parts, (part) => part !== k),
    heldOut: (k) => partsOf(order, parts, (part) => part === k).sort(),
  };
}

/** The numbers at the places of the wanted parts. */
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

/** Marks the samples that are scored by a model that was trained on them. Only a single model has such samples. */
export function seenSamples(folds: Folds, samples: number): Uint8Array {
  const seen = new Uint8Array(samples);
  if (folds.count === 1) for (const sample of folds.training(0)) seen[sample] = 1;
  return seen;
}

/**
 * Folds of samples that are consecutive in time, for overlapping windows. Windows within `reach` rows of a held-out window
 * share rows with it and are not used for training.
 * @param starts the row at which each sample begins, ascending
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
  // A single model holds out the last samples.
  const first = (k: number) => Math.floor(((folds === 1 ? k + parts - 1 : k) * samples) / parts);
  const isNear = (i: number, j: number) =>
    at(segments, i) === at(segments, j) && Math.abs(at(starts, i) - at(starts, j)) < reach;
  return {
    count: folds,
    training(k) {
      const [from, to] = [first(k), first(k + 1)];
      const others = range(0, samples).filter((i) => i < from || i >= to);
      // With fewer samples than folds, some folds are empty.
      const away =
        from === to ? others : others.filter((i) => !isNear(i, i < from ? from : to - 1));
      // In a short series no window may be far enough away.
      const rows = away.length > 0 ? away : others;
      return permutation(rows.length, random).map((i) => at(rows, i));
    },
    heldOut: (k) => range(first(k), first(k + 1) - first(k)),
  };
}

/** The folds of some of the samples, with the numbers of all samples. */
export function within(numbers: Uint32Array, folds: Folds): Folds {
  const own = (indexes: Uint32Array) => indexes.map((i) => at(numbers, i));
  return {
    count: folds.count,
    training: (k) => own(folds.training(k)),
    heldOut: (k) => own(folds.heldOut(k)),
  };
}
