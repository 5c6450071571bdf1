// Detectors and alarms as text for people, no wider than 80 columns.

import { percent } from "../../detect/decision-text.ts";
import { worthTelling } from "../../detect/report.ts";
import { OTHER_LEVEL } from "../../detect/table/schema.ts";
import type { AnomalyDetector, ColumnSchema, Reason } from "../../detect.ts";
import { short } from "../numbers.ts";
import { visible } from "../text.ts";
import type { Alarm } from "./alarms.ts";
import { cellText, type DetectorTable } from "./table.ts";

const WIDTH = 80;
const INDENT = 10;
const MOST_LISTED = 24;
/** Characters for the levels of a category. */
const MOST_FOR_LEVELS = 34;
/** Models that copy much of their input give most values a high probability, so only small ones are shown. */
const UNLIKELY = 0.05;

/** The columns of a series: of the time, and of the names of several series. */
type SeriesColumns = NonNullable<AnomalyDetector["config"]["window"]>;

/** The kind of each column, as lines with a heading. */
export function schemaLines(schema: readonly ColumnSchema[], series?: SeriesColumns): string[] {
  const lines = schema.length > MOST_LISTED ? byKind(schema) : eachColumn(schema, series);
  return lines.map((line, i) => cut((i === 0 ? "columns" : "").padEnd(INDENT) + line, WIDTH));
}

function eachColumn(schema: readonly ColumnSchema[], series?: SeriesColumns): string[] {
  const width = Math.min(22, Math.max(...schema.map(({ name }) => String(name).length)));
  return schema.map((column) => {
    const start = `${visible(String(column.name), width).padEnd(width)}  ${column.kind.padEnd(8)}  `;
    return `${start}${aboutColumn(column, series, WIDTH - INDENT - start.length)}`.trimEnd();
  });
}

function aboutColumn(
  { name, kind, levels = [], value, missing, reason }: ColumnSchema,
  series: SeriesColumns | undefined,
  room: number,
): string {
  if (series && name === series.groupBy) return "names the series; not learned";
  const gaps = missing > 0 && kind !== "ignore" ? `missing in ${percent(missing)}` : "";
  const forLevels = Math.min(MOST_FOR_LEVELS, room - gaps.length - "; , … (32)".length);
  const what = {
    number: "",
    boolean: "",
    category: levels.length > 0 ? shortList(levels, Math.max(forLevels, 1)) : "",
    constant: `always ${visible(String(value), 24)}`,
    time: series && name === series.time ? "orders rows; not learned" : "not learned",
    id: "names rows; not learned",
    ignore: reason === "" ? "left out" : `left out: ${reason}`,
  }[kind];
  return [what, gaps].filter((text) => text !== "").join("; ");
}

/** One line for each kind, for tables of many columns. */
function byKind(schema: readonly ColumnSchema[]): string[] {
  const kinds = [...new Set(schema.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const names = schema.filter((column) => column.kind === kind).map(({ name }) => String(name));
    return `${String(names.length).padStart(5)} ${kind.padEnd(8)}  ${shortList(names, 50)}`;
  });
}

function shortList(words: readonly string[], width: number): string {
  let text = "";
  for (const [i, word] of words.entries()) {
    const next = `${i > 0 ? ", " : ""}${visible(word, width)}`;
    if (text.length + next.length > width && i > 0) return `${text}, … (${words.length})`;
    text += next;
  }
  return text;
}

/** The configuration of a detector as text. */
export function detectorText({ config }: Pick<AnomalyDetector, "config">): string {
  const { models, layers, score, window } = config;
  const what = models === 1 ? "1 model" : `${models} models`;
  const windows = window ? `; windows of ${window.length} rows` : "";
  const kind = score === "combined" ? "" : `; ${score}`;
  return `${what} of ${layers.join(",")}${windows}${kind}`;
}

/** How alarms are shown: the columns that identify rows, and the kinds of columns. */
export interface Naming {
  readonly ids: readonly string[];
  readonly time: string | undefined;
  readonly kinds: ReadonlyMap<string | number, ColumnSchema["kind"]>;
}

/** The part of a table that is needed to show it. */
export type ShownTable = Pick<DetectorTable, "columns" | "lineOf">;

export function namingOf({ schema, config }: Pick<AnomalyDetector, "schema" | "config">): Naming {
  const { window } = config;
  const ids = schema.flatMap(({ name, kind }) => (kind === "id" ? [String(name)] : []));
  const group = window?.groupBy;
  return {
    ids: group === undefined ? ids : [group, ...ids],
    time: window?.time,
    kinds: new Map(schema.map(({ name, kind }) => [name, kind])),
  };
}

/** The columns that identify a row, with their values. */
export function namesIn(
  { ids, time }: Pick<Naming, "ids" | "time">,
  table: Pick<ShownTable, "columns">,
  row: number,
): Record<string, string> {
  const names = time === undefined ? ids : [time, ...ids];
  const present = names.filter((name) => table.columns.some((column) => column.name === name));
  return Object.fromEntries(present.map((name) => [name, cellText(table, name, row)]));
}

