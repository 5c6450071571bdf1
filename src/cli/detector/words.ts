// Messages of the library name rows from 0, the argument `rows` and options of the library. Here they are changed to name
// the file, its lines and the options of the command line.

import { CommandError } from "../errors.ts";
import { retold } from "../places.ts";
import type { DetectorTable } from "./table.ts";

type Lines = Pick<DetectorTable, "file" | "lineOf">;

const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^rows? has no column/, "has no column"],
  [/There is no column ("[^"]*"); there are /, "has no column $1; it has "],
  [/ of (?:rows|calibration|the pushed rows|the stream)(?= |[.,:;])/g, ""],
  [/ of (?:rows|calibration)$/g, ""],
  [
    /,? or name the column that tells series apart: window: \{ groupBy \}/,
    ", or name the column that tells series apart with --group-by",
  ],
  [/Its score is NaN/, "It has no score"],
  [/Their score is NaN/, "They have no score"],
  [/ \(cells: \{ \.\.\. \}\)/, ""],
  [/say columns: \{ ("[^"]*"): "category" \}/, "say --kinds $1=category"],
  [/Give objects or \{ columns: \{ name: values \} \}\./, ""],
  [/Give \{ alpha: ([^ }]+) \} or a larger one/, "Give --alpha $1 or a larger one"],
  [/ or \{ pot: ([^ }]+) \}/, " or --pot $1"],
  [/\balpha ([\d.e-]+) takes/, "--alpha $1 takes"],
  [/the option decimal "," reads commas/, "--decimal , reads commas"],
  [/the option units "%" reads percentages/, "--units % reads percentages"],
  [/the option thousands reads/, "--thousands reads"],
  [/the option units reads/, "--units reads"],
  [/ A longest stretch of rows/, " A longest stretch"],
  [/model\.hidden/g, "--hidden"],
  [/\bcalibration must be a share/, "--calibration must be a share"],
  [/An alpha of/, "--alpha"],
  [/^pot (?=takes|finds|fits)/, "--pot "],
  [/Take alpha or quantile for/, "Take --alpha or --quantile for"],
];

/** A message of the library in the terms of the command line. */
export function inWords(message: string, { lineOf }: Pick<Lines, "lineOf">, firstRow = 0): string {
  const placed = message.replace(/\b([Rr])ow (\d+)\b/g, (_, r: string, digits: string) => {
    const row = firstRow + Number(digits);
    const line = lineOf(row);
    const isStart = r === "R";
    return line === undefined ? `${r}ow ${row + 1}` : `${isStart ? "L" : "l"}ine ${line}`;
  });
  return PHRASES.reduce((text, [pattern, words]) => text.replace(pattern, words), placed);
}

/** A sentence of the library in the words of the command line, after the name of the file and a colon. */
export function toldOf(table: Lines, message: string, firstRow = 0): string {
  const words = inWords(message, table, firstRow).replace(/\.$/, "");
  return `${table.file}: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

/** Runs `work`. Errors of the library about rows then name the file. */
export function inFile<T>(table: Lines, work: () => T | Promise<T>, firstRow = 0): Promise<T> {
  return retold(work, (error) => {
    const [, row] = /\b[Rr]ow (\d+)\b/.exec(error.message) ?? [];
    const line = row === undefined ? undefined : table.lineOf(firstRow + Number(row));
    const [, columnName] = /\b[Cc]olumn "([^"]*)"/.exec(error.message) ?? [];
    return new CommandError(toldOf(table, error.message, firstRow), {
      file: table.file,
      ...(line === undefined ? {} : { line }),
      ...(columnName === undefined ? {} : { columnName }),
      cause: error,
    });
  });
}
