// The parts of a detector, and the functions that judge rows with them.

import { boolean, list, onlyKeys, record, wholeNumber } from "../checks.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { RuntimeOptions } from "../make.ts";
import { at } from "../math/order.ts";
import { finish, type Paused } from "../platform/turns.ts";
import type { Calibration, Detection } from "./calibration.ts";
import { apart } from "./drift.ts";
import type { Ensemble } from "./ensemble.ts";
import {
  describeField,
  type ExplanationState,
  explainRows,
  movedConstants,
  newFirst,
  type Questions,
  type Reason,
} from "./explain.ts";
import type { Policy } from "./policy.ts";
import { range } from "./samples.ts";
import { type AnomalyEvent, mergeEvents } from "./series/events.ts";
import { explainWindows, type FieldReason } from "./series/explain.ts";
import { HOLE } from "./series/segments.ts";
import {
  bringingToRows,
  covered,
  type Framed,
  frameSeries,
  framingSeries,
  type SeriesState,
} from "./series/series.ts";
import type { Encoder } from "./table/encoder.ts";
import { type Source, someOf } from "./table/source.ts";
import type { Yardstick } from "./yardstick.ts";

/** Scores of training rows by models that have not seen them, and their p-values. */
export interface TrainingResult {
  /** Scores [rows]; higher is odder. */
  readonly score: Float64Array;
  /** Conformal p-values [rows], in (0, 1]. */
  readonly pValue: Float64Array;
}

export interface Parts {
  readonly encoder: Encoder;
  /** Defined if rows are a time series. */
  readonly series: SeriesState | undefined;
  readonly ensemble: Ensemble;
  /** Scores of rows that the models have not seen. */
  readonly calibration: Calibration;
  /** Scores of windows that the models have not seen. A stream judges its newest row by them; undefined for tables. */
  readonly windowCalibration: Calibration | undefined;
  readonly explanation: ExplanationState;
  readonly training: TrainingResult;
  /** For each training row the number of the model that has not seen it; -1 if there is no such model, or more than one. */
  readonly judgeOf: Int32Array;
  readonly notes: readonly string[];
  readonly seed: number;
  /** The configuration of the models, with which `update` continues training. */
  readonly policy: Policy;
  /** The runtime options of the models; not saved. */
  readonly runtime: RuntimeOptions;
  /** The result of the option `yardstick` of `fit`; not saved. */
  readonly yardstick?: Yardstick | undefined;
}

/** Where the features of each field of a row begin, and the number of features at the end: [fields + 1]. */
export function rowBlocks(encoder: Encoder): Uint32Array {
  return Uint32Array.from([...encoder.state.fields.map(({ start }) => start), encoder.width]);
}

type Scorer = Pick<Parts, "encoder" | "series" | "ensemble">;

/** Scores of rows [rows]. Rows of a series that are in no window have score 0. */
export function scoreSource(parts: Scorer, source: Source): Float64Array {
  return judgeSource(parts, source).score;
}

/** `scoreSource` with pauses. */
export function* scoringSource(parts: Scorer, source: Source, name?: string): Paused<Float64Array> {
  return (yield* judgingSource(parts, source, name)).score;
}

/** Scores of rows, and a note if some rows of a series are in no window. */
export function judgeSource(parts: Scorer, source: Source): JudgedSource {
  return finish(judgingSource(parts, source));
}

interface JudgedSource {
  readonly score: Float64Array;
  readonly notes: readonly string[];
}

