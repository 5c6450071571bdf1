// The time series of a detector: rows in order of time, group by group, and windows over them.

import { finiteNumber, onlyKeys, record, wholeNumber } from "../../checks.ts";
import { OrderedRows, type Rows } from "../../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import { at } from "../../math/order.ts";
import { finish, type Paused } from "../../platform/turns.ts";
import { filling, visiting } from "../passes.ts";
import type { Samples } from "../samples.ts";
import type { Encoded, Encoder } from "../table/encoder.ts";
import { noSuchColumn, timeOf } from "../table/schema.ts";
import type { Source } from "../table/source.ts";
import { type Period, period } from "./length.ts";
import { HOLE, type Ordering, orderRows, type Rhythm } from "./segments.ts";
import { rowScores, windowSamples, windowStarts } from "./windows.ts";

/** Rows as a time series. */
export interface WindowOptions {
  /** Rows in a window, or "auto": the period of the series (TSB-AD's rule), or a fixed length without a period. Default "auto". */
  length?: number | "auto";
  /** Rows from the beginning of a window to that of the next. Default 1. */
  stride?: number;
  /** The column that identifies the series, such as the name of a machine. Windows lie within one series. Default: one series. */
  groupBy?: string;
}

/** The windows and times of a detector's series; saved with the detector. */
export interface SeriesState {
  /** Rows in a window. */
  readonly length: number;
  /** Rows from the beginning of a window to that of the next. */
  readonly stride: number;
  /** The column of the time; undefined if rows are in order. */
  readonly time?: string;
  /** The column that identifies the series; undefined if there is one series. */
  readonly groupBy?: string;
  /** The usual step of time; undefined without times. */
  readonly step?: number;
  /** Whether longer steps were rare in training; windows then have places for readings that are missing. Absent: false. */
  readonly fills?: boolean;
}

/** The rhythm that a detector learned, from its saved state. */
export function rhythmIn({
  step,
  fills = false,
}: Pick<SeriesState, "step" | "fills">): Rhythm | undefined {
  return step === undefined ? undefined : { step, fills };
}

/** The length of windows without a period: for one column (as in TSB-AD) and for several columns. */
const LENGTH_ALONE = 125;
const LENGTH_TOGETHER = 10;
/** The least autocorrelation of a period with several columns. */
const CLEAR_PERIOD = 0.5;
/** An automatic length is at most the longest segment divided by this number. */
const FEWEST_WINDOWS = 8;

/** Checks the option `window`. */
export function resolveWindow(window: unknown): WindowOptions | undefined {
  if (window === undefined) return undefined;
  if (typeof window === "number") return { length: wholeNumber("window", window, 2) };
  if (window === "auto") return { length: "auto" };
  if (typeof window !== "object" || window === null) {
    throw new InvalidTypeError(
      `window must be a number of rows, "auto" or { length, stride, groupBy }; got ${show(window)}.`,
    );
  }
  const given = record("window", window);
  onlyKeys("window", given, ["length", "stride", "groupBy"]);
  const { length = "auto", stride = 1, groupBy } = given;
  if (groupBy !== undefined && typeof groupBy !== "string") {
    throw new InvalidTypeError(`window.groupBy must be a column's name; got ${show(groupBy)}.`);
  }
  const rows = length === "auto" ? length : wholeNumber("window.length", length, 2);
  const step = wholeNumber("window.stride", stride, 1);
  if (rows !== "auto" && step > rows) {
    throw new InvalidValueError(
      `window.stride must not be above window.length, or rows between windows are never seen; got ${step} and ${rows}.`,
    );
  }
  return { length: rows, stride: step, ...(groupBy === undefined ? {} : { groupBy }) };
}

/** A series as samples. */
export interface Framed {
  readonly samples: Samples;
  /** All rows encoded in order of time, with placeholders for missing readings. */
  readonly encoded: Encoded;
  readonly ordering: Ordering;
  /** Rows, without missing readings. */
  readonly count: number;
  /** Where each window begins, in places of the ordered series, and its segment. */
  readonly starts: Uint32Array;
  readonly segmentOf: Uint32Array;
}

