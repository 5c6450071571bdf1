// Tables for a detector: columns of numbers and of text, read whole, with the role of each column.

import { columnKinds } from "../../detect/table/schema.ts";
import type { AnomalyDetector, ColumnKind, ColumnsOption, DetectorInput } from "../../detect.ts";
import type { CellOptions, UsualDecimal } from "../../formats/cell-values.ts";
import { FormatError } from "../../formats/errors.ts";
import type { TableColumn, TableFormat } from "../../formats/table.ts";
import { readTable } from "../../formats/tables.ts";
import type { Arguments, Options } from "../arguments.ts";
import { type Columns, chooseColumns, parseColumns } from "../columns.ts";
import { CommandError, UsageError } from "../errors.ts";
import { didYouMean } from "../guess.ts";
import { forOptions, readTableOptions, withName } from "../input.ts";
import { counted, grouped } from "../numbers.ts";
import type { Reporter } from "../report.ts";
import { nameOf, openSource } from "../sources.ts";
import { listed, quoted } from "../text.ts";
import { notationAfter, withAllOptions } from "../text-columns.ts";

export const columnOptions = {
  kinds: {
    value: "LIST",
    help: `what columns are: zip=category,2-4=number; kinds: ${columnKinds.join(", ")}`,
    default: "guessed and shown",
  },
  id: { value: "LIST", help: "columns that name a row: shown with it, not learned" },
  labels: {
    value: "COLUMN",
    help: "a column that says which rows are odd (1, true, yes): not learned, compared with",
  },
} as const satisfies Options;

/** A whole table. */
export interface DetectorTable {
  /** The name of the table in messages. */
  readonly file: string;
  readonly format: TableFormat;
  readonly rows: number;
  readonly columns: readonly TableColumn[];
  /** Whether the names are from the file. */
  readonly named: boolean;
  readonly cells: CellOptions;
  /** The roles of columns in the options. */
  readonly roles: Roles;
  /** The line of the file, from 1, of a row, from 0; undefined if the file has no lines. */
  lineOf(row: number): number | undefined;
}

/** The roles of columns that the user states. */
export interface Roles {
  readonly kinds: Readonly<Record<string, ColumnKind>>;
  /** The column of labels, which marks odd rows. */
  readonly labels: string | undefined;
}

/** The columns and the number format of a detector that will judge a table. */
export interface Known {
  readonly schema: AnomalyDetector["schema"];
  readonly config: {
    readonly cells: CellOptions;
    /** For a time series: the columns that order rows. */
    readonly window: { readonly time?: string; readonly groupBy?: string } | undefined;
  };
}
type KnownSchema = AnomalyDetector["schema"];

/** The names of the columns whose values a detector has learned. */
export const learnedNames = (schema: KnownSchema): string[] =>
  schema.flatMap(({ name, kind }) =>
    kind === "id" || kind === "ignore" || kind === "time" ? [] : [String(name)],
  );

/**
 * The columns that a row needs to be judged. Where `mayLack`, without those that some rows learned from did not have.
 */
export function neededColumns({ schema, config }: Known, mayLack = false): string[] {
  const learned = learnedNames(schema.filter(({ missing }) => !mayLack || missing === 0));
  const { time, groupBy } = config.window ?? {};
  return [...new Set([...learned, ...[time, groupBy].filter((name) => name !== undefined)])];
}

/** Which of the needed columns are not there, as the end of a sentence; undefined if all are there. */
export function lackingText(
  names: readonly string[],
  needed: readonly string[],
): string | undefined {
  const lacking = needed.filter((name) => !names.includes(name));
  const [first] = lacking;
  if (first === undefined) return undefined;
  const has = `it has ${listed(names)}`;
  if (lacking.length === needed.length && needed.length > 1) {
    return `has none of the columns that the detector learned (${listed(needed)}); ${has}`;
  }
  const guess = lacking.length === 1 ? didYouMean(first, names) : "";
  const which = lacking.length === 1 ? `column ${quoted(first)}` : `columns ${listed(lacking)}`;
  return `has no ${which}, which the detector learned${guess}; ${has}`;
}

