// A user's choice of columns of a table. The grammar of a choice in text:
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

import { FormatError } from "./errors.ts";
import { quote } from "./text.ts";

/**
 * A choice of columns, in the order of the result: an array of numbers, counted from 1 as in messages, and names; or text
 * with parts between commas:
 *
 * - `3` is the third column, `2-5` are the second to the fifth, and `2-` are all from the second on.
 * - `height` is the column with that name. In quotes, as in `"1940"` or `"a,b"`, any text is a name.
 * - `!` excludes a part: `!label,!2` are all columns except two, and `1-9,!3` are 1, 2 and 4 to 9. If the first part has
 *   `!`, all parts must have it.
 *
 * In an array, a string that is a column's name is that column. Any other string is one part of such a text.
 */
export type ColumnChoice = string | readonly (string | number)[];

/** Returns the indices, from 0, of the chosen columns. It gets the number of columns and their names. */
export type ColumnChooser = (
  columns: number,
  names: readonly string[] | undefined,
) => readonly number[];

/** A part of a list: a name, or the positions from `first` to `last`, from 1. Without `last` to the last column. */
export interface ColumnPart {
  readonly excludes: boolean;
  /** The part as it was written. */
  readonly text: string;
  readonly what:
    | { readonly name: string }
    | { readonly first: number; readonly last: number | undefined };
}

/** Makes the error for a text outside the grammar from a description. `isWhole` says that it is about the whole text. */
type Wrong = (problem: string, isWhole: boolean) => Error;

/** The errors for columns that are not in a table. */
export interface ChoiceErrors {
  /** Positions that are not in the table. */
  outside(part: ColumnPart): Error;
  unknown(name: string): Error;
  /** `place` counts from 0. */
  twice(place: number): Error;
  empty(): Error;
}

/** Reads the grammar above. Throws what `wrong` makes of other texts. */
export function parseColumnList(text: string, wrong: Wrong): ColumnPart[] {
  const parts = splitParts(text, wrong).map((part) => parsePart(part, wrong));
  requireSameStart(parts, wrong);
  return parts;
}

function requireSameStart(parts: readonly ColumnPart[], wrong: Wrong): void {
  const [first] = parts;
  const included = parts.find((part) => !part.excludes);
  if (!first?.excludes || included === undefined) return;
  const rest = included.text;
  throw wrong(
    `after ${first.text} every part begins with "!": write !${rest} to leave ${rest} out as well, or put ${rest} first to take nothing else`,
    true,
  );
}

/** Splits at commas outside quotation marks. */
function splitParts(text: string, wrong: Wrong): string[] {
  const parts: string[] = [];
  let start = 0;
  let inside = false;
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '"') inside = !inside;
    if (i < text.length && (text[i] !== "," || inside)) continue;
    parts.push(text.slice(start, i).trim());
    start = i + 1;
  }
  if (inside) throw wrong("a quotation mark is not closed", true);
  return parts;
}

function parsePart(text: string, wrong: Wrong): ColumnPart {
  const excludes = text.startsWith("!");
  const body = (excludes ? text.slice(1) : text).trim();
  if (body === "") throw wrong("a part of the list is empty", false);
  if (body.startsWith('"')) {
    if (!/^"(?:[^"]|"")*"$/.test(body)) {
      throw wrong(
        `${quote(text)} goes on after its quotation mark; a mark inside a name is written twice`,
        false,
      );
    }
    return { excludes, text, what: { name: body.slice(1, -1).replaceAll('""', '"') } };
  }
  const [, first, dash, last] = /^(\d{1,15})(?:(-)(\d{0,15}))?$/.exec(body) ?? [];
  if (first === undefined) return { excludes, text, what: { name: body } };
  const from = Number(first);
  const to = dash === undefined ? from : last ? Number(last) : undefined;
  if (from < 1 || (to !== undefined && to < from)) {
    throw wrong(`${quote(text)} is no range; columns count from 1, and a range goes up`, false);
  }
  return { excludes, text, what: { first: from, last: to } };
}

/** The indices, from 0, of the columns in a list, in its order. Throws what `errors` makes. */
export function findColumns(
  list: readonly ColumnPart[],
  count: number,
  names: readonly string[] | undefined,
  errors: ChoiceErrors,
): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  // Readers ensure that names are distinct.
  let places: ReadonlyMap<string, number> | undefined;
  const find = (part: ColumnPart): readonly number[] => {
    const { what } = part;
    if ("first" in what) {
      const { first, last = count } = what;
      if (first > count || last > count) throw errors.outside(part);
      return all.slice(first - 1, last);
    }
    places ??= new Map(names?.map((name, place) => [name, place]));
    const place = places.get(what.name);
    if (place === undefined) throw errors.unknown(what.name);
    return [place];
  };
  const chosen = new Set<number>(list[0]?.excludes ? all : []);
  for (const part of list) {
    for (const place of find(part)) {
      if (part.excludes) chosen.delete(place);
      else if (!chosen.has(place)) chosen.add(place);
      else throw errors.twice(place);
    }
  }
  if (chosen.size === 0) throw errors.empty();
  return [...chosen];
}

/**
 * The indices, from 0, of the chosen columns, in the chosen order.
 * @param names The names of the columns, all different. Undefined if there are none.
 * @throws FormatError for columns that do not exist, for a column that is chosen twice and for an empty choice.
 */
export function selectColumns(
  choice: ColumnChoice | ColumnChooser | undefined,
  columns: number,
  names: readonly string[] | undefined,
): readonly number[] {
  if (typeof choice === "function") return choice(columns, names);
  if (choice === undefined) return Array.from({ length: columns }, (_, i) => i);
  const wrong: Wrong = (problem) => new FormatError(`the columns ${quote(choice)}: ${problem}`);
  const outside = (text: string | number) => {
    const hint = names?.includes(String(text))
      ? `; in quotes it would be the name ${quote(text)}`
      : "";
    return new FormatError(
      `columns count from 1 to ${columns}, the choice was ${quote(text)}${hint}`,
    );
  };
  const list = typeof choice === "string" ? parseColumnList(choice, wrong) : partsOf(choice);
  return findColumns(list, columns, names, {
    outside: ({ text }) => outside(text),
    unknown(name) {
      const known = names ? `the header has ${quote(names.join(", "))}` : "the file has no header";
      return new FormatError(`expected a column's name or number, got ${quote(name)}; ${known}`);
    },
    twice: (place) => new FormatError(`column ${place + 1} is chosen twice`),
    empty: () => new FormatError(`no column is left of ${quote(choice)}`),
  });

  function partsOf(array: readonly (string | number)[]): ColumnPart[] {
    const known = new Set(names);
    const parts = array.map((one): ColumnPart => {
      if (typeof one === "string") {
        return known.has(one)
          ? { excludes: false, text: one, what: { name: one } }
          : parsePart(one, wrong);
      }
      if (!Number.isInteger(one) || one < 1 || one > columns) throw outside(one);
      return { excludes: false, text: String(one), what: { first: one, last: one } };
    });
    requireSameStart(parts, wrong);
    return parts;
  }
}
