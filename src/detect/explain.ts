// Why a row is odd. Each column in turn is replaced by the value that makes the row least odd, given its other
// columns. The decrease of the score is the contribution of the column. Candidates are values that the column
// had in training. This works for every model, even for one that copies its input.

import { at } from "../math/order.ts";
import type { Ensemble } from "./ensemble.ts";
import { isUnseenLevel, leaveOut } from "./leave-out.ts";
import { conformalPValue } from "./statistics/conformal.ts";
import { isMissing, toLevel } from "./table/cells.ts";
import { type Encoded, type Encoder, type Field, UNSEEN } from "./table/encoder.ts";

type Cell = number | string | boolean | null;

/** How odd a column of a row is, and why. */
export interface Reason {
  /** The name of the column, or its number from 0 in a matrix without names. */
  readonly column: string | number;
  /** The value of the row; null if it is missing. */
  readonly value: Cell;
  /** The value that would be normal, given the other columns of the row. */
  readonly expected: Cell;
  /** 1 if the value is above the expected one, -1 if it is below, 0 if the two have no order or are equal. */
  readonly sign: -1 | 0 | 1;
  /** Share of rows unseen by the models in which the error of the column is at least as large, in (0, 1]. */
  readonly surprise: number;
  /** Share of the score that the expected value of the column would remove, in [0, 1]. */
  readonly contribution: number;
  /** In a time series the row, from 0, with the largest error of the column. It is near the explained row. */
  readonly when?: number;
  /** For categories: the probability of the value given the other columns, according to the models, in [0, 1]. */
  readonly probability?: number;
}

/** The reference values of explanations; saved with a detector. */
export interface ExplanationState {
  /** Errors of held-out samples divided by their mean, ascending, for each block: [blocks][samples]. */
  readonly heldOut: readonly Float64Array[];
  /** For each field, encoded values that it had in training, ascending; empty for categories. */
  readonly values: readonly Float64Array[];
}

/** Rows to explain. */
export interface Questions {
  readonly encoded: Encoded;
  /** Raw rows [count, columns], from which `encoded` was made. */
  readonly cells: Float64Array;
  /** A value as the caller passed it. */
  valueAt(row: number, column: number): unknown;
}

const NOTHING = new Float64Array(0);
/** A level with at most this many training rows occurred once. Shares are rounded. */
const ONCE = 1.5;

/** Puts values that did not occur in training first; the others keep their order. */
export function newFirst(reasons: readonly Reason[]): Reason[] {
  const isNew = ({ probability }: Reason) => probability === 0;
  return [...reasons.filter(isNew), ...reasons.filter((reason) => !isNew(reason))];
}

/**
 * The reasons of each row: first values that did not occur in training, then the other columns in descending order of the
 * amount by which their expected value would lower the score.
 */
export function explainRows(
  encoder: Encoder,
  ensemble: Ensemble,
  state: ExplanationState,
  questions: Questions,
): Reason[][] {
  const { encoded } = questions;
  const { fields } = encoder.state;
  const judgement = ensemble.judge(encoded.features);
  const blockScores = ensemble.blockScores(encoded, judgement.errors);
  const scores = ensemble.combine(encoded, judgement);
  const reconstruction = ensemble.reconstruct(encoded.features);
  const guesses = hiddenGuesses(encoder, ensemble, encoded);
  const rows = { encoded, cells: questions.cells, scores, blockScores, reconstruction };
  const expected = leaveOut(encoder, ensemble, state.values, rows);
  return Array.from({ length: encoded.count }, (_, row) => {
    const score = at(scores, row);
    const ranked = fields.map((field, f) => {
      const from = row * encoder.width + field.start;
      const own = guesses[f] ?? reconstruction;
      const guess = own.subarray(from, from + field.width);
      const best = expected[row * fields.length + f];
      const error = at(blockScores, row * fields.length + f);
      const isUnseen = isUnseenLevel(encoder, questions.cells, row, field);
      const reason: Reason = {
        ...describeField(encoder, field, questions, row, best?.features ?? guess, guess),
        surprise: isUnseen
          ? 1 / (ensemble.state.trainingCount + 1)
          : conformalPValue(error, state.heldOut[f] ?? NOTHING),
        contribution: best ? Math.min(Math.max(1 - best.score / score, 0), 1) : 0,
      };
      return { reason, error: Number.isNaN(error) ? -1 : error };
    });
    ranked.sort((a, b) => b.reason.contribution - a.reason.contribution || b.error - a.error);
    return [
      ...movedConstants(encoder, ensemble, questions, row),
      ...newFirst(ranked.map(({ reason }) => reason)),
    ];
  });
}