/** Throws if a table lacks columns that the detector needs. */
export function requireColumns(
  file: string,
  columns: readonly TableColumn[],
  isNamed: boolean,
  known: Known,
): void {
  const names = columns.map(({ name }) => name);
  const lacking = lackingText(names, neededColumns(known, true));
  if (lacking === undefined) return;
  const why = isNamed
    ? lacking
    : `has ${counted(names.length, "column")} without names, and the rows learned from have ${known.schema.length}`;
  throw new CommandError(`${file}: ${why}`, { file });
}

/**
 * The text format of numbers: as the user asked, or as the rows that a detector learned. The decimal mark of those rows only
 * counts where a table does not show its own.
 */
export function cellOptions(
  args: Arguments,
  report: Pick<Reporter, "warn">,
  known: Known | undefined,
): CellOptions & UsualDecimal {
  if (!known || isNotationAsked(args)) return readTableOptions(args, report).cells;
  const { decimal, ...others } = known.config.cells;
  return { ...others, usualDecimal: decimal };
}

const isNotationAsked = (args: Arguments): boolean =>
  ["decimal", "thousands", "units"].some((name) => args.text(name) !== undefined);

/**
 * Reads a whole table, for a detector that will learn from it or judge it. Where the user states no notation, that of the
 * cells counts: signs of percentages and of currencies beside numbers are dropped, and digits may be in groups. Other columns
 * of text are categories.
 */
export async function readDetectorTable(
  args: Arguments,
  path: string,
  report: Pick<Reporter, "warn">,
  known?: Known,
): Promise<DetectorTable> {
  const cells = cellOptions(args, report, known);
  try {
    return await readWith(cells, args, path, report, known);
  } catch (error) {
    const { header, delimiter } = readTableOptions(args, report);
    const options = { cells, header, delimiter };
    const isFixed = known !== undefined || isNotationAsked(args);
    const notation = isFixed ? undefined : await notationAfter(error, path, options);
    if (notation === undefined) throw await withAllOptions(error, path, options);
    try {
      return await readWith({ ...cells, ...notation }, args, path, report, known);
    } catch {
      // Other cells need options that only the user knows.
      throw await withAllOptions(error, path, options);
    }
  }
}

async function readWith(
  cells: CellOptions & UsualDecimal,
  args: Arguments,
  path: string,
  report: Pick<Reporter, "warn">,
  known: Known | undefined,
): Promise<DetectorTable> {
  const file = nameOf(path);
  const { array, header, delimiter } = readTableOptions(args, report);
  const schema = known?.schema;
  // The readers use the kinds of columns after they have passed the names to the chooser.
  const reading: Record<string, "number" | "text"> = {};
  let roles: Roles = { kinds: {}, labels: undefined };
  const source = await openSource(path);
  try {
    const table = await readTable(source.bytes, {
      ...cells,
      array,
      header,
      delimiter,
      expected: schema?.flatMap(({ name, kind }) => (kind === "ignore" ? [] : String(name))),
      kinds: reading,
      columns: (count, own) => {
        if (count === 0) throw new FormatError("it holds no rows");
        const names = own ?? Array.from({ length: count }, (_, i) => `column${i + 1}`);
        roles = readRoles(args, { file, count, names });
        const kinds = schema ? kindsOf(schema) : roles.kinds;
        for (const name of names) {
          const read = readingOf(Object.hasOwn(kinds, name) ? kinds[name] : undefined);
          if (read) reading[name] = read;
        }
        return Array.from({ length: count }, (_, i) => i);
      },
    });
    for (const warning of table.warnings) report.warn(forOptions(file, warning));
    const { usualDecimal, decimal, ...resolved } = cells;
    const columns = schema ? byPlace(table.columns, table.named, schema) : table.columns;
    if (known) requireColumns(file, columns, table.named, known);
    return {
      file,
      format: table.format,
      rows: table.rows,
      columns,
      named: table.named,
      cells: { ...resolved, decimal: table.decimal ?? decimal ?? usualDecimal },
      roles,
      lineOf: (row) => table.lineOf(row),
    };
  } catch (error) {
    throw withKindsHint(withName(file, error));
  }
}

