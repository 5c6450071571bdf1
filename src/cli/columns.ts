// Which columns of a table a command takes. src/formats/columns.ts has the grammar of --columns. Here are the messages, which
// name the option and the file.

import { type ColumnPart, findColumns, parseColumnList } from "../formats/columns.ts";
import { CommandError, UsageError } from "./errors.ts";
import { didYouMean } from "./guess.ts";
import { listed, quoted } from "./text.ts";

export type ColumnList = readonly ColumnPart[];

/** The columns to choose from. */
export interface Columns {
  /** The name of the table in messages. */
  readonly file: string;
  readonly count: number;
  readonly names: readonly string[] | undefined;
}

/** Reads the text of an option. @throws UsageError for texts outside the grammar. */
export const parseColumns = (text: string, option = "columns"): ColumnList =>
  parseColumnList(
    text,
    (problem, isWhole) =>
      new UsageError(`--${option}${isWhole ? ` ${quoted(text)}` : ""}: ${problem}.`),
  );

/** The indexes, from 0, of the columns in a list, in its order. */
export function chooseColumns(
  list: ColumnList | undefined,
  columns: Columns,
  option = "columns",
): number[] {
  const { count, names } = columns;
  if (list === undefined) return Array.from({ length: count }, (_, i) => i);
  return findColumns(list, count, names, {
    outside({ text }) {
      const named = names?.includes(text) ? `; the column of that name is '"${text}"'` : "";
      return wrong(
        columns,
        `--${option} asks for ${text}, and there are ${count} columns, counted from 1${named}`,
      );
    },
    unknown(name) {
      const known = names
        ? `${didYouMean(name, names)}; it has ${listed(names)}`
        : "; it has no header, so that columns go by position";
      return wrong(columns, `has no column ${quoted(name)}${known}`);
    },
    twice: (place) => wrong(columns, `--${option} takes column ${describe(columns, place)} twice`),
    empty: () => wrong(columns, `--${option} leaves no column`),
  });
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

/** The index of each column. The readers of files ensure that names are distinct. */
const placesOf = (names: readonly string[] | undefined): ReadonlyMap<string, number> =>
  new Map(names?.map((name, place) => [name, place]));

const wrong = ({ file }: Pick<Columns, "file">, message: string): CommandError =>
  new CommandError(`${file}: ${message}`, { file });
