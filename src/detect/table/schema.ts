// The kind of each column of a table: a number, a category, a truth value, a time, an id, a constant, or a column to
// leave out. If the caller does not state it, it is guessed from the training rows, with a reason as text.

import { choice } from "../../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import { type CellReader, hintFor, lookOf } from "../../formats/cell-values.ts";
import { finish, type Paused } from "../../platform/turns.ts";
import { filtering, testing, visiting } from "../passes.ts";
import { isDate, isMissing, toBoolean, toLevel, toNumber, toTime } from "./cells.ts";
import type { Source, TableSource } from "./source.ts";

/**
 * - `number`: scaled and learned.
 * - `category`: one of a few levels, learned as a choice among them.
 * - `boolean`: learned as 0 and 1.
 * - `time`: orders the rows of a time series; not learned itself.
 * - `id`: identifies a row; not learned, repeated in output.
 * - `constant`: had one value in training. Another value is flagged.
 * - `ignore`: left out.
 */
export type ColumnKind = "number" | "category" | "boolean" | "time" | "id" | "constant" | "ignore";

export const columnKinds = [
  "number",
  "category",
  "boolean",
  "time",
  "id",
  "constant",
  "ignore",
] as const satisfies readonly ColumnKind[];

/** The names of the columns to use, or the kind of each. */
export type ColumnsOption = readonly string[] | Readonly<Record<string, ColumnKind>>;

/** The kind of a column and the reason for it. */
export interface ColumnSchema {
  /** The column's name, or its number from 0 in a matrix without names. */
  readonly name: string | number;
  /** The kind of its values. */
  readonly kind: ColumnKind;
  /** The reason for the kind, as text; empty if the caller stated the kind. */
  readonly reason: string;
  /** Share of the training rows in which it is missing. */
  readonly missing: number;
  /** The levels of a category, the most frequent first. */
  readonly levels?: readonly string[];
  /** The only value of a constant. */
  readonly value?: number | string;
}

/** Levels beyond this many are pooled into one. */
const MOST_LEVELS = 32;
/** The name of the level that pools the rarest ones. */
export const OTHER_LEVEL = "(other)";
/** Text with more distinct values than this share of the rows is not a category. */
const MOST_DISTINCT = 0.5;
/** Text of which more than this share would be in the pooled level is not a category: names or messages, for example. */
const MOST_OTHER = 0.5;
/** With fewer rows than this, distinct values say little. */
const FEW_ROWS = 20;

/** Guesses the kinds of the columns of a table, except those that the caller states. */
export function guessSchema(
  source: TableSource,
  columns: ColumnsOption | undefined,
  cells: CellReader,
): ColumnSchema[] {
  return finish(guessingSchema(source, columns, cells));
}

/** `guessSchema` with pauses. */
export function* guessingSchema(
  source: TableSource,
  columns: ColumnsOption | undefined,
  cells: CellReader,
): Paused<ColumnSchema[]> {
  const said = resolveColumns(source, columns);
  const schema: ColumnSchema[] = [];
  for (const name of source.names) {
    const kind = said.get(name);
    const values = source.column(name);
    yield;
    schema.push(
      kind === undefined
        ? yield* guessingColumn(name, values, cells)
        : yield* describingColumn(name, values, kind, cells),
    );
  }
  return schema;
}

/** The kinds that the caller states. */
function resolveColumns(
  source: TableSource,
  columns: ColumnsOption | undefined,
): Map<string, ColumnKind> {
  const said = new Map<string, ColumnKind>();
  if (columns === undefined) return said;
  const requireKnown = (name: unknown) => {
    if (typeof name !== "string" || !source.names.includes(name)) throw noSuchColumn(name, source);
    return name;
  };
  if (Array.isArray(columns)) {
    const wanted = new Set((columns as readonly unknown[]).map(requireKnown));
    for (const name of source.names) if (!wanted.has(name)) said.set(name, "ignore");
    return said;
  }
  if (typeof columns !== "object" || columns === null) {
    throw new InvalidTypeError(
      `columns must be a list of names or an object such as { price: "number" }; got ${show(columns)}.`,
    );
  }
  for (const [name, kind] of Object.entries(columns)) {
    said.set(requireKnown(name), choice(`columns.${name}`, kind, columnKinds));
  }
  return said;
}

