// How well scores agree with labels: area under the ROC curve, average precision, and precision, recall
// and F1 of a decision. Values are those of scikit-learn.

import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import { ascendingOrder, at } from "../../math/order.ts";

/**
 * The chance that an odd row has a higher score than a normal one. Ties count half.
 * @param labels 1 (or true) for odd rows, 0 for normal ones; both must occur
 */
export function auroc(scores: ArrayLike<number>, labels: ArrayLike<number | boolean>): number {
  const { odd, normal } = countLabels("auroc", scores, labels);
  let ranks = 0;
  eachTie(scores, (first, end, order) => {
    const rank = (first + 1 + end) / 2; // the mean of the ranks first + 1 … end
    for (let i = first; i < end; i++) if (labels[at(order, i)]) ranks += rank;
  });
  return (ranks - (odd * (odd + 1)) / 2) / (odd * normal);
}

/** The mean precision over the odd rows, taken at every threshold: sum of (R(k) - R(k-1)) P(k). */
export function averagePrecision(
  scores: ArrayLike<number>,
  labels: ArrayLike<number | boolean>,
): number {
  const { odd } = countLabels("averagePrecision", scores, labels);
  const ties: { rows: number; hits: number }[] = [];
  eachTie(scores, (first, end, order) => {
    let hits = 0;
    for (let i = first; i < end; i++) if (labels[at(order, i)]) hits += 1;
    ties.push({ rows: end - first, hits });
  });
  let rows = 0;
  let found = 0;
  let sum = 0;
  for (const tie of ties.reverse()) {
    rows += tie.rows;
    found += tie.hits;
    sum += (tie.hits / odd) * (found / rows);
  }
  return sum;
}

/** How well flags agree with labels. */
export interface DecisionQuality {
  /** Share of the flagged rows that are odd; 0 where none is flagged. */
  readonly precision: number;
  /** Share of the odd rows that are flagged. */
  readonly recall: number;
  /** Harmonic mean of the two; 0 where both are 0. */
  readonly f1: number;
}

/** Precision, recall and F1 of a decision. */
export function decisionQuality(
  flagged: ArrayLike<number | boolean>,
  labels: ArrayLike<number | boolean>,
): DecisionQuality {
  let hits = 0;
  let alarms = 0;
  let odd = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i]) odd += 1;
    if (flagged[i]) alarms += 1;
    if (labels[i] && flagged[i]) hits += 1;
  }
  return {
    precision: alarms > 0 ? hits / alarms : 0,
    recall: odd > 0 ? hits / odd : 0,
    f1: hits > 0 ? (2 * hits) / (alarms + odd) : 0,
  };
}

/** Visits every run of equal scores in `order`, lowest first. */
function eachTie(
  scores: ArrayLike<number>,
  visit: (first: number, end: number, order: Uint32Array) => void,
): void {
  const order = ascendingOrder(scores);
  for (let first = 0, end = 0; first < order.length; first = end) {
    const score = at(scores, at(order, first));
    while (end < order.length && at(scores, at(order, end)) === score) end += 1;
    visit(first, end, order);
  }
}

/** Throws unless every label is 0, 1, true or false. */
export function requireLabels(name: string, labels: ArrayLike<unknown>): void {
  if (typeof labels !== "object" || labels === null || typeof labels.length !== "number") {
    throw new InvalidTypeError(
      `${name} needs a list of labels, one for each row: 1 (or true) for odd rows and 0 for normal ones; got ${show(labels)}.`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 0 || label === 1 || typeof label === "boolean") continue;
    throw new InvalidValueError(
      `${name} takes the labels 1 (or true) for odd rows and 0 for normal ones; label ${i} is ${show(label)}.`,
    );
  }
}

function countLabels(
  name: string,
  scores: ArrayLike<number>,
  labels: ArrayLike<number | boolean>,
): { odd: number; normal: number } {
  if (scores.length !== labels.length) {
    throw new InvalidValueError(
      `${name} needs one label for each score; got ${scores.length} scores and ${labels.length} labels.`,
    );
  }
  requireLabels(name, labels);
  let odd = 0;
  for (let i = 0; i < labels.length; i++) {
    if (Number.isNaN(scores[i])) {
      throw new InvalidValueError(`${name} cannot rank row ${i}: its score is NaN.`);
    }
    if (labels[i]) odd += 1;
  }
  const normal = labels.length - odd;
  if (odd === 0 || normal === 0) {
    throw new InvalidValueError(
      `${name} needs odd and normal rows; all ${labels.length} labels are ${odd > 0 ? 1 : 0}.`,
    );
  }
  return { odd, normal };
}
