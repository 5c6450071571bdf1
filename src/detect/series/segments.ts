// The order of a time series: which rows follow each other without a gap. Windows lie within a segment. If a few readings
// are missing between two rows, the order has places for them, so that all windows cover the same time. This does not apply
// if longer steps are common. They are then normal for the series, and models and thresholds have learned them.

import { InvalidValueError, show } from "../../errors.ts";
import { at, median } from "../../math/order.ts";

/** Consecutive rows: the places [first, first + count) in the order of `rows`. */
export interface Segment {
  readonly first: number;
  readonly count: number;
}

/** The steps of time of a series; learned from the training rows. */
export interface Rhythm {
  /** The usual step of time; 0 if no two rows follow each other. */
  readonly step: number;
  /** Whether longer steps are rare. They then mean that readings are missing. */
  readonly fills: boolean;
}

export interface Ordering {
  /** The numbers of the rows, group by group, each group in order of time; `HOLE` for a missing reading. */
  readonly rows: Int32Array;
  readonly segments: readonly Segment[];
  /** Undefined without times. */
  readonly rhythm: Rhythm | undefined;
  /** Remarks about the times. */
  readonly notes: readonly string[];
}

/** The data that determine the order of the rows. */
export interface OrderingInput {
  readonly count: number;
  /** Times in milliseconds or any other unit; undefined if rows are in order. NaN is an error. */
  readonly times: Float64Array | undefined;
  /** The group of each row, for example a machine or a file; undefined if there is one group. */
  readonly groups: readonly unknown[] | undefined;
  /** The name of the rows in messages. */
  readonly name: string;
}

/** The entry in the order for a reading that is missing between two rows. */
export const HOLE = -1;
/** A step of more than this many usual steps is a gap. In a shorter one readings are missing. */
const GAP = 5;
/** Steps of two usual steps or more are rare if they are at most this share of all steps. */
const RARE = 0.02;
/** The clocks of many logs go back by this time once a year, in milliseconds. */
const HOUR = 3_600_000;
/** If the usual steps of the halves of a series differ by more than this share, the series has two rates. */
const OTHER_RATE = 0.5;

/**
 * Sorts rows into groups and cuts groups at gaps.
 * @param known the rhythm, if it was learned before
 * @throws InvalidValueError if time runs backwards within a group, or a time is missing. A clock that is set back by an
 * hour, as at the end of summer time, only causes a note.
 */
export function orderRows(input: OrderingInput, known?: Rhythm): Ordering {
  const { count, times, groups, name } = input;
  const byGroup = new Map<unknown, number[]>();
  for (let row = 0; row < count; row++) {
    const group = groups?.[row];
    const members = byGroup.get(group);
    if (members) members.push(row);
    else byGroup.set(group, [row]);
  }
  const segments: Segment[] = [];
  const rows: number[] = [];
  const notes: string[] = [];
  let gaps = 0;
  let holes = 0;
  let repeated = 0;
  const rhythm = times && (known ?? rhythmOf(times, [...byGroup.values()]));
  for (const [group, members] of byGroup) {
    let first = rows.length;
    members.forEach((row, i) => {
      if (times && i > 0) {
        const before = members[i - 1] ?? 0;
        const [from, to] = [requireTime(input, before), requireTime(input, row)];
        const step = stepBetween(from, to, rhythm);
        if (step === "backwards") throw backwards(name, row, `row ${before}`, group);
        if (step === "set back") {
          notes.push(`The clock is set back by an hour at row ${row}; the rows keep their order.`);
        }
        if (step === "repeated") repeated += 1;
        if (step === "gap") {
          segments.push({ first, count: rows.length - first });
          first = rows.length;
          gaps += 1;
        }
        if (step === "usual") {
          const missing = missingBetween(from, to, rhythm);
          for (let place = 0; place < missing; place++) rows.push(HOLE);
          holes += missing;
        }
      } else if (times) requireTime(input, row);
      rows.push(row);
    });
    if (rows.length > first) segments.push({ first, count: rows.length - first });
    const rates = times && twoRates(times, members);
    if (rates) notes.push(`${group === undefined ? "" : `${show(group)}: `}${rates}`);
  }
  if (gaps > 0) {
    notes.push(
      `${gaps} ${gaps === 1 ? "gap" : "gaps"} of more than ${GAP} steps: no window goes across.`,
    );
  }
  if (holes > 0) {
    notes.push(
      `${holes} ${holes === 1 ? "reading is" : "readings are"} missing between rows, by the usual step of time: windows have a place for ${holes === 1 ? "it" : "each"}, which does not count.`,
    );
  }
  if (repeated > 0) {
    notes.push(
      `${repeated} ${repeated === 1 ? "row has" : "rows have"} the time of the row before, and ${repeated === 1 ? "keeps its place" : "keep their order"}.`,
    );
  }
  return { rows: Int32Array.from(rows), segments, rhythm, notes };
}

