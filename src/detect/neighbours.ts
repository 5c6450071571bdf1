// The training samples themselves, where they are few: how far a row is from the nearest one that it can be compared
// with. Models of few samples leave gaps that this closes. A sample is compared with those of other folds alone, as it is
// judged by the model that has not seen it; a new row with the samples of all folds but one, for each fold in turn.

import { ascendingOrder, at } from "../math/order.ts";
import type { Folds } from "./folds.ts";
import type { Samples } from "./samples.ts";

/** What is kept of training samples; saved with a detector. */
export interface Neighbours {
  /** Features [samples, width], fold by fold. */
  readonly rows: Float32Array;
  /** The fold of each sample, rising: the number of the model that has not seen it. */
  readonly folds: Uint32Array;
}

/** With more samples than this the models know enough, and looking through the samples would take longer than they do. */
export const MOST_NEIGHBOURS = 4096;

/** The samples that models were trained on as neighbours; undefined where they are too many. */
export function neighboursOf(samples: Samples, folds: Folds): Neighbours | undefined {
  const isAlone = folds.count === 1;
  // A model that is alone has fold 0. The samples it was trained on are the neighbours of those it holds out.
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

/** Old neighbours with new ones, which take the place of the oldest of their fold where there are too many. */
export function mergedNeighbours(old: Neighbours, fresh: Neighbours, width: number): Neighbours {
  const all = Uint32Array.from([...old.folds, ...fresh.folds]);
  const rowOf = (i: number) => {
    const [from, place] = i < old.folds.length ? [old, i] : [fresh, i - old.folds.length];
    return from.rows.subarray(place * width, (place + 1) * width);
  };
  // Equal folds keep their order: the oldest come first, and go first.
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

/** Where the samples of each fold stand. */
export function foldRanges(folds: Uint32Array): { fold: number; first: number; end: number }[] {
  const ranges: { fold: number; first: number; end: number }[] = [];
  folds.forEach((fold, i) => {
    const last = ranges.at(-1);
    if (last?.fold === fold) last.end = i + 1;
    else ranges.push({ fold, first: i, end: i + 1 });
  });
  return ranges;
}
