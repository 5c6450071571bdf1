// Whether the rows of a table are a time series. They are if the table has a column of times with even ascending steps, in
// the whole table or in each of a few groups.

import { timeOf } from "../../detect/table/schema.ts";
import type { ColumnSchema, WindowOptions } from "../../detect.ts";
import { CellReader } from "../../formats/cell-values.ts";
import type { Arguments } from "../arguments.ts";
import { CommandError, UsageError } from "../errors.ts";
import { didYouMean } from "../guess.ts";
import { counted } from "../numbers.ts";
import { listed, quoted } from "../text.ts";
import { type DetectorTable, placeIn } from "./table.ts";

/** The result. */
export interface SeriesAnswer {
  readonly window: WindowOptions | undefined;
  /** The reason as text, or an empty text. */
  readonly why: string;
}

/** The default length of windows with several columns. With one column the length is the period of the series. */
const LENGTH = 10;
const FEWEST_ROWS = 100;
/** The least share of similar steps of time in a series. */
const EVEN = 0.8;
/** A step is similar to the usual one if it differs by at most this share. */
const LIKE = 0.5;
/** Rows that go back in time are reported with their line if they are at most this share. */
const RARELY = 0.05;
const MOST_GROUPS = 100;
const FEWEST_IN_GROUP = 20;

/** Checks the options of windows that do not depend on the table. */
export function requireWindowOptions(args: Arguments): void {
  if (args.text("window") !== "none") return;
  const other = ["group-by", "stride"].find((name) => args.text(name) !== undefined);
  if (other !== undefined) {
    throw new UsageError(`--${other} is for windows, and --window none for none.`);
  }
}

/** Decides for or against windows by the options or by the times. */
export function chooseSeries(
  args: Arguments,
  table: DetectorTable,
  schema: readonly ColumnSchema[],
): SeriesAnswer {
  const wanted = args.text("window");
  const groupBy = args.text("group-by");
  const stride = args.number("stride");
  if (wanted === "none") return { window: undefined, why: "" };
  const isAsked = wanted !== undefined || groupBy !== undefined || stride !== undefined;
  const learned = schema.filter(({ kind }) => /^(?:number|category|boolean)$/.test(kind));
  const usual = learned.length > 1 ? LENGTH : "auto";
  const given = {
    ...(groupBy === undefined ? {} : { groupBy }),
    ...(stride === undefined ? {} : { stride }),
  };
  if (isAsked) {
    const length = wanted === "auto" ? wanted : (args.number("window") ?? usual);
    if (groupBy !== undefined) requireGroups(table, groupBy, length);
    return { window: { length, ...given }, why: "" };
  }
  const time = schema.find(({ kind }) => kind === "time")?.name;
  const unread = texts(table, schema);
  const clock = unread.find((column) => column.all(CLOCK));
  if (typeof time !== "string") {
    if (clock) {
      return rowByRow(
        `${quoted(clock.name)} has times of day without dates`,
        "one column with both orders rows",
      );
    }
    const slashed = unread.find(({ all }) => all(SLASHED));
    if (slashed) {
      return rowByRow(
        `in dates of ${quoted(slashed.name)} such as ${quoted(slashed.first)} the day may be the first number or the second`,
        "dates written as 2026-12-31 order rows",
      );
    }
    const isAlone = learned.length === 1 && learned[0]?.kind === "number";
    return isAlone
      ? rowByRow("one column without times", "--window auto takes the rows as a series")
      : { window: undefined, why: "" };
  }
  if (table.rows < FEWEST_ROWS) {
    return rowByRow(`${quoted(time)} is a time, but ${table.rows} rows are few`, ASKING);
  }
  const times = timesIn(table, time);
  if (times === undefined) return rowByRow(`some rows have no ${quoted(time)}`);
  const all = [...times.keys()];
  if (isEven(times, all)) {
    return {
      window: { length: usual },
      why: `${quoted(time)} goes up evenly; --window none judges each row by itself`,
    };
  }
  const group = schema.find(
    ({ name, kind }) =>
      (kind === "category" || kind === "number" || kind === "id") &&
      areEvenGroups(times, groupsBy(table, String(name))),
  );
  if (group) {
    return {
      window: { length: usual, groupBy: String(group.name) },
      why: `${quoted(time)} goes up evenly for each ${quoted(String(group.name))}`,
    };
  }
  if (clock) {
    return rowByRow(
      `${quoted(time)} has dates, and ${quoted(clock.name)} times of day`,
      "one column with both orders rows",
    );
  }
  const back = stepsOf(times, all).filter((step) => step < 0).length;
  if (back === 0) return rowByRow(`${quoted(time)} goes up at more than one rate`, ASKING);
  const first = all.find((row) => row > 0 && (times[row] ?? 0) < (times[row - 1] ?? 0)) ?? 0;
  if (back > RARELY * table.rows) return rowByRow(`rows are not in the order of ${quoted(time)}`);
  const more = back > 1 ? ` and ${counted(back - 1, "more time")}` : "";
  return rowByRow(
    `${quoted(time)} goes back at ${placeIn(table, first)}${more}`,
    "rows in order of time, or of each --group-by COLUMN, make windows",
  );
}