/** The columns of a table, for a detector that will learn from it. */
export const learnedColumns = ({ file, columns, named }: DetectorTable) => ({
  file,
  count: columns.length,
  names: named ? columns.map(({ name }) => name) : undefined,
});

/** The rows from `first` on, before `end`, in the form for a detector. */
export function rowsOf(
  { columns }: Pick<DetectorTable, "columns">,
  first = 0,
  end?: number,
): DetectorInput {
  if (first === 0 && end === undefined) return { columns };
  return {
    columns: columns.map(({ name, values }) => ({ name, values: values.slice(first, end) })),
  };
}

/** A cell as text, as in the file. */
export function cellText({ columns }: Pick<DetectorTable, "columns">, name: string, row: number) {
  const value = columns.find((column) => column.name === name)?.values[row];
  return value === undefined || (typeof value === "number" && Number.isNaN(value))
    ? ""
    : String(value);
}

/** The option `columns` of `fit`. */
export const columnsOption = ({ roles }: DetectorTable): ColumnsOption => roles.kinds;

const kindsOf = (schema: KnownSchema): Record<string, ColumnKind> =>
  Object.fromEntries(schema.map(({ name, kind }) => [String(name), kind]));

/** How a column is read. Levels and names are text, so that leading zeros are kept. */
export function readingOf(kind: ColumnKind | undefined): "number" | "text" | undefined {
  if (kind === "number") return "number";
  return kind === "category" || kind === "id" || kind === "ignore" ? "text" : undefined;
}

/** In a file without names, columns are identified by position if their number is that of the detector. */
export function byPlace(
  columns: readonly TableColumn[],
  named: boolean,
  schema: KnownSchema,
): readonly TableColumn[] {
  if (named || columns.length !== schema.length) return columns;
  return columns.map((column, i) => ({ ...column, name: String(schema[i]?.name) }));
}

function readRoles(args: Arguments, columns: Columns & { names: readonly string[] }): Roles {
  const nameAt = (place: number) => columns.names[place] ?? "";
  const kinds: Record<string, ColumnKind> = {};
  const list = args.text("columns");
  if (list !== undefined) {
    const chosen = new Set(chooseColumns(parseColumns(list), columns));
    columns.names.forEach((name, place) => {
      if (!chosen.has(place)) kinds[name] = "ignore";
    });
  }
  for (const [part, kind] of parseKinds(args.text("kinds") ?? "")) {
    for (const place of chooseColumns(parseColumns(part, "kinds"), columns, "kinds")) {
      kinds[nameAt(place)] = kind;
    }
  }
  const ids = args.text("id");
  if (ids !== undefined) {
    for (const place of chooseColumns(parseColumns(ids, "id"), columns, "id")) {
      kinds[nameAt(place)] = "id";
    }
  }
  const named = args.text("labels");
  if (named === undefined) return { kinds, labels: undefined };
  const [place = -1, second] = chooseColumns(parseColumns(named, "labels"), columns, "labels");
  if (second !== undefined) {
    throw new UsageError(`--labels takes one column; got ${quoted(named)}.`);
  }
  const labels = nameAt(place);
  kinds[labels] = "ignore";
  return { kinds, labels };
}

/** `zip=category,"a,b"=number` as pairs. */
function parseKinds(text: string): (readonly [part: string, kind: ColumnKind])[] {
  if (text === "") return [];
  const parts = text.match(/(?:"(?:[^"]|"")*"|[^,"])+/g) ?? [];
  return parts.map((part) => {
    const equals = part.lastIndexOf("=");
    const named = part.slice(equals + 1).trim();
    const kind = columnKinds.find((one) => one === named);
    if (equals < 1 || kind === undefined) {
      throw new UsageError(
        `--kinds takes column=kind, the kinds being ${columnKinds.join(", ")}; got ${quoted(part)}.`,
      );
    }
    return [part.slice(0, equals).trim(), kind];
  });
}