export function noSuchColumn(name: unknown, source: TableSource): InvalidValueError {
  return new InvalidValueError(`There is no column ${show(name)}. ${theColumns(source)}`);
}

/** The names of the columns of a table as a part of a sentence. */
export function theColumns({ names }: TableSource): string {
  if (names.length === 0) return "There are no columns.";
  const known = names.slice(0, 12).map((each) => show(each));
  if (names.length > known.length) known.push("…");
  return known.length === 1
    ? `Its only column is ${known[0]}.`
    : `Its columns are ${known.join(", ")}.`;
}

/** Names of columns that are probably labels of odd rows. Models that see labels learn them instead of the normal rows. */
const ANSWER =
  /^(?:is[_ -]?)?(?:label|labels|anomaly|anomalies|outlier|outliers|fraud)$|^(?:ground[_ -]?truth|y[_ -]?true)$/i;

/** Notes about learned columns whose names look like labels. */
export function answerNotes(schema: readonly ColumnSchema[]): string[] {
  return schema
    .filter(({ name, kind }) => ANSWER.test(String(name)) && kind !== "ignore" && kind !== "id")
    .map(
      ({ name }) =>
        `Column ${show(name)} is named like a label. If it tells which rows are odd, leave it out: columns: { ${JSON.stringify(name)}: "ignore" }.`,
    );
}

/** A column of text of which at most this share are other words than numbers is probably one of numbers. */
const MOST_WORDS = 0.05;

/** Notes about columns that were taken for text because of a few words among numbers. */
export function* numberNotes(
  source: Source,
  schema: readonly ColumnSchema[],
  cells: CellReader,
): Paused<string[]> {
  const notes: string[] = [];
  if (source.kind !== "table") return notes;
  for (const { name, kind, reason } of schema) {
    if (reason === "" || !(kind === "ignore" || kind === "category" || kind === "id")) continue;
    const known = yield* filtering(
      source.column(String(name)),
      (value) => !isMissing(value, cells),
    );
    const words = yield* filtering(known, (value) => toNumber(value, cells) === undefined);
    const areFew = words.length > 0 && words.length <= MOST_WORDS * known.length;
    if (!areFew || known.length < FEW_ROWS) continue;
    const numbers = (known.length - words.length).toLocaleString("en");
    notes.push(
      `Column ${show(name)} was taken for text (${kind}), but ${numbers} of its ${known.length.toLocaleString("en")} values are numbers. If ${show(words[0])} means that a value is missing, replace it by null.`,
    );
  }
  return notes;
}

/** The guessed kind of a column. */
function* guessingColumn(
  name: string,
  values: readonly unknown[],
  cells: CellReader,
): Paused<ColumnSchema> {
  const known = yield* filtering(values, (value) => !isMissing(value, cells));
  const missing = values.length > 0 ? 1 - known.length / values.length : 0;
  const as = (kind: ColumnKind, reason: string) => ({ name, kind, reason, missing });
  if (known.length === 0) return as("ignore", "no value");
  const distinct = yield* distinctOf(known);
  if (distinct.size === 1 && values.length > 1) {
    return { ...as("constant", "one value"), value: constantValue(known[0], cells) };
  }
  if (yield* testing(known, (value) => toBoolean(value) !== undefined)) {
    return as("boolean", "true or false");
  }
  if (yield* testing(known, isDate)) return as("time", "dates");
  const allUnique = distinct.size === values.length && values.length >= FEW_ROWS;
  const parsed = yield* numbersOf(known, cells);
  if (parsed) {
    if (isTimeName(name) && isRising(parsed)) return as("time", "named as a time, and rises");
    if (allUnique && parsed.every(Number.isSafeInteger)) {
      if (isIdName(name)) return as("id", "named as an id, and never repeats");
      if (isCounter(parsed)) return as("id", "counts the rows");
    }
    return as("number", "numbers");
  }
  if (yield* testing(known, (value) => toTime(value, cells) !== undefined)) {
    return as("time", "dates");
  }
  yield* requiringNoOtherStyle(name, known, cells);
  if (values.length > 1 && distinct.size === values.length)
    return as("id", "text that never repeats");
  const { levels, other } = yield* levelsOf(known);
  const isDistinct = distinct.size > MOST_DISTINCT * known.length;
  if (values.length >= FEW_ROWS && (isDistinct || other > MOST_OTHER)) {
    return as("ignore", `text with ${distinct.size.toLocaleString("en")} different values`);
  }
  return { ...as("category", `text with ${distinct.size} values`), levels };
}