/** Learns the length of windows and the rhythm of a series from its training rows. */
export function* fitSeries(
  window: WindowOptions,
  encoder: Encoder,
  source: Source,
  raw: Rows,
): Paused<{ state: SeriesState; notes: string[] }> {
  const time = encoder.state.schema.find(({ kind }) => kind === "time")?.name;
  const { groupBy, stride = 1 } = window;
  const columns = {
    ...(typeof time === "string" ? { time } : {}),
    ...(groupBy === undefined ? {} : { groupBy }),
  };
  const times = yield* readingTimes(source, encoder, columns);
  const ordering = orderOf(source, times, columns);
  yield;
  const notes = [...ordering.notes];
  const length =
    window.length === undefined || window.length === "auto"
      ? yield* autoLength(encoder, yield* encodingInOrder(encoder, raw, ordering), ordering, notes)
      : window.length;
  const state = {
    length,
    stride: Math.min(stride, length),
    ...columns,
    ...ordering.rhythm,
  };
  return { state, notes };
}

/** Rows in order, with their windows. */
export function frameSeries(...given: Parameters<typeof framingSeries>): Framed {
  return finish(framingSeries(...given));
}

/** `frameSeries` with pauses. */
export function* framingSeries(
  state: SeriesState,
  encoder: Encoder,
  source: Source,
  raw: Rows,
  rowBlocks: Uint32Array,
  name = "rows",
): Paused<Framed> {
  const { length, stride } = state;
  const times = yield* readingTimes(source, encoder, state);
  const ordering = orderOf(source, times, state, name);
  yield;
  const { starts, segmentOf } = windowStarts(ordering.segments, length, stride);
  if (starts.length === 0) {
    const longest = ordering.segments.reduce((most, { count }) => Math.max(most, count), 0);
    throw new InvalidValueError(
      `Windows of ${length} rows are longer than the series: the longest stretch of ${name} without a gap has ${longest}.${groupHint(state, ordering)} Give at least ${length} rows that follow each other, or fit with shorter windows.`,
    );
  }
  const encoded = yield* encodingInOrder(encoder, raw, ordering);
  const samples = windowSamples(encoded, rowBlocks, starts, length);
  return { samples, encoded, ordering, count: raw.count, starts, segmentOf };
}

/** A hint with the number of series of `groupBy`, which may be the reason that they are short. */
function groupHint({ groupBy }: SeriesState, { segments }: Ordering): string {
  if (groupBy === undefined) return "";
  return ` The column ${show(groupBy)} makes ${segments.length} ${segments.length === 1 ? "stretch" : "stretches"} of them.`;
}

/** Scores of windows as scores of rows, in the original order of the rows. */
export function* bringingToRows(
  { ordering, count, starts }: Framed,
  length: number,
  scores: Float64Array,
): Paused<Float64Array> {
  const inOrder = yield* rowScores(ordering.rows.length, starts, length, scores);
  const own = new Float64Array(count);
  ordering.rows.forEach((row, place) => {
    if (row !== HOLE) own[row] = at(inOrder, place);
  });
  return own;
}

/** Marks the rows that are in a marked window, in the original order of the rows. */
export function covered(
  { ordering, count, starts }: Framed,
  length: number,
  marked: Uint8Array,
): Uint8Array {
  const own = new Uint8Array(count);
  let done = 0;
  starts.forEach((start, window) => {
    if (!marked[window]) return;
    // Windows are in order of their starts, so places of an earlier window are already marked.
    for (let place = Math.max(start, done); place < start + length; place++) {
      const row = at(ordering.rows, place);
      if (row !== HOLE) own[row] = 1;
    }
    done = start + length;
  });
  return own;
}

/** The order of a source's rows by its group and time columns. */
function orderOf(
  source: Source,
  times: Float64Array | undefined,
  columns: Pick<SeriesState, "time" | "groupBy" | "step" | "fills">,
  name = "rows",
): Ordering {
  return orderRows(
    {
      count: source.count,
      times,
      groups: columns.groupBy === undefined ? undefined : columnOf(source, columns.groupBy),
      name,
    },
    rhythmIn(columns),
  );
}

export function timesOf(...given: Parameters<typeof readingTimes>): Float64Array | undefined {
  return finish(readingTimes(...given));
}