function withKindsHint(error: unknown): unknown {
  if (!(error instanceof CommandError)) return error;
  const { columnName } = error.place;
  // A number in another notation has a hint of its own.
  const isNumber = error.cause instanceof FormatError && error.cause.place.look !== undefined;
  const hint =
    columnName === undefined || isNumber ? "" : `; --kinds '${columnName}=category' takes text`;
  const message = error.message.replace("; the option kinds may call it text", hint);
  return message === error.message
    ? error
    : new CommandError(message, { ...error.place, cause: error.cause });
}

const ODD = new Set(["true", "yes", "y", "anomaly", "anomalous", "outlier", "abnormal"]);
const ORDINARY = new Set(["false", "no", "n", "normal", "inlier", "ok"]);
for (const word of ["odd", "fraud", "attack", "fault", "failure", "bad"]) ODD.add(word);
for (const word of ["ordinary", "good", "benign"]) ORDINARY.add(word);

/** The labels of a table: 1 for odd rows. Undefined if no column of labels is named. */
export function readLabels(table: DetectorTable): Uint8Array | undefined {
  const { labels } = table.roles;
  if (labels === undefined) return undefined;
  const column = table.columns.find(({ name }) => name === labels);
  const wrong = (where: string, why: string) =>
    new CommandError(
      `${table.file}: ${where}column ${quoted(labels)}: a label is 1 or 0, true or false, yes or no; ${why}`,
      { file: table.file, columnName: labels },
    );
  const words = Array.from({ length: table.rows }, (_, row) => {
    const value = column?.values[row];
    return typeof value === "number" && Number.isNaN(value)
      ? ""
      : String(value).trim().toLowerCase();
  });
  const different = [...new Set(words)];
  if (different.length > 2) {
    throw wrong("", `this one has ${grouped(different.length)} values: ${listed(different)}`);
  }
  return Uint8Array.from(words, (word, row) => {
    const number = word === "" ? Number.NaN : Number(word);
    if (ODD.has(word) || number === 1) return 1;
    if (ORDINARY.has(word) || number === 0) return 0;
    throw wrong(`${placeIn(table, row)}, `, `got ${quoted(word)}`);
  });
}

/** `line 17` if the file has lines, else `row 16`, from 1. */
export function placeIn({ lineOf }: Pick<DetectorTable, "lineOf">, row: number): string {
  const line = lineOf(row);
  return line === undefined ? `row ${row + 1}` : `line ${line}`;
}

const LABEL_NAME =
  /^(?:is[ _]?)?(?:labels?|targets?|class|y|anomal(?:y|ous)|outlier|fraud|attack|fault(?:y)?|failure|changepoint|ground[ _]?truth)$/i;

/** The columns that look like labels: by their name, with two values, one of which is rare. */
export function labelColumns({ columns, rows, roles }: DetectorTable): string[] {
  return columns.flatMap(({ name, values }) => {
    if (Object.hasOwn(roles.kinds, name) || !LABEL_NAME.test(name)) return [];
    const distinct = new Set<unknown>();
    for (let row = 0; row < rows && distinct.size < 3; row++) distinct.add(values[row]);
    return distinct.size <= 2 ? [name] : [];
  });
}

/** The same table with the kind "ignore" for some columns. */
export function withIgnored(table: DetectorTable, names: readonly string[]): DetectorTable {
  if (names.length === 0) return table;
  const kinds: Record<string, ColumnKind> = { ...table.roles.kinds };
  for (const name of names) kinds[name] = "ignore";
  return { ...table, roles: { ...table.roles, kinds } };
}

/** Names for a message. */
export const namesOf = (names: readonly string[]): string => listed(names, 60);
