// The values that would be normal in a row. One column at a time is replaced by other values, and the value with which
// the models find the row least odd is kept. Categories try every level. Numbers try a few values of training, and then
// approach the minimum of the score with parabolas (successive parabolic interpolation, Brent 1973, chapter 5).

import { at } from "../math/order.ts";
import type { Ensemble } from "./ensemble.ts";
import {
  type CategoryField,
  type Encoded,
  type Encoder,
  type Field,
  UNSEEN,
} from "./table/encoder.ts";

/** Rows, and what the models say about them. */
export interface JudgedRows {
  readonly encoded: Encoded;
  /** Raw rows [count, columns], from which `encoded` was made. */
  readonly cells: Float64Array;
  /** Scores [count]. */
  readonly scores: Float64Array;
  /** The error of each field divided by its mean on held-out rows [count, fields]. */
  readonly blockScores: Float64Array;
  /** The reconstruction [count, width]. */
  readonly reconstruction: Float32Array;
}

/** Features of one column, and the score of a row that has them. */
export interface Trial {
  readonly features: ArrayLike<number>;
  readonly score: number;
}

/** The search for the best features of one column of one row. */
interface Search {
  readonly row: number;
  readonly field: Field;
  readonly place: number;
  /** Whether the row has a level that did not occur in training. A replacement removes the novelty. */
  readonly isUnseen: boolean;
  /** The trials of a number, in ascending order of the value. */
  readonly trials: Trial[];
  best: Trial | undefined;
}

/** A trial without a score. */
interface Proposal {
  readonly search: Search;
  readonly features: ArrayLike<number>;
}

/** The most columns of a row, those with the largest errors, that are left out in turn. Only the errors of the others are used. */
const MOST_CANDIDATES = 12;
/** If a number has more training values than this, every second one is tried. */
const FEW_VALUES = 5;
/** The best value of a number is improved twice if it removes at least this share of the score, and otherwise once. */
const WORTHWHILE = 0.03;
/** A parabola with its minimum closer to the best value than this share of the interval is not followed. */
const LEAST_STEP = 0.05;
/** Rows that are scored together. */
const TOGETHER = 1024;

/**
 * For each row and field, with index row * fields + field: the features with which the row is least odd. Undefined for missing
 * values, and for all but the MOST_CANDIDATES fields with the largest errors.
 * @param values for each field encoded values that it had in training, ascending; empty for categories
 */
export function leaveOut(
  encoder: Encoder,
  ensemble: Ensemble,
  values: readonly Float64Array[],
  rows: JudgedRows,
): (Trial | undefined)[] {
  const { encoded, reconstruction } = rows;
  const { fields } = encoder.state;
  const searches = searchesOf(encoder, rows);
  const replacements = fields.map((field, f) =>
    field.kind === "category" ? levelFeatures(field) : someOf(values[f] ?? new Float64Array(0)),
  );
  const tryAll = (proposals: readonly Proposal[]) => {
    for (let first = 0; first < proposals.length; first += TOGETHER) {
      const some = proposals.slice(first, first + TOGETHER);
      const scores = ensemble.score(variants(encoder, encoded, some));
      some.forEach(({ search, features }, i) => {
        add(search, { features, score: at(scores, i) });
      });
    }
  };
  tryAll(
    searches.flatMap((search) => {
      const { row, field, place } = search;
      const from = row * encoder.width + field.start;
      const own = reconstruction.subarray(from, from + field.width);
      return [own, ...(replacements[place] ?? [])].map((features) => ({ search, features }));
    }),
  );
  const numbers = searches.filter(({ field }) => field.kind === "number");
  const improve = (some: readonly Search[]) => {
    tryAll(
      some.flatMap((search) => {
        const value = betterValue(search);
        return value === undefined ? [] : [{ search, features: [value] }];
      }),
    );
  };
  improve(numbers);
  improve(
    numbers.filter(({ row, best }) => {
      return best !== undefined && best.score <= (1 - WORTHWHILE) * at(rows.scores, row);
    }),
  );
  const found: (Trial | undefined)[] = new Array(encoded.count * fields.length);
  for (const { row, place, best } of searches) found[row * fields.length + place] = best;
  return found;
}