function* readingTimes(
  source: Source,
  encoder: Encoder,
  { time }: Pick<SeriesState, "time">,
): Paused<Float64Array | undefined> {
  if (time === undefined) return undefined;
  const values = columnOf(source, time);
  return yield* filling(values.length, (row) => {
    const value = values[row];
    const number = timeOf(value, encoder.cells);
    if (number !== undefined) return number;
    throw new InvalidValueError(
      `Row ${row}, column ${show(time)} must be a time; got ${show(value)}.`,
    );
  });
}

export function columnOf(source: Source, name: string): readonly unknown[] {
  if (source.kind === "matrix") {
    throw new InvalidValueError(
      `Column ${show(name)} of a matrix cannot be told. Give objects or { columns: { name: values } }.`,
    );
  }
  if (!source.names.includes(name)) throw noSuchColumn(name, source);
  return source.column(name);
}

/** The rows in order. All values of a missing reading are missing. Its features are interpolated between the rows around it. */
function* encodingInOrder(encoder: Encoder, raw: Rows, { rows }: Ordering): Paused<Encoded> {
  const known = Uint32Array.from(rows.filter((row) => row !== HOLE));
  const encoded = yield* encoder.encoding(new OrderedRows(raw, known), 0, known.length);
  return known.length === rows.length ? encoded : yield* withHoles(encoded, rows, encoder);
}

function* withHoles(
  encoded: Encoded,
  rows: Int32Array,
  { width, state }: Encoder,
): Paused<Encoded> {
  const fields = state.fields.length;
  const features = new Float32Array(rows.length * width);
  const missing = new Uint8Array(rows.length * fields);
  const novelties = encoded.novelties && new Uint8Array(rows.length);
  const rowOf = (i: number) => encoded.features.subarray(i * width, (i + 1) * width);
  let next = 0;
  let sinceRow = 0;
  yield* visiting(rows.length, (place) => {
    const row = at(rows, place);
    if (row !== HOLE) {
      features.set(rowOf(next), place * width);
      const own = encoded.missing?.subarray(next * fields, (next + 1) * fields);
      if (own) missing.set(own, place * fields);
      if (novelties) novelties[place] = encoded.novelties?.[next] ?? 0;
      next += 1;
      sinceRow = 0;
      return;
    }
    sinceRow += 1;
    let untilRow = 1;
    while (rows[place + untilRow] === HOLE) untilRow += 1;
    const share = sinceRow / (sinceRow + untilRow);
    features.set(onLine(rowOf(next - 1), rowOf(next), share), place * width);
    missing.fill(1, place * fields, (place + 1) * fields);
  });
  return { count: rows.length, features, missing, novelties };
}

/** Linear interpolation between the features of two rows. */
export function onLine(from: Float32Array, to: Float32Array, share: number): Float32Array {
  return from.map((value, j) => value + share * (at(to, j) - value));
}

/** The length of windows, computed from the longest segment of the series. */
function* autoLength(
  encoder: Encoder,
  { features }: Encoded,
  { segments }: Ordering,
  notes: string[],
): Paused<number> {
  const longest = segments.reduce((best, each) => (each.count > best.count ? each : best), {
    first: 0,
    count: 0,
  });
  const { fields } = encoder.state;
  let best: Period | undefined;
  for (const { kind, start } of fields) {
    if (kind !== "number") continue;
    const series = Float64Array.from(
      { length: longest.count },
      (_, i) => features[(longest.first + i) * encoder.width + start] ?? 0,
    );
    const own = yield* period(series);
    if (own && !(best && best.strength >= own.strength)) best = own;
  }
  const isAlone = fields.length === 1;
  const clear = best && (isAlone || best.strength >= CLEAR_PERIOD) ? best.points : undefined;
  const wanted = clear ?? (isAlone ? LENGTH_ALONE : LENGTH_TOGETHER);
  const most = Math.max(2, Math.floor(longest.count / FEWEST_WINDOWS));
  const length = finiteNumber("window length", Math.min(wanted, most));
  notes.push(
    clear === undefined
      ? `The series has no clear period; windows have ${length} rows.`
      : `Windows have ${length} rows, by the period of the series.`,
  );
  return length;
}
