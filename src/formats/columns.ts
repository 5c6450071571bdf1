// Which columns of a table a user's choice means.

import { FormatError } from "./errors.ts";
import { quote } from "./text.ts";

/**
 * Columns in the order in which they are wanted: an array of numbers, counted from 1 as in messages, and
 * names; or text with parts between commas:
 *
 * - `3` is the third column, `2-5` are the second to the fifth, `2-` are all from the second on;
 * - `height` is the column of that name; in quotes, as `"1940"` or `"a,b"`, any text is a name;
 * - `!` leaves a part out: `!label,!2` are all columns but two, `1-9,!3` are 1, 2 and 4 to 9. After a first
 *   part with `!` all parts have it.
 *
 * In an array, a string that is a column's name means that column, and any other one part of such a text.
 */
export type ColumnChoice = string | readonly (string | number)[];

/** Gives the places, from 0, of the wanted columns, once it knows how many there are and their names. */
export type ColumnChooser = (
  columns: number,
  names: readonly string[] | undefined,
) => readonly number[];

interface Part {
  readonly text: string;
  readonly quoted: boolean;
  readonly excluded: boolean;
}

/**
 * The places, from 0, of the chosen columns, in the order chosen.
 * @param names The columns' names, all different; undefined where there are none.
 * @throws FormatError for columns that are not there, for one that is chosen twice and for an empty choice.
 */
export function selectColumns(
  choice: ColumnChoice | ColumnChooser | undefined,
  columns: number,
  names: readonly string[] | undefined,
): readonly number[] {
  if (typeof choice === "function") return choice(columns, names);
  const all = Array.from({ length: columns }, (_, i) => i);
  if (choice === undefined) return all;
  const places = new Map(names?.map((name, i) => [name, i]));

  const range = (first: number, last: number, part: string | number): number[] => {
    if (Number.isInteger(first) && first >= 1 && last <= columns && first <= last) {
      return all.slice(first - 1, last);
    }
    const hint = places.has(String(part)) ? `; in quotes it would be the name ${quote(part)}` : "";
    throw new FormatError(
      `columns count from 1 to ${columns}, the choice was ${quote(part)}${hint}`,
    );
  };
  const named = (name: string): number[] => {
    const place = places.get(name);
    if (place !== undefined) return [place];
    const known = names ? `the header has ${quote(names.join(", "))}` : "the file has no header";
    throw new FormatError(`expected a column's name or number, got ${quote(name)}; ${known}`);
  };
  const find = ({ text, quoted }: Part): number[] => {
    if (quoted) return named(text);
    const [, first, dash, last] = /^(\d+)(?:(-)(\d*))?$/.exec(text) ?? [];
    if (first === undefined) return named(text);
    return range(Number(first), dash ? Number(last || columns) : Number(first), text);
  };

  const wanted: number[] = [];
  const excluded = new Set<number>();
  const parts = partsOf(choice, places);
  const excludes = (part: Part | number | undefined) => typeof part === "object" && part.excluded;
  if (excludes(parts[0]) && !parts.every(excludes)) {
    throw new FormatError(
      `after a first part with "!" every part has it, the choice was ${quote(choice)}`,
    );
  }
  for (const part of parts) {
    for (const place of typeof part === "number" ? range(part, part, part) : find(part)) {
      if (excludes(part)) excluded.add(place);
      else wanted.push(place);
    }
  }
  const chosen = (excludes(parts[0]) ? all : wanted).filter((place) => !excluded.has(place));
  const seen = new Set<number>();
  for (const place of chosen) {
    if (seen.has(place)) throw new FormatError(`column ${place + 1} is chosen twice`);
    seen.add(place);
  }
  if (chosen.length === 0) throw new FormatError(`no column is left of ${quote(choice)}`);
  return chosen;
}

function partsOf(choice: ColumnChoice, places: ReadonlyMap<string, number>): (Part | number)[] {
  if (typeof choice === "string") return splitOutsideQuotes(choice).map(parsePart);
  return choice.map((one) => {
    if (typeof one === "number") return one;
    return places.has(one) ? { text: one, quoted: true, excluded: false } : parsePart(one);
  });
}

function parsePart(part: string): Part {
  const excluded = part.startsWith("!");
  const text = excluded ? part.slice(1).trim() : part;
  const quoted = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  return { text: quoted ? text.slice(1, -1).replaceAll('""', '"') : text, quoted, excluded };
}

/** The parts between commas, blanks around them removed; commas within quotes do not count. */
function splitOutsideQuotes(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    if (i < text.length && (text[i] !== "," || quoted)) continue;
    parts.push(text.slice(start, i).trim());
    start = i + 1;
  }
  return parts;
}