/** `judgeSource` with pauses. */
function* judgingSource(
  { encoder, series, ensemble }: Scorer,
  source: Source,
  name = "rows",
): Paused<JudgedSource> {
  const raw = yield* encoder.reading(source, name);
  if (!series) return { score: yield* scoringRows(encoder, ensemble, raw), notes: [] };
  const { length } = series;
  const framed = yield* framingSeries(series, encoder, source, raw, rowBlocks(encoder), name);
  const score = yield* bringingToRows(framed, length, yield* scoringWindows(ensemble, framed));
  const inWindow = covered(framed, length, new Uint8Array(framed.samples.count).fill(1));
  const first = inWindow.indexOf(0);
  if (first < 0) return { score, notes: [] };
  const count = inWindow.reduce((sum, one) => sum + (one === 0 ? 1 : 0), 0);
  const note =
    count === 1
      ? `Row ${first} is in no window: its stretch between gaps is shorter than ${length} rows. It is not judged; its score is 0.`
      : `${count} rows are in no window, the first of them row ${first}: their stretches between gaps are shorter than ${length} rows. They are not judged; their score is 0.`;
  return { score, notes: [note] };
}

/** Scores of the rows of a table. */
function* scoringRows(encoder: Encoder, ensemble: Ensemble, raw: Rows): Paused<Float64Array> {
  const scores = new Float64Array(raw.count);
  const { together: most } = ensemble;
  for (let first = 0; first < raw.count; first += most) {
    const count = Math.min(most, raw.count - first);
    scores.set(ensemble.score(encoder.encode(raw, first, count)), first);
    yield;
  }
  return scores;
}

/** Scores of windows. */
function* scoringWindows(ensemble: Ensemble, { samples }: Framed): Paused<Float64Array> {
  const scores = new Float64Array(samples.count);
  const { together: most } = ensemble;
  for (let first = 0; first < samples.count; first += most) {
    const count = Math.min(most, samples.count - first);
    scores.set(ensemble.score(samples.take(range(first, count))), first);
    yield;
  }
  return scores;
}

/** Scores of rows, or of windows that share no row, for a drift watch. */
export function* scoringApart(parts: Scorer, source: Source): Paused<ArrayLike<number>> {
  const { encoder, series, ensemble } = parts;
  if (!series) return yield* scoringSource(parts, source);
  const raw = yield* encoder.reading(source);
  const framed = yield* framingSeries(series, encoder, source, raw, rowBlocks(encoder));
  return apart(yield* scoringWindows(ensemble, framed), framed.starts, series.length);
}

/** Rows that are explained together. Each is scored some hundred times. */
const EXPLAINED_AT_A_TIME = 32;

/** Options of `explain`. */
export interface ExplainOptions {
  /** The numbers of the rows to explain, from 0. The result has the reasons of these, in the same order. Default: all rows. */
  readonly rows?: ArrayLike<number>;
  /**
   * The most columns for each row, the most important ones. Default: all. It limits the memory of the result, which is about
   * 400 bytes for each column of each row.
   */
  readonly top?: number;
  /**
   * Whether the rows are all training rows, in their order. Each is then explained by the model that was trained without it.
   * The other models have learned its values and find them usual. Default false.
   */
  readonly areTraining?: boolean;
}

const explainKeys = ["rows", "top", "areTraining"] as const satisfies (keyof ExplainOptions)[];

/** What is explained of a source, and how. */
export interface Explaining {
  /** Numbers of rows. */
  readonly asked: Uint32Array;
  /** The most reasons of each row. */
  readonly top: number;
  /** For each row of the source the number of the model that judges it, -1 for all. Undefined: all models judge all rows. */
  readonly judgeOf: Int32Array | undefined;
}

/** Checks the options of `explain` for a number of rows. */
export function resolveExplaining(
  parts: Pick<Parts, "judgeOf">,
  count: number,
  options: ExplainOptions | undefined,
): Explaining {
  const given = record("The options of explain", options);
  onlyKeys("explain", given, explainKeys);
  const top = given.top === undefined ? Infinity : wholeNumber("top", given.top, 0);
  const judgeOf = judgesFor(parts, count, given.areTraining);
  if (given.rows === undefined) return { asked: range(0, count), top, judgeOf };
  const asked = Uint32Array.from(list("rows", given.rows), (number, i) => {
    const row = wholeNumber(`rows[${i}]`, number, 0);
    if (row < count) return row;
    throw new InvalidValueError(`rows[${i}] is ${row}; there are ${count} rows, numbered from 0.`);
  });
  return { asked, top, judgeOf };
}

