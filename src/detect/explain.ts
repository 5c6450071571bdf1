// Why a row is odd. Each column in turn is replaced by the value that makes the row least odd, given its other
// columns. The decrease of the score is the contribution of the column. Candidates are values that the column
// had in training. This works for every model, even for one that copies its input.

import { at, countBelow, countUpTo } from "../math/order.ts";
import type { Ensemble } from "./ensemble.ts";
import { conformalPValue } from "./statistics/conformal.ts";
import { isMissing, toLevel } from "./table/cells.ts";
import {
  type CategoryField,
  type Encoded,
  type Encoder,
  type Field,
  UNSEEN,
} from "./table/encoder.ts";

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
  /** For categories: the probability of the value according to the models, in [0, 1]. */
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

/** The most columns of a row, those with the largest errors, that are left out in turn. Only the errors of the others are used. */
const MOST_CANDIDATES = 12;
/** Values that are tried between the neighbours of the best value. */
const REFINEMENTS = 4;
/** Trial rows that are scored together. */
const CHUNK = 2048;
const NOTHING = new Float64Array(0);

/** A row with other features for one field. */
interface Trial {
  readonly row: number;
  readonly field: number;
  readonly features: ArrayLike<number>;
}

interface Best {
  features: ArrayLike<number>;
  score: number;
}

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
  const { errors } = ensemble.judge(encoded.features);
  const blockScores = ensemble.blockScores(encoded, errors);
  const scores = ensemble.score(encoded);
  const reconstruction = ensemble.reconstruct(encoded.features);
  const guesses = hiddenGuesses(encoder, ensemble, encoded);
  const expected = leaveOut(encoder, ensemble, state, questions, blockScores, reconstruction);
  return Array.from({ length: encoded.count }, (_, row) => {
    const score = at(scores, row);
    const ranked = fields.map((field, f) => {
      const from = row * encoder.width + field.start;
      const own = guesses[f] ?? reconstruction;
      const guess = own.subarray(from, from + field.width);
      const best = expected.get(row * fields.length + f);
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
  return encoder.state.fields.map((field) => {
    if (field.kind !== "category" || !field.isChoice) return undefined;
    const hidden = features.slice();
    for (let row = 0; row < count; row++) {
      hidden.set(field.shares, row * encoder.width + field.start);
    }
    return ensemble.reconstruct(hidden);
  });
}

/** For each row and field, with index row * fields + field: the features with which the row is least odd. */
function leaveOut(
  encoder: Encoder,
  ensemble: Ensemble,
  state: ExplanationState,
  { encoded, cells }: Questions,
  blockScores: Float64Array,
  reconstruction: Float32Array,
): Map<number, Best> {
  const { fields } = encoder.state;
  const best = new Map<number, Best>();
  const consider = (trials: readonly Trial[]) => {
    scoreTrials(encoder, ensemble, encoded, cells, trials).forEach((score, t) => {
      const trial = trials[t];
      if (!trial) return;
      const key = trial.row * fields.length + trial.field;
      const known = best.get(key);
      if (!known || score < known.score) best.set(key, { features: trial.features, score });
    });
  };
  const first: Trial[] = [];
  for (let row = 0; row < encoded.count; row++) {
    const isUnseen = fields.map((field) => isUnseenLevel(encoder, cells, row, field));
    for (const f of candidates(blockScores, row, isUnseen)) {
      const field = fields[f];
      if (!field) continue;
      const from = row * encoder.width + field.start;
      const add = (features: ArrayLike<number>) => void first.push({ row, field: f, features });
      // The row's own value, because no other may be better. An unseen level is not a candidate.
      if (!isUnseen[f]) add(encoded.features.subarray(from, from + field.width));
      add(reconstruction.subarray(from, from + field.width));
      if (field.kind === "category") for (const level of levelFeatures(field)) add(level);
      else for (const value of state.values[f] ?? []) add([value]);
    }
  }
  consider(first);
  const second: Trial[] = [];
  for (const [key, { features }] of best) {
    const [row, f] = [Math.floor(key / fields.length), key % fields.length];
    if (fields[f]?.kind !== "number") continue;
    for (const value of between(at(features, 0), state.values[f] ?? NOTHING)) {
      second.push({ row, field: f, features: [value] });
    }
  }
  consider(second);
  return best;
}

/** The fields with the largest errors, at most MOST_CANDIDATES. Unseen levels come first. */
function candidates(
  blockScores: Float64Array,
  row: number,
  isUnseen: readonly boolean[],
): number[] {
  const own = isUnseen.map((unseen, f) => ({
    f,
    score: unseen ? Infinity : at(blockScores, row * isUnseen.length + f),
  }));
  return own
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => b.score - a.score || a.f - b.f)
    .slice(0, MOST_CANDIDATES)
    .map(({ f }) => f);
}

function scoreTrials(
  encoder: Encoder,
  ensemble: Ensemble,
  encoded: Encoded,
  cells: Float64Array,
  trials: readonly Trial[],
): Float64Array {
  const { width } = encoder;
  const { fields } = encoder.state;
  const scores = new Float64Array(trials.length);
  for (let first = 0; first < trials.length; first += CHUNK) {
    const some = trials.slice(first, first + CHUNK);
    const features = new Float32Array(some.length * width);
    const missing = encoded.missing && new Uint8Array(some.length * fields.length);
    const novelties = encoded.novelties && new Uint8Array(some.length);
    some.forEach(({ row, field, features: own }, t) => {
      features.set(encoded.features.subarray(row * width, (row + 1) * width), t * width);
      const replaced = fields[field];
      features.set(own, t * width + (replaced?.start ?? 0));
      missing?.set(
        encoded.missing?.subarray(row * fields.length, (row + 1) * fields.length) ?? [],
        t * fields.length,
      );
      // Replacing an unseen level by another one removes the novelty.
      const isGone = replaced !== undefined && isUnseenLevel(encoder, cells, row, replaced);
      if (novelties) novelties[t] = (encoded.novelties?.[row] ?? 0) - (isGone ? 1 : 0);
      if (missing && isGone) missing[t * fields.length + field] = 0;
    });
    scores.set(ensemble.score({ count: some.length, features, missing, novelties }), first);
  }
  return scores;
}

/** Whether a row has an unseen level in a category field. */
function isUnseenLevel(encoder: Encoder, cells: Float64Array, row: number, field: Field): boolean {
  return field.kind === "category" && cells[row * encoder.columns + field.column] === UNSEEN;
}

/** The encoded form of each level. */
function levelFeatures({ levels, shares, scale, isChoice }: CategoryField): Float64Array[] {
  return levels.map((_, level) =>
    Float64Array.from(shares, (share, l) => {
      const one = l === level ? 1 : 0;
      return isChoice ? one : (one - share) / scale;
    }),
  );
}

/** Values between the neighbours of `value` among ascending values. */
function between(value: number, rising: Float64Array): number[] {
  const below = rising[countBelow(rising, value) - 1] ?? value;
  const above = rising[countUpTo(rising, value)] ?? value;
  return Array.from(
    { length: REFINEMENTS },
    (_, i) => below + ((above - below) * (i + 1)) / (REFINEMENTS + 1),
  );
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
    const expected = field.levels[likely.indexOf(Math.max(...likely))] ?? null;
    const value = valueAt(row, field.column);
    return {
      column: name,
      value: isMissing(value, encoder.cells) ? null : toLevel(value),
      expected,
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