function* distinctOf(known: readonly unknown[]): Paused<Set<unknown>> {
  const distinct = new Set<unknown>();
  yield* visiting(known.length, (i) => void distinct.add(comparable(known[i])));
  return distinct;
}

/** The values as numbers; undefined if one is something else. */
function* numbersOf(known: readonly unknown[], cells: CellReader): Paused<number[] | undefined> {
  const parsed: number[] = [];
  const areNumbers = yield* testing(known, (value) => {
    const number = toNumber(value, cells);
    if (number !== undefined) parsed.push(number);
    return number !== undefined;
  });
  return areNumbers ? parsed : undefined;
}

/** The schema of a column whose kind the caller states. */
function* describingColumn(
  name: string,
  values: readonly unknown[],
  kind: ColumnKind,
  cells: CellReader,
): Paused<ColumnSchema> {
  const known = yield* filtering(values, (value) => !isMissing(value, cells));
  const missing = values.length > 0 ? 1 - known.length / values.length : 0;
  const schema = { name, kind, reason: "", missing };
  const needsValues = kind === "number" || kind === "category" || kind === "boolean";
  if (needsValues && known.length === 0) {
    throw new InvalidValueError(`Column ${show(name)} is to be a ${kind} but has no value.`);
  }
  if (kind === "number" || kind === "boolean") {
    const read = (value: unknown) =>
      kind === "number" ? toNumber(value, cells) : truthOf(value, cells);
    yield* requiringAll(name, values, kind === "number" ? "a number" : "true or false", read);
    const [first] = known;
    if (yield* testing(known, (value) => Object.is(read(value), read(first)))) {
      const value = constantValue(known[0], cells);
      return { ...schema, kind: "constant", reason: "one value", value };
    }
  }
  if (kind === "time") {
    yield* requiringAll(name, values, "a time", (value) => timeOf(value, cells));
  }
  if (kind === "category") return { ...schema, levels: (yield* levelsOf(known)).levels };
  if (kind === "constant") return { ...schema, value: constantValue(known[0], cells) };
  return schema;
}

/** A truth value as 1 or 0, numbers included. */
export function truthOf(value: unknown, cells: CellReader): number | undefined {
  if (isMissing(value, cells)) return Number.NaN;
  const truth = toBoolean(value);
  if (truth !== undefined) return truth ? 1 : 0;
  return value === 0 || value === 1 ? value : value === "0" ? 0 : value === "1" ? 1 : undefined;
}

/** A time in milliseconds, or a number in the unit of the column. */
export function timeOf(value: unknown, cells: CellReader): number | undefined {
  return toTime(value, cells) ?? toNumber(value, cells);
}