/** For each row the model that was trained without it, if the rows are the training rows. */
export function judgesFor(
  { judgeOf }: Pick<Parts, "judgeOf">,
  count: number,
  areTraining: unknown = false,
): Int32Array | undefined {
  if (!boolean("areTraining", areTraining)) return undefined;
  if (count === judgeOf.length) return judgeOf;
  throw new InvalidValueError(
    `areTraining is for the ${judgeOf.length} training rows together; got ${count} rows.`,
  );
}

/** Why rows are odd: for each asked row its columns, in the order of `explainRows`. */
export function explainSource(
  parts: Parts,
  source: Source,
  { asked, top, judgeOf }: Explaining,
): Reason[][] {
  const reasons: Reason[][] = new Array(asked.length);
  const judges = judgeOf && Int32Array.from(asked, (row) => at(judgeOf, row));
  const { ensemble, series } = parts;
  for (const judge of judges ? new Set(judges) : [-1]) {
    const own = judge < 0 ? parts : { ...parts, ensemble: ensemble.judgedBy(judge) };
    const places = range(0, asked.length).filter((i) => !judges || judges[i] === judge);
    const rows = places.map((i) => at(asked, i));
    const each = series
      ? explainSeries(own, series, source, rows, top)
      : explainTable(own, someOf(source, rows), top);
    places.forEach((place, i) => {
      reasons[place] = each[i] ?? [];
    });
  }
  return reasons;
}

function explainTable(
  { encoder, ensemble, explanation }: Parts,
  source: Source,
  top: number,
): Reason[][] {
  const raw = encoder.read(source);
  const reasons: Reason[][] = [];
  for (let first = 0; first < raw.count; first += EXPLAINED_AT_A_TIME) {
    const count = Math.min(EXPLAINED_AT_A_TIME, raw.count - first);
    const questions = questionsOf(encoder, source, raw, first, count);
    for (const each of explainRows(encoder, ensemble, explanation, questions))
      reasons.push(each.slice(0, top));
  }
  return reasons;
}

/** Explains some rows of a series, each by the oddest window that covers it. Rows in no window have no reasons. */
function explainSeries(
  { encoder, ensemble, explanation }: Parts,
  series: SeriesState,
  source: Source,
  rows: Uint32Array,
  top: number,
): Reason[][] {
  const raw = encoder.read(source);
  const blocks = rowBlocks(encoder);
  const framed = frameSeries(series, encoder, source, raw, blocks);
  const { starts, ordering, samples } = framed;
  const scores = finish(scoringWindows(ensemble, framed));
  const windowOf = oddestWindows(starts, series.length, scores, ordering.rows.length);
  const questions = questionsOf(encoder, source, raw, 0, raw.count);
  const reasonsIn = (window: number, { field: place, step, ...figures }: FieldReason) => {
    const field = encoder.state.fields[place];
    const when = at(ordering.rows, at(starts, window) + step);
    // Without a known value in this window, the step may be a missing reading.
    if (!field || when === HOLE) return [];
    const { expected, surprise, contribution } = figures;
    const told = describeField(encoder, field, questions, when, expected, expected);
    return [{ ...told, surprise, contribution, when }];
  };
  const known = new Map<number, Reason[]>();
  const windowOfRow = new Int32Array(raw.count).fill(-1);
  windowOf.forEach((window, place) => {
    const row = at(ordering.rows, place);
    if (row !== HOLE) windowOfRow[row] = window;
  });
  const windows = Int32Array.from(rows, (row) => at(windowOfRow, row));
  const asked = Uint32Array.from(new Set(windows.filter((window) => window >= 0)));
  for (let first = 0; first < asked.length; first += EXPLAINED_AT_A_TIME) {
    const some = asked.subarray(first, first + EXPLAINED_AT_A_TIME);
    const { heldOut } = explanation;
    const own = explainWindows(ensemble, samples.take(some), blocks, series.length, heldOut);
    some.forEach((window, i) => {
      const fields = (own[i] ?? []).flatMap((reason) => reasonsIn(window, reason));
      known.set(window, newFirst(fields).slice(0, top));
    });
  }
  return Array.from(rows, (row, i) => {
    const fields = known.get(at(windows, i));
    if (!fields) return [];
    return [...movedConstants(encoder, ensemble, questions, row), ...fields].slice(0, top);
  });
}

