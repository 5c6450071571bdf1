// All columns of a CSV file that are not numbers, with the options that leave them out or read them. A reader stops at the
// first such cell. Without this, a user would meet one column after the other.

import { CellReader, lookOf } from "../formats/cell-values.ts";
import { FormatError, type NumberLook } from "../formats/errors.ts";
import { streamTable } from "../formats/tables.ts";
import { CommandError } from "./errors.ts";
import { columnOf, optionFor, type Table, type TableOptions, withoutColumns } from "./input.ts";
import { isFile } from "./kinds.ts";
import { type Notation, NotationCounter, notationOf, notationOptions } from "./notation.ts";
import { openSource } from "./sources.ts";
import { shellQuote } from "./text.ts";

/** Rows that are looked at. */
const MOST = 100_000;
/** A column with fewer texts than this share of its values, or with one text only, is one of numbers with mistakes. */
const TEXTS = 0.05;

const LEARNS_TEXT = "train --detector learns text as well";

/** A chosen column that is not one of numbers. */
interface Other {
  /** Its index among the chosen columns. */
  readonly column: number;
  /** An option that reads its cells as numbers, if there is one. */
  readonly option: string | undefined;
}

/** The columns that are not numbers, and the notation of the columns of numbers. */
interface Others {
  readonly others: readonly Other[];
  readonly notation: Notation | "mixed" | undefined;
  /** Whether commas separate cells and are decimal marks in quoted cells. No reader guesses both. */
  readonly needsDelimiter: boolean;
}

/**
 * The error to throw instead of `error`, which is about one cell that is not a number. It names all columns that are not
 * numbers. It is the same error if there is only one, or if the table cannot be read again.
 */
export async function withAllColumns(
  error: unknown,
  path: string,
  table: Table,
  options: Pick<TableOptions, "cells" | "header" | "delimiter">,
): Promise<unknown> {
  if (!(error instanceof CommandError && error.cause instanceof FormatError)) return error;
  if (error.place.column === undefined || table.format !== "csv") return error;
  if (!(await isFile(path))) return error;
  const found = await otherColumns(path, table, options);
  const { others } = found;
  const [first, second] = others;
  if (second === undefined) {
    if (first === undefined || first.option !== undefined) return error;
    const message = error.message.replace(/ leaves the column out(?=\)$)/, `$&; ${LEARNS_TEXT}`);
    return new CommandError(message, { ...error.place, cause: error });
  }
  const name = ({ column }: Other) => columnOf(table, column);
  const texts = others.filter(({ option }) => option === undefined);
  if (texts.length === 0) return withOptions(error, found);
  const plural = texts.length === 1 ? "holds" : "hold";
  const leave = withoutColumns(
    table,
    texts.map(({ column }) => column),
  );
  const parts = [
    `${texts.length === 1 ? "column" : "columns"} ${texts.map(name).join(", ")} ${plural} text, and train takes numbers`,
    ...(leave === "" ? [] : [leave]),
    LEARNS_TEXT,
    ...others.flatMap((one) =>
      one.option === undefined ? [] : [`column ${name(one)}: ${one.option}`],
    ),
  ];
  return new CommandError(`${table.file}: ${parts.join("; ")}`, { ...error.place, cause: error });
}

/**
 * The error to throw instead of `error`, which is about a cell that looks like a number in another notation. It names the
 * options that read all columns of numbers. It is the same error if one option is enough, or if the table cannot be read
 * again.
 */
export async function withAllOptions(
  error: unknown,
  path: string,
  options: Pick<TableOptions, "cells" | "header" | "delimiter">,
): Promise<unknown> {
  if (!(error instanceof CommandError && error.cause instanceof FormatError)) return error;
  if (error.cause.place.look === undefined) return error;
  if (!(await isFile(path))) return error;
  const found = await otherColumns(path, undefined, options).catch(() => undefined);
  return found ? withOptions(error, found) : error;
}

/**
 * The notation of all numbers of a table, if `error` is about a percentage, an amount of money or grouped digits. Undefined
 * if the cells do not decide, or if the table cannot be read again.
 */
export async function notationAfter(
  error: unknown,
  path: string,
  options: Pick<TableOptions, "cells" | "header" | "delimiter">,
): Promise<Notation | undefined> {
  if (!(error instanceof CommandError && error.cause instanceof FormatError)) return undefined;
  const { look } = error.cause.place;
  if (look === undefined || !DECIDED.includes(look) || !(await isFile(path))) return undefined;
  const found = await otherColumns(path, undefined, options).catch(() => undefined);
  // A later file of the same kind would need the option --delimiter too, so the user has to know it.
  if (found === undefined || found.notation === "mixed" || found.needsDelimiter) return undefined;
  return found.notation;
}