/** Dates such as 03/01/2026, with or without a time. */
const SLASHED = /^\d{1,2}\/\d{1,2}\/(?:\d{4}|\d{2})(?!\d)/;
/** Times of day. */
const CLOCK = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[ap]m)?$/i;

/** The columns of text that are not times, with a test of their values. Empty values pass. */
function texts({ columns }: DetectorTable, schema: readonly ColumnSchema[]) {
  const isTime = (name: string) =>
    schema.some((column) => column.name === name && column.kind === "time");
  return columns.flatMap(({ name, kind, values }) => {
    if (kind !== "text" || isTime(name)) return [];
    const first = values.find((value) => value !== "");
    const all = (pattern: RegExp) =>
      values.every((value) => value === "" || pattern.test(value.trim()));
    return first === undefined ? [] : [{ name, first, all }];
  });
}

const ASKING = "--window N makes windows";

const rowByRow = (why: string, remedy?: string): SeriesAnswer => ({
  window: undefined,
  why: `${why}: each row by itself${remedy === undefined ? "" : `; ${remedy}`}`,
});

function requireGroups(
  { file, columns, rows }: DetectorTable,
  name: string,
  length: number | "auto",
): void {
  const values = columns.find((column) => column.name === name)?.values;
  if (values === undefined) {
    const names = columns.map((column) => column.name);
    throw new UsageError(
      `--group-by: ${file} has no column ${quoted(name)}${didYouMean(name, names)}; it has ${listed(names)}.`,
    );
  }
  const sizes = new Map<unknown, number>();
  for (let row = 0; row < rows; row++) sizes.set(values[row], (sizes.get(values[row]) ?? 0) + 1);
  const largest = Math.max(0, ...sizes.values());
  const least = length === "auto" ? 2 : length;
  if (largest >= least) return;
  throw new CommandError(
    `${file}: --group-by ${name}: no value of this column stands in as many as ${least} rows, of which a window is made; take a column that names machines or the like, or a shorter --window`,
    { file, columnName: name },
  );
}

/** The times of the rows; undefined if one is missing. */
function timesIn({ columns, cells }: DetectorTable, name: string): Float64Array | undefined {
  const reader = new CellReader(cells);
  const values: ArrayLike<unknown> = columns.find((column) => column.name === name)?.values ?? [];
  const times = Float64Array.from(
    { length: values.length },
    (_, row) => timeOf(values[row], reader) ?? Number.NaN,
  );
  return times.some(Number.isNaN) ? undefined : times;
}

function groupsBy({ columns, rows }: DetectorTable, name: string): number[][] | undefined {
  const values = columns.find((column) => column.name === name)?.values ?? [];
  const groups = new Map<unknown, number[]>();
  for (let row = 0; row < rows; row++) {
    const members = groups.get(values[row]);
    if (members) members.push(row);
    else if (groups.size === MOST_GROUPS) return undefined;
    else groups.set(values[row], [row]);
  }
  return groups.size > 1 ? [...groups.values()] : undefined;
}

const areEvenGroups = (times: Float64Array, groups: number[][] | undefined): boolean =>
  groups?.every((members) => members.length >= FEWEST_IN_GROUP && isEven(times, members)) ?? false;

/** Whether times never go back and most steps are similar. */
function isEven(times: Float64Array, rows: readonly number[]): boolean {
  const steps = stepsOf(times, rows);
  const sorted = Float64Array.from(steps).sort();
  const usual = sorted[Math.floor(sorted.length / 2)] ?? 0;
  if (!(usual > 0) || (sorted[0] ?? 0) < 0) return false;
  const alike = steps.filter((step) => Math.abs(step - usual) <= LIKE * usual).length;
  return alike >= EVEN * steps.length;
}

const stepsOf = (times: Float64Array, rows: readonly number[]): number[] =>
  rows.slice(1).map((row, i) => (times[row] ?? 0) - (times[rows[i] ?? 0] ?? 0));
