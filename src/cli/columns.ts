// Which columns of a table a command takes. The grammar of --columns:
//
//   list  = part {"," part}
//   part  = ["!"] (position | range | name)
//   range = position "-" [position]          without a second position: to the last column
//   name  = any text, or any text between quotation marks, a mark inside doubled
//
// Positions count from 1. A part that looks like a position or a range is one. Quotation marks are needed for a name that
// looks like that, contains a comma, or begins with "!" or a quotation mark. "!" leaves a column out. A list that begins
// with "!" starts from all columns, and all its parts have "!". After other parts, "!" removes a column from those that
// are named before it.

import { CommandError, UsageError } from "./errors.ts";
import { didYouMean } from "./guess.ts";
import { listed, quoted } from "./text.ts";

interface Part {
  readonly excludes: boolean;
  readonly text: string;
  readonly what:
    | { readonly name: string }
    | { readonly first: number; readonly last: number | undefined };
}

export type ColumnList = readonly Part[];

/** The columns to choose from. */
export interface Columns {
  /** The name of the table in messages. */
  readonly file: string;
  readonly count: number;
  readonly names: readonly string[] | undefined;
}

/** Reads the grammar above. @throws UsageError for other texts. */
export function parseColumns(text: string, option = "columns"): ColumnList {
  const parts = splitParts(text, option).map((part) => parsePart(part, option));
  const includes = parts.findIndex((part) => !part.excludes);
  if (parts[0]?.excludes && includes > 0) {
    const rest = parts[includes]!.text;
    throw new UsageError(
      `--${option} ${quoted(text)}: after ${parts[0].text} every part begins with "!": write !${rest} to leave ${rest} out as well, or put ${rest} first to take nothing else.`,
    );
  }
  return parts;
}

/** Splits at commas outside quotation marks. */
function splitParts(text: string, option: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let inside = false;
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '"') inside = !inside;
    if (i < text.length && (text[i] !== "," || inside)) continue;
    parts.push(text.slice(start, i).trim());
    start = i + 1;
  }
  if (inside) throw new UsageError(`--${option} ${quoted(text)}: a quotation mark is not closed.`);
  return parts;
}

function parsePart(text: string, option: string): Part {
  const excludes = text.startsWith("!");
  const body = (excludes ? text.slice(1) : text).trim();
  if (body === "") throw new UsageError(`--${option}: a part of the list is empty.`);
  if (body.startsWith('"')) {
    if (!/^"(?:[^"]|"")*"$/.test(body)) {
      throw new UsageError(
        `--${option}: ${quoted(text)} goes on after its quotation mark; a mark inside a name is written twice.`,
      );
    }
    return { excludes, text, what: { name: body.slice(1, -1).replaceAll('""', '"') } };
  }
  const [, first, dash, last] = /^(\d{1,15})(?:(-)(\d{0,15}))?$/.exec(body) ?? [];
  if (first === undefined) return { excludes, text, what: { name: body } };
  const from = Number(first);
  const to = dash === undefined ? from : last ? Number(last) : undefined;
  if (from < 1 || (to !== undefined && to < from)) {
    throw new UsageError(
      `--${option}: ${quoted(text)} is no range; columns count from 1, and a range goes up.`,
    );
  }
  return { excludes, text, what: { first: from, last: to } };
}

/** The indexes, from 0, of the columns in a list, in its order. */
export function chooseColumns(
  list: ColumnList | undefined,
  columns: Columns,
  option = "columns",
): number[] {
  const all = Array.from({ length: columns.count }, (_, i) => i);
  if (list === undefined) return all;
  const find = finder(columns, option);
  const chosen = new Set<number>(list[0]?.excludes ? all : []);
  for (const { excludes, text, what } of list) {
    for (const place of find(what, text)) {
      if (excludes) chosen.delete(place);
      else if (!chosen.has(place)) chosen.add(place);
      else throw wrong(columns, `--${option} takes column ${describe(columns, place)} twice`);
    }
  }
  if (chosen.size === 0) throw wrong(columns, `--${option} leaves no column`);
  return [...chosen];
}

/**
 * The indexes of the named columns. `why` ends the message if one is missing, as in "which the model was trained on".
 */
export function findNames(names: readonly string[], columns: Columns, why: string): number[] {
  const index = placesOf(columns.names);
  const missing = names.filter((name) => !index.has(name));
  const [first] = missing;
  if (first !== undefined) {
    const more = missing.length === 1 ? "" : `, nor ${listed(missing.slice(1))}`;
    const guess = missing.length === 1 ? didYouMean(first, columns.names ?? []) : "";
    const has = `it has ${listed(columns.names ?? [])}`;
    throw wrong(
      columns,
      `has no column ${quoted(first)}${more}, ${why}${guess}; ${has}. --columns chooses columns by position or name`,
    );
  }
  return names.flatMap((name) => index.get(name) ?? []);
}

/** The shortest list for --columns that means `places`. */
export function columnList(places: readonly number[], count: number): string {
  const kept = new Set(places);
  const left = Array.from({ length: count }, (_, i) => i).filter((place) => !kept.has(place));
  const ascending = places.every((place, i) => i === 0 || place > places[i - 1]!);
  if (ascending && left.length > 0 && left.length <= 8) {
    return left.map((place) => `!${place + 1}`).join(",");
  }
  const parts: string[] = [];
  for (let i = 0; i < places.length; ) {
    let end = i;
    while (places[end + 1] === places[end]! + 1) end++;
    parts.push(end > i ? `${places[i]! + 1}-${places[end]! + 1}` : `${places[i]! + 1}`);
    i = end + 1;
  }
  return parts.join(",");
}

/** `3 ("height")`. */
export const describe = ({ names }: Pick<Columns, "names">, place: number): string =>
  names ? `${place + 1} (${quoted(names[place] ?? "")})` : `${place + 1}`;

function finder(
  columns: Columns,
  option: string,
): (what: Part["what"], text: string) => readonly number[] {
  const { count, names } = columns;
  let index: ReadonlyMap<string, number> | undefined;
  return (what, text) => {
    if ("first" in what) {
      const { first, last = count } = what;
      if (first <= count && last <= count) {
        return Array.from({ length: last - first + 1 }, (_, i) => first - 1 + i);
      }
      const named = names?.includes(text) ? `; the column of that name is '"${text}"'` : "";
      throw wrong(
        columns,
        `--${option} asks for ${text}, and there are ${count} columns, counted from 1${named}`,
      );
    }
    index ??= placesOf(names);
    const place = index.get(what.name);
    if (place !== undefined) return [place];
    const known = names
      ? `${didYouMean(what.name, names)}; it has ${listed(names)}`
      : "; it has no header, so that columns go by position";
    throw wrong(columns, `has no column ${quoted(what.name)}${known}`);
  };
}

/** The index of each column. The readers of files ensure that names are distinct. */
const placesOf = (names: readonly string[] | undefined): ReadonlyMap<string, number> =>
  new Map(names?.map((name, place) => [name, place]));

const wrong = ({ file }: Pick<Columns, "file">, message: string): CommandError =>
  new CommandError(`${file}: ${message}`, { file });