function* requiringAll(
  name: string,
  values: readonly unknown[],
  expected: string,
  read: (value: unknown) => number | undefined,
): Paused<void> {
  if (yield* testing(values, (value) => read(value) !== undefined)) return;
  const row = values.findIndex((value) => read(value) === undefined);
  const value = values[row];
  const hint = typeof value === "string" ? hintFor(lookOf(value.trim())) : undefined;
  throw new InvalidValueError(
    `Row ${row}, column ${show(name)} must be ${expected}; got ${show(value)}${hint ? `: ${hint}` : ""}.`,
  );
}

/** Throws if all values look like numbers in another text format, which must not become categories. */
function* requiringNoOtherStyle(
  name: string,
  known: readonly unknown[],
  cells: CellReader,
): Paused<void> {
  const unread = yield* filtering(known, (value) => toNumber(value, cells) === undefined);
  const hintOf = (value: unknown) =>
    typeof value === "string" ? hintFor(lookOf(value.trim())) : undefined;
  const hint = hintOf(unread[0]);
  if (hint === undefined || !(yield* testing(unread, (value) => hintOf(value) !== undefined))) {
    return;
  }
  throw new InvalidValueError(
    `Column ${show(name)} looks like numbers of another style, such as ${show(unread[0])}: ${hint} (cells: { ... }). If it is none, say columns: { ${JSON.stringify(name)}: "category" }.`,
  );
}

function constantValue(value: unknown, cells: CellReader): number | string {
  const number = typeof value === "boolean" ? undefined : toNumber(value, cells);
  return number === undefined || Number.isNaN(number) ? toLevel(value) : number;
}

/** The levels of a category, the most frequent first. If there are many, the rarest are pooled: `other` is their share. */
function* levelsOf(
  known: readonly unknown[],
): Paused<{ readonly levels: readonly string[]; readonly other: number }> {
  const counts = new Map<string, number>();
  yield* visiting(known.length, (i) => {
    const level = toLevel(known[i]);
    counts.set(level, (counts.get(level) ?? 0) + 1);
  });
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const levels = byCount.map(([level]) => level);
  if (levels.length <= MOST_LEVELS) return { levels, other: 0 };
  const pooled = byCount.slice(MOST_LEVELS - 1).reduce((sum, [, count]) => sum + count, 0);
  return {
    levels: [...levels.slice(0, MOST_LEVELS - 1), OTHER_LEVEL],
    other: pooled / known.length,
  };
}

/** A key that is the same for equal values. */
function comparable(value: unknown): unknown {
  if (typeof value === "string") return value.trim();
  return isDate(value) ? value.getTime() : value;
}

function isTimeName(name: string): boolean {
  return /(^|[^a-z])(time|timestamp|datetime|date|ts|epoch)([^a-z]|$)/i.test(name);
}

function isIdName(name: string): boolean {
  return (
    /(^|[^a-z])(id|uuid|guid|key|no|nr|number|index|code)$/i.test(name) || /[a-z]I[dD]$/.test(name)
  );
}

function isRising(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0));
}

/** Whether the values go up or down by 1 from row to row. */
function isCounter(values: readonly number[]): boolean {
  const step = (values[1] ?? 0) - (values[0] ?? 0);
  if (step !== 1 && step !== -1) return false;
  return values.every((value, i) => i === 0 || value - (values[i - 1] ?? 0) === step);
}

/** The schema as lines of text, for people. */
export function describeSchema(schema: readonly ColumnSchema[]): string[] {
  return schema.map(({ name, kind, reason, missing, levels }) => {
    const known = levels
      ? ` (${levels.slice(0, 6).join(", ")}${levels.length > 6 ? ", …" : ""})`
      : "";
    const gaps = missing > 0 && kind !== "ignore" ? `, missing in ${percent(missing)}` : "";
    const column = typeof name === "number" ? `column ${name}` : name;
    const why = kind === "number" || reason === "" ? "" : `; ${reason}`; // "numbers" says no more
    return `${column}: ${kind}${known}${gaps}${why}`;
  });
}

function percent(share: number): string {
  const value = share * 100;
  return value >= 1 ? `${Math.round(value)} % of the rows` : "less than 1 % of the rows";
}