/**
 * The reconstruction of each row with one category hidden from the models: one for each category field, undefined for
 * numbers.
 */
function hiddenGuesses(
  encoder: Encoder,
  ensemble: Ensemble,
  { count, features }: Encoded,
): (Float32Array | undefined)[] {
  const { width, state } = encoder;
  return state.fields.map((field) => {
    if (field.kind !== "category" || !field.isChoice) return undefined;
    const hidden = features.slice();
    for (let row = 0; row < count; row++) hidden.set(field.shares, row * width + field.start);
    const guess = ensemble.reconstruct(hidden);
    const missing = state.schema[field.column]?.missing ?? 0;
    for (let row = 0; row < count; row++) {
      const from = row * width + field.start;
      forgetSingles(guess.subarray(from, from + field.width), field.shares, ensemble, missing);
    }
    return guess;
  });
}

/**
 * Limits the probability of levels that occurred once in training. A model can remember such a row, and the level would then
 * explain itself. Without its row it would be a new level, the first in n + 1 rows. The other levels share the rest.
 * @param chances probabilities of the levels of a category
 * @param missing share of the training rows without a level
 */
function forgetSingles(
  chances: Float32Array,
  shares: readonly number[],
  { state: { trainingCount } }: Ensemble,
  missing: number,
): void {
  const known = trainingCount * (1 - missing);
  const most = 1 / (trainingCount + 1);
  const isSingle = (level: number) => at(shares, level) * known <= ONCE;
  let rest = 0;
  let others = 0;
  chances.forEach((chance, level) => {
    if (isSingle(level)) rest += chance - Math.min(chance, most);
    else others += chance;
  });
  if (rest === 0 || others === 0) return;
  chances.forEach((chance, level) => {
    chances[level] = isSingle(level) ? Math.min(chance, most) : chance * (1 + rest / others);
  });
}

/**
 * The description of a field without the figures of its error.
 * @param best features that would be normal in its place
 * @param guess features as the models reconstruct them
 */
export function describeField(
  encoder: Encoder,
  field: Field,
  { cells, encoded, valueAt }: Questions,
  row: number,
  best: ArrayLike<number>,
  guess: ArrayLike<number>,
): Omit<Reason, "surprise" | "contribution"> {
  const { name, kind } = encoder.state.schema[field.column] ?? {
    name: field.column,
    kind: "number",
  };
  const cell = at(cells, row * encoder.columns + field.column);
  if (field.kind === "category") {
    const chances = encoder.decodeCategory(field, guess);
    const likely = field.isChoice ? chances : encoder.decodeCategory(field, best);
    const place = likely.indexOf(Math.max(...likely));
    const given = valueAt(row, field.column);
    const value = isMissing(given, encoder.cells) ? null : toLevel(given);
    return {
      column: name,
      value,
      // A rare value is expected where it is in the pooled level and that level is expected.
      expected: place === cell ? value : (field.levels[place] ?? null),
      sign: 0,
      ...(Number.isNaN(cell) ? {} : { probability: cell === UNSEEN ? 0 : at(chances, cell) }),
    };
  }
  const expected = encoder.decodeNumber(field, at(best, 0));
  if (kind === "boolean") {
    return {
      column: name,
      value: Number.isNaN(cell) ? null : cell === 1,
      expected: expected >= 0.5,
      sign: 0,
    };
  }
  const own = at(encoded.features, row * encoder.width + field.start);
  return {
    column: name,
    value: Number.isNaN(cell) ? null : cell,
    expected,
    sign: Number.isNaN(cell) ? 0 : sign(own - at(best, 0)),
  };
}

/** Columns that had one value in training and have another now. */
export function movedConstants(
  encoder: Encoder,
  ensemble: Ensemble,
  { cells, valueAt }: Questions,
  row: number,
): Reason[] {
  return encoder.state.schema.flatMap(({ name, kind, value }, column) => {
    if (kind !== "constant") return [];
    const cell = at(cells, row * encoder.columns + column);
    const constant = typeof value === "number" ? value : 0;
    if (cell === constant || Number.isNaN(cell)) return [];
    const own = valueAt(row, column);
    return [
      {
        column: name,
        value: typeof own === "number" ? own : toLevel(own),
        expected: value ?? null,
        sign: typeof own === "number" && typeof value === "number" ? sign(own - value) : 0,
        surprise: 1 / (ensemble.state.trainingCount + 1),
        contribution: 1,
      },
    ];
  });
}

function sign(difference: number): -1 | 0 | 1 {
  return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}
