// Resolves a user's choice of columns of a table.

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

interface Part {
  readonly text: string;
  readonly quoted: boolean;
  readonly excluded: boolean;
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

/** The parts between commas, without blanks around them. Commas within quotes do not separate parts. */
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