/** The median step of time over all groups, and whether longer steps, except gaps, are rare. */
function rhythmOf(times: Float64Array, groups: readonly (readonly number[])[]): Rhythm {
  const steps = groups.flatMap((members) => stepsOf(times, members));
  const step = steps.length > 0 ? median(steps) : 0;
  const isLong = (one: number) => one <= GAP * step && Math.round(one / step) > 1;
  return { step, fills: step > 0 && steps.filter(isLong).length <= RARE * steps.length };
}

function stepsOf(times: Float64Array, members: readonly number[]): number[] {
  return members.slice(1).map((row, i) => at(times, row) - at(times, members[i] ?? 0));
}

/** A message if the two halves of a group have different rates; else undefined. */
function twoRates(times: Float64Array, members: readonly number[]): string | undefined {
  const half = Math.floor(members.length / 2);
  if (half < 10) return undefined;
  const before = median(stepsOf(times, members.slice(0, half)));
  const after = median(stepsOf(times, members.slice(half)));
  const isOther = Math.abs(before - after) > OTHER_RATE * Math.min(before, after);
  return isOther
    ? `The usual step is ${before} in the first half of the rows and ${after} in the second: two rates in one series. Windows of both span different times. Fit one detector for each rate, or resample the rows to one.`
    : undefined;
}

/** The kind of the step of time from one row to the next. */
export type TimeStep = "usual" | "repeated" | "gap" | "set back" | "backwards";

export function stepBetween(before: number, time: number, rhythm: Rhythm | undefined): TimeStep {
  const passed = time - before;
  const usual = rhythm?.step;
  if (passed < 0) {
    // One hour back and one usual step forward.
    const isHour = usual !== undefined && usual > 0 && Math.abs(passed + HOUR - usual) <= usual;
    return isHour ? "set back" : "backwards";
  }
  if (passed === 0) return "repeated";
  return usual !== undefined && usual > 0 && passed > GAP * usual ? "gap" : "usual";
}

/** How many readings are missing between two times that follow each other without a gap. */
export function missingBetween(before: number, time: number, rhythm: Rhythm | undefined): number {
  if (!rhythm?.fills) return 0;
  return Math.max(0, Math.round((time - before) / rhythm.step) - 1);
}

export function backwards(
  name: string,
  row: number,
  before: string,
  group: unknown,
): InvalidValueError {
  const of = group === undefined ? "" : ` of group ${show(group)}`;
  return new InvalidValueError(
    `Time runs backwards: row ${row}${of} of ${name} is earlier than ${before}. Sort the rows by time, or name the column that tells series apart: window: { groupBy }.`,
  );
}

function requireTime({ times, name }: OrderingInput, row: number): number {
  const time = times?.[row] ?? Number.NaN;
  if (Number.isNaN(time)) throw new InvalidValueError(`Row ${row} of ${name} has no time.`);
  return time;
}
