// The distance of a row from the nearest training sample, used if training samples are few. It improves the score where
// models of few samples are inaccurate. A training sample is compared only with those of other folds, because it is judged by
// the model that has not seen it. A new row is compared with the samples of all folds except one, for each fold in turn.

import { ascendingOrder, at } from "../math/order.ts";
import type { Folds } from "./folds.ts";
import type { Samples } from "./samples.ts";

/** The training samples that are kept; saved with a detector. */
export interface Neighbours {
  /** Features [samples, width], fold by fold. */
  readonly rows: Float32Array;
  /** The fold of each sample, ascending: the number of the model that has not seen it. */
  readonly folds: Uint32Array;
}

/** With more samples the models are accurate enough, and the comparison would take longer than the models. */
export const MOST_NEIGHBOURS = 4096;

/** The training samples as neighbours; undefined if there are too many. */
export function neighboursOf(samples: Samples, folds: Folds): Neighbours | undefined {
  const isAlone = folds.count === 1;
  // A single model has fold 0. Its training samples are the neighbours of the samples that it holds out.
  const groups = isAlone
    ? [{ fold: 1, indexes: folds.training(0) }]
    : Array.from({ length: folds.count }, (_, fold) => ({ fold, indexes: folds.heldOut(fold) }));
  const count = groups.reduce((sum, { indexes }) => sum + indexes.length, 0);
  if (count > MOST_NEIGHBOURS) return undefined;
  const numbers = groups.flatMap(({ indexes }) => [...indexes]);
  return {
    rows: samples.take(Uint32Array.from(numbers)).features,
    folds: Uint32Array.from(groups.flatMap(({ fold, indexes }) => [...indexes].map(() => fold))),
  };
}

/** Old and new neighbours together. If there are too many, the oldest of each fold are left out. */
export function mergedNeighbours(old: Neighbours, fresh: Neighbours, width: number): Neighbours {
  const all = Uint32Array.from([...old.folds, ...fresh.folds]);
  const rowOf = (i: number) => {
    const [from, place] = i < old.folds.length ? [old, i] : [fresh, i - old.folds.length];
    return from.rows.subarray(place * width, (place + 1) * width);
  };
  // Samples of the same fold keep their order. The oldest come first and are removed first.
  const order = [...ascendingOrder(all)];
  const excess = order.length - MOST_NEIGHBOURS;
  const share = excess > 0 ? excess / order.length : 0;
  const kept = groupsOf(all, order).flatMap((group) =>
    group.slice(Math.ceil(share * group.length)),
  );
  const rows = new Float32Array(kept.length * width);
  kept.forEach((i, place) => {
    rows.set(rowOf(i), place * width);
  });
  return { rows, folds: Uint32Array.from(kept, (i) => at(all, i)) };
}

function groupsOf(folds: Uint32Array, order: readonly number[]): number[][] {
  const groups = new Map<number, number[]>();
  for (const i of order) {
    const fold = at(folds, i);
    const group = groups.get(fold);
    if (group) group.push(i);
    else groups.set(fold, [i]);
  }
  return [...groups.values()];
}

/** The range of the samples of each fold. */
export function foldRanges(folds: Uint32Array): { fold: number; first: number; end: number }[] {
  const ranges: { fold: number; first: number; end: number }[] = [];
  folds.forEach((fold, i) => {
    const last = ranges.at(-1);
    if (last?.fold === fold) last.end = i + 1;
    else ranges.push({ fold, first: i, end: i + 1 });
  });
  return ranges;
}