/** One search for each of the fields of each row that are left out. The first trial is the row itself. */
function searchesOf(
  encoder: Encoder,
  { encoded, cells, scores, blockScores }: JudgedRows,
): Search[] {
  const { fields } = encoder.state;
  const searches: Search[] = [];
  for (let row = 0; row < encoded.count; row++) {
    const isUnseen = fields.map((field) => isUnseenLevel(encoder, cells, row, field));
    for (const place of candidates(blockScores, row, isUnseen)) {
      const field = fields[place];
      if (!field) continue;
      const search: Search = {
        row,
        field,
        place,
        isUnseen: isUnseen[place] === true,
        trials: [],
        best: undefined,
      };
      searches.push(search);
      // An unseen level has no features of its own.
      if (search.isUnseen) continue;
      const from = row * encoder.width + field.start;
      const features = encoded.features.subarray(from, from + field.width);
      add(search, { features, score: at(scores, row) });
    }
  }
  return searches;
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

/** Training values that are tried first. */
function someOf(values: Float64Array): ArrayLike<number>[] {
  const some = values.length > FEW_VALUES ? values.filter((_, i) => i % 2 === 1) : values;
  return Array.from(some, (value) => [value]);
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

function add(search: Search, trial: Trial): void {
  if (!search.best || trial.score < search.best.score) search.best = trial;
  if (search.field.kind !== "number") return;
  const { trials } = search;
  const value = at(trial.features, 0);
  let place = trials.length;
  while (place > 0 && at(trials[place - 1]?.features ?? [], 0) > value) place--;
  trials.splice(place, 0, trial);
}

/**
 * A value that may be better than the best one: the minimum of the parabola through it and its neighbours. It is the
 * middle of the larger interval if the minimum is too close to the best value, or if a neighbour is missing.
 */
function betterValue({ trials, best }: Search): number | undefined {
  if (!best) return undefined;
  const x = at(best.features, 0);
  const place = trials.indexOf(best);
  const [below, above] = [trials[place - 1], trials[place + 1]];
  const left = below ? x - at(below.features, 0) : 0;
  const right = above ? at(above.features, 0) - x : 0;
  if (left === 0 && right === 0) return undefined;
  const step =
    below && above ? bottom(left, below.score - best.score, right, above.score - best.score) : 0;
  if (Math.abs(step) > LEAST_STEP * (step < 0 ? left : right)) return x + step;
  return left > right ? x - left / 2 : x + right / 2;
}

/** The place of the minimum of the parabola through (-left, fall), (0, 0) and (right, rise), where fall and rise are not negative. */
function bottom(left: number, fall: number, right: number, rise: number): number {
  const curvature = left * rise + right * fall;
  return curvature > 0 ? (right * right * fall - left * left * rise) / (2 * curvature) : 0;
}

/** The rows with the proposed features. */
function variants(encoder: Encoder, encoded: Encoded, proposals: readonly Proposal[]): Encoded {
  const { width } = encoder;
  const blocks = encoder.state.fields.length;
  const { features: own, missing: ownMissing, novelties: ownNovelties } = encoded;
  const count = proposals.length;
  const features = new Float32Array(count * width);
  const missing = ownMissing && new Uint8Array(count * blocks);
  const novelties = ownNovelties && new Uint8Array(count);
  // Rows are short, so loops copy them faster than calls.
  proposals.forEach(({ search: { row, field, place, isUnseen }, features: proposed }, t) => {
    for (let j = 0; j < width; j++) features[t * width + j] = own[row * width + j] ?? 0;
    for (let j = 0; j < field.width; j++) features[t * width + field.start + j] = proposed[j] ?? 0;
    if (missing) {
      for (let b = 0; b < blocks; b++) missing[t * blocks + b] = ownMissing[row * blocks + b] ?? 0;
      if (isUnseen) missing[t * blocks + place] = 0;
    }
    if (novelties) novelties[t] = (ownNovelties[row] ?? 0) - (isUnseen ? 1 : 0);
  });
  return { count, features, missing, novelties };
}

/** Whether a row has an unseen level in a category field. */
export function isUnseenLevel(
  encoder: Encoder,
  cells: Float64Array,
  row: number,
  field: Field,
): boolean {
  return field.kind === "category" && cells[row * encoder.columns + field.column] === UNSEEN;
}
