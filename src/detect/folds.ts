// Which samples each model is trained on and which it is held to. Every sample is held out by exactly one
// model, so that its score there is that of a sample the model has not seen.

import { permutation, type Random } from "./random.ts";
import { at } from "./statistics/order.ts";

export interface Folds {
  readonly count: number;
  /** Numbers of the samples that model `k` is trained on, in random order. */
  training(k: number): Uint32Array;
  /** Numbers of the samples that model `k` has not seen and is held to. */
  heldOut(k: number): Uint32Array;
}

/** Random folds of equal size, for samples in no order. */
export function randomFolds(samples: number, folds: number, random: Random): Folds {
  const order = permutation(samples, random);
  const fold = (k: number) => (_: number, i: number) => i % folds === k;
  return {
    count: folds,
    training: (k) => (folds === 1 ? order : order.filter((value, i) => !fold(k)(value, i))),
    heldOut: (k) => order.filter(fold(k)).sort(),
  };
}

/**
 * Stretches of samples that follow each other in time, for windows that overlap: windows within `reach` of a
 * held-out one share rows with it and are not trained on.
 * @param starts the row at which each sample begins, rising within each group
 * @param groups the group (machine, file) of each sample; windows of different groups share nothing
 */
export function blockFolds(
  starts: Uint32Array,
  groups: Uint32Array,
  reach: number,
  folds: number,
  random: Random,
): Folds {
  const samples = starts.length;
  // Several stretches a fold, so that each fold sees early and late rows: 4 or as many as there is room for.
  const stretches = Math.max(folds, Math.min(4 * folds, Math.floor(samples / Math.max(1, reach))));
  const of = (i: number) => Math.min(stretches - 1, Math.floor((i * stretches) / samples)) % folds;
  const isNear = (i: number, k: number): boolean => {
    for (const step of [-1, 1]) {
      for (let j = i + step; j >= 0 && j < samples; j += step) {
        if (at(groups, j) !== at(groups, i)) break;
        if (Math.abs(at(starts, j) - at(starts, i)) >= reach) break;
        if (of(j) === k) return true;
      }
    }
    return false;
  };
  const all = Uint32Array.from({ length: samples }, (_, i) => i);
  return {
    count: folds,
    training(k) {
      const away = all.filter((i) => of(i) !== k && !isNear(i, k));
      const rows = away.length > 0 ? away : all.filter((i) => of(i) !== k);
      return permutation(rows.length, random).map((i) => at(rows, i));
    },
    heldOut: (k) => all.filter((i) => of(i) === k),
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