/** For each place in the order the number of the window with the highest score that covers it; -1 for none. */
function oddestWindows(
  starts: Uint32Array,
  length: number,
  scores: Float64Array,
  places: number,
): Int32Array {
  const best = new Int32Array(places).fill(-1);
  starts.forEach((start, window) => {
    for (let place = start; place < start + length; place++) {
      const before = at(best, place);
      if (before < 0 || at(scores, window) > at(scores, before)) best[place] = window;
    }
  });
  return best;
}

function questionsOf(
  encoder: Encoder,
  source: Source,
  raw: Rows,
  first: number,
  count: number,
): Questions {
  const cells = new Float64Array(count * raw.width);
  raw.copy(first, count, cells, 0);
  return {
    encoded: encoder.encode(raw, first, count),
    cells,
    valueAt(row, column) {
      if (source.kind === "matrix") return cells[row * raw.width + column];
      return source.column(String(encoder.state.schema[column]?.name))[first + row];
    },
  };
}

/** An event, and why its oddest row is odd. */
export interface ExplainedEvent extends AnomalyEvent {
  /** The reasons of the oddest row, the most important column first. Empty for an event that is not explained. */
  readonly reasons: readonly Reason[];
}

/**
 * Consecutive flagged rows of a time series, as events in order of their first row.
 * @param patience the most unflagged rows in sequence within one event
 * @param explained how many events are explained, those with the highest scores first
 * @param judgeOf the model that explains each row; undefined for all models
 */
export function eventsOf(
  parts: Parts,
  series: SeriesState,
  source: Source,
  { flagged, score }: Pick<Detection, "flagged" | "score">,
  patience: number,
  explained: number,
  judgeOf?: Int32Array,
): ExplainedEvent[] {
  const { encoder } = parts;
  const { ordering } = frameSeries(
    series,
    encoder,
    source,
    encoder.read(source),
    rowBlocks(encoder),
  );
  const { rows, segments } = ordering;
  const events = mergeEvents(flagged, score, rows, segments, patience);
  events.sort((a, b) => a.start - b.start);
  const oddest = new Set([...events].sort((a, b) => b.score - a.score).slice(0, explained));
  return events.map((event) => {
    if (!oddest.has(event)) return { ...event, reasons: [] };
    const place = rows.indexOf(event.peak);
    const segment = segments.find(({ first, count }) => place >= first && place < first + count);
    // Only windows around the oddest row are examined.
    const from = Math.max(segment?.first ?? 0, place - series.length + 1);
    const end = (segment?.first ?? 0) + (segment?.count ?? rows.length);
    const to = Math.min(end, place + series.length);
    const around = Uint32Array.from(rows.subarray(from, to).filter((row) => row !== HOLE));
    const judge = judgeOf && at(judgeOf, event.peak);
    const [reasons = []] = explainSource(parts, someOf(source, around), {
      asked: Uint32Array.of(around.indexOf(event.peak)),
      top: Infinity,
      judgeOf: judge === undefined ? undefined : new Int32Array(around.length).fill(judge),
    });
    return {
      ...event,
      reasons: reasons.map((reason) =>
        reason.when === undefined ? reason : { ...reason, when: at(around, reason.when) },
      ),
    };
  });
}