/** An alarm as lines: its rows and its reasons. */
export const alarmLines = (alarm: Alarm, table: ShownTable, naming: Naming): string[] => [
  ...headLines(alarm, table, naming),
  ...reasonLines(alarm, table, naming),
];

/** The lines of an alarm without its reasons. */
export function headLines(alarm: Alarm, table: ShownTable, naming: Naming): string[] {
  const title = titleOf(alarm, table, naming);
  const how = `score ${short(alarm.score)}, p ${short(alarm.pValue)}`;
  const fits = title.length + how.length + 2 <= WIDTH;
  return fits ? [`${title}: ${how}`] : [cut(title, WIDTH), `  ${how}`];
}

function titleOf(alarm: Alarm, table: ShownTable, naming: Naming): string {
  const { start, end, rows, row } = alarm;
  const at = (one: number) => table.lineOf(one) ?? one + 1;
  const unit = table.lineOf(row) === undefined ? "row" : "line";
  const who = whoText(table, naming, row);
  if (naming.time === undefined && start === end) {
    return who === "" ? `${unit} ${at(row)}` : `${who} (${unit} ${at(row)})`;
  }
  const lines = start === end ? `${unit} ${at(start)}` : `${unit}s ${at(start)} to ${at(end)}`;
  const flagged = start === end ? "" : `, ${rows} flagged`;
  const parts = [who, whenText(alarm, table, naming)].filter((part) => part !== "");
  return parts.length === 0 ? `${lines}${flagged}` : `${parts.join(", ")} (${lines}${flagged})`;
}

/** The columns that identify a row, except the time: `pump A`. */
export function whoText(table: Pick<ShownTable, "columns">, naming: Naming, row: number): string {
  const names = Object.entries(namesIn({ ...naming, time: undefined }, table, row));
  return names.map(([name, value]) => `${visible(name, 20)} ${visible(value, 24)}`).join(", ");
}

/** From when to when an alarm lasts; empty without a column of times. */
export function whenText(
  { start, end }: Pick<Alarm, "start" | "end">,
  table: ShownTable,
  { time }: Naming,
): string {
  return time === undefined ? "" : span(cellText(table, time, start), cellText(table, time, end));
}

/** `2026-01-01 10:00 to 10:05`: the second time without the part that it shares with the first. */
function span(from: string, to: string): string {
  if (from === to) return visible(from, 30);
  const day = /^\S+[T ]/.exec(from)?.[0];
  const rest = day !== undefined && to.startsWith(day) ? to.slice(day.length) : to;
  return `${visible(from, 30)} to ${visible(rest, 30)}`;
}

/** The reasons of an alarm as lines. */
export function reasonLines({ reasons, row }: Alarm, table: ShownTable, naming: Naming): string[] {
  const told = worthTelling(reasons);
  const names = told.map(({ column }) => visible(String(column), 24));
  const values = told.map(({ value }) => valueText(value));
  const width = Math.max(...names.map(({ length }) => length));
  const valueWidth = Math.max(...values.map(({ length }) => length));
  return told.map((reason, i) => {
    const when =
      reason.when === undefined || reason.when === row
        ? ""
        : `, ${momentOf(reason.when, table, naming)}`;
    const line = `  ${names[i]?.padEnd(width)}  ${values[i]?.padEnd(valueWidth)}  ${reasonText(reason, naming.kinds.get(reason.column))}${when}`;
    return cut(line, WIDTH);
  });
}

function momentOf(row: number, table: ShownTable, { time }: Naming): string {
  if (time !== undefined)
    return `at ${visible(cellText(table, time, row).replace(/^\S+[T ]/, ""), 20)}`;
  const line = table.lineOf(row);
  return line === undefined ? `in row ${row + 1}` : `in line ${line}`;
}

/** A reason as text, with the expected value. */
export function reasonText(
  { value, expected, sign, probability }: Reason,
  kind: ColumnSchema["kind"] | undefined,
): string {
  if (kind === "constant") return `always ${valueText(expected)} before`;
  if (probability === 0) return `never seen; expected ${valueText(expected)}`;
  const isUnlikely = probability !== undefined && probability < UNLIKELY;
  const likely = isUnlikely ? `${percent(probability)} likely, ` : "";
  if (value === expected) return `${likely}unusual with the other columns`;
  const side = sign > 0 ? " (above)" : sign < 0 ? " (below)" : "";
  return `${likely}expected ${expectedText(expected, value)}${side}`;
}

/** The expected value, as precise as the actual value. For example, 1e-9 next to 80 is shown as 0. */
function expectedText(expected: Reason["value"], value: Reason["value"]): string {
  if (typeof expected !== "number") return valueText(expected);
  const size = Math.max(Math.abs(expected), typeof value === "number" ? Math.abs(value) : 0);
  const decimals = 3 - Math.floor(Math.log10(size || 1));
  return short(decimals >= 0 && decimals <= 20 ? Number(expected.toFixed(decimals)) : expected);
}

function valueText(value: Reason["value"]): string {
  if (value === null) return "missing";
  if (value === OTHER_LEVEL) return "a rare value";
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  return visible(String(value), 24);
}

export const cut = (line: string, width: number): string =>
  line.length > width ? `${line.slice(0, width - 1)}…` : line;