/** Looks of numbers whose notation follows from the other cells of the table. */
const DECIDED: readonly NumberLook[] = ["percent", "currency", "grouped", "decimalComma"];

/** The error with the options for all columns, or the same error if one option is enough. */
function withOptions(
  error: CommandError,
  { others, notation, needsDelimiter }: Others,
): CommandError {
  const isSettled = typeof notation === "object";
  if (notation === "mixed") {
    return withHint(
      error,
      "the numbers of this table are written in more than one way, with decimal points and decimal commas",
    );
  }
  const hints = others.flatMap(({ option }) => (option === undefined ? [] : [option]));
  const units = hints.flatMap((hint) => /--units '?([^' ]+)/.exec(hint)?.slice(1) ?? []);
  const all = isSettled
    ? [
        ...(needsDelimiter ? ["--delimiter ,"] : []),
        ...notationOptions({ ...notation, units: [...new Set([...notation.units, ...units])] }),
      ]
    : [
        ...(hints.some((hint) => hint.includes("--thousands ")) ? ["--thousands CHAR"] : []),
        ...(units.length > 0 ? [`--units ${shellQuote([...new Set(units)].join(","))}`] : []),
      ];
  return all.length < 2
    ? error
    : withHint(error, `${all.join(" ")} reads all numbers of this table`);
}

function withHint(error: CommandError, hint: string): CommandError {
  const message = error.message.replace(/ \([^()]*\)$/, "");
  return new CommandError(`${message} (${hint})`, { ...error.place, cause: error });
}

/** Of the chosen columns, or of all. */
async function otherColumns(
  path: string,
  chosen: Table | undefined,
  { cells, header, delimiter }: Pick<TableOptions, "cells" | "header" | "delimiter">,
): Promise<Others> {
  let reader: CellReader | undefined;
  let counts: { values: number; texts: number; first: string; notation: NotationCounter }[] = [];
  const { bytes } = await openSource(path);
  let width = 0;
  const columns = (count: number) => {
    width = count;
    const places = chosen?.fileColumns ?? Array.from({ length: count }, (_, i) => i);
    counts = places.map(() => ({
      values: 0,
      texts: 0,
      first: "",
      notation: new NotationCounter(),
    }));
    return places;
  };
  let rows = 0;
  for await (const table of streamTable(bytes, { ...cells, header, delimiter, columns })) {
    reader ??= new CellReader({ ...cells, decimal: table.decimal });
    const read = reader;
    counts.forEach((count, i) => {
      const values = table.columns[i]?.values ?? [];
      for (let row = 0; row < table.rows; row++) {
        const text = String(values[row] ?? "").trim();
        const number = read.number(text);
        if (Number.isNaN(number)) continue;
        count.values += 1;
        count.notation.add(text);
        if (number !== undefined) continue;
        if (count.texts === 0) count.first = text;
        count.texts += 1;
      }
    });
    rows += table.rows;
    if (rows >= MOST) break;
  }
  const others = counts.flatMap(({ values, texts, first }, column): Other[] => {
    const look = lookOf(first);
    const isMistake = texts < TEXTS * values || (look === undefined && texts === 1 && values > 1);
    return texts === 0 || isMistake ? [] : [{ column, option: look && optionFor(look, first) }];
  });
  const ofNumbers = counts.flatMap(({ values, notation }) =>
    notation.numbers > (1 - TEXTS) * values ? [notation] : [],
  );
  const notation = notationOf(ofNumbers);
  const hasCommas = typeof notation === "object" && notation.decimal === ",";
  return { others, notation, needsDelimiter: hasCommas && (await hasCommaCells(path, width)) };

  /** Whether commas separate the cells, although no option says so. */
  async function hasCommaCells(path: string, width: number): Promise<boolean> {
    if (delimiter !== "auto" || width < 2) return false;
    const { bytes } = await openSource(path);
    let columns = 0;
    const count = (all: number) => {
      columns = all;
      return [];
    };
    const reading = streamTable(bytes, { ...cells, header, delimiter: ",", columns: count });
    try {
      await reading.next();
    } catch {
      return false; // its rows have different numbers of cells
    } finally {
      await reading.return();
    }
    return columns === width;
  }
}
