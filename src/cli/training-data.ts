// The training and validation rows of a run. They are read whole, and checked for values that training refuses, so that
// messages name the place in the file.

import type { MatrixInput } from "../index.ts";
import type { Arguments } from "./arguments.ts";
import { parseColumns } from "./columns.ts";
import { CommandError } from "./errors.ts";
import {
  columnOf,
  formatText,
  openTable,
  type Piece,
  placeOf,
  readTableOptions,
  readWhole,
  type Table,
  withoutColumns,
} from "./input.ts";
import { grouped, short } from "./numbers.ts";
import { type Reporter, setting } from "./report.ts";
import { emptyColumns, idColumns, type Survey, survey } from "./survey.ts";
import { listed } from "./text.ts";
import { withAllColumns } from "./text-columns.ts";

/** A table in memory. */
export interface TableData {
  readonly table: Table;
  readonly rows: Piece;
  readonly facts: Survey;
}

/** The requirements of the model and the options for the rows. */
export interface Demands {
  /** The column names that an existing model was trained on. */
  readonly names?: readonly string[] | undefined;
  /** The decimal mark of the rows of an existing model. */
  readonly decimal?: "," | undefined;
  /** The number of columns of an existing model. */
  readonly width?: number | undefined;
  /** The columns of an earlier run, for files without a header. */
  readonly columns?: string | undefined;
  readonly missing: "error" | "mean" | "mask";
  readonly loss: string;
  /** Whether the loss compares the unscaled numbers. */
  readonly unscaled: boolean;
}

/** The rows of a table as an argument for the library. */
export const matrix = ({ rows, data }: Piece, { columns }: Table): MatrixInput => ({
  data,
  shape: [rows, columns],
});

/** The training rows. Warns of columns that look like row numbers. */
export async function readTraining(
  args: Arguments,
  path: string,
  demands: Demands,
  report: Reporter,
): Promise<TableData> {
  const started = performance.now();
  const { names, columns: earlier } = demands;
  const options = readTableOptions(args, report, {
    ...(names ? { wanted: { names, why: "which the model was trained on" } } : {}),
    isFixed: demands.width !== undefined,
    decimal: demands.decimal,
    ...(earlier === undefined ? {} : { otherwise: parseColumns(earlier) }),
  });
  const table = await openTable(path, options);
  requireWidth(table, demands.width);
  const data = await lookedOver(table, demands, "train on").catch(async (error) => {
    throw options.isFixed ? error : await withAllColumns(error, path, table, options);
  });
  if (data.rows.rows === 1) {
    throw new CommandError(`${table.file}: there is one row, and training needs at least two`, {
      file: table.file,
    });
  }
  tell(data, performance.now() - started, report);
  if (!names) warnOfIds(data, report);
  return data;
}

/** The rows of `--validation FILE`: the same columns, by name where both files have names. */
export async function readValidationFile(
  args: Arguments,
  path: string,
  training: Table,
  demands: Demands,
  report: Reporter,
): Promise<TableData> {
  const { columns, ...options } = readTableOptions(args, report, { decimal: training.decimal });
  const table = await openTable(path, {
    ...options,
    ...(training.names
      ? { wanted: { names: training.names, why: `which ${training.file} has` } }
      : {}),
    otherwise:
      columns ?? (demands.columns === undefined ? undefined : parseColumns(demands.columns)),
  });
  if (table.columns !== training.columns) {
    throw new CommandError(
      `${table.file}: has ${table.columns} columns, and ${training.file} has ${training.columns}`,
      { file: table.file },
    );
  }
  return lookedOver(table, demands, "check on");
}

function requireWidth(table: Table, width: number | undefined): void {
  if (width === undefined || table.columns === width) return;
  throw new CommandError(
    `${table.file}: has ${table.columns} columns, the model takes ${width}; --columns chooses`,
    { file: table.file },
  );
}

/** All rows of a table, checked for training. */
async function lookedOver(table: Table, demands: Demands, purpose: string): Promise<TableData> {
  const rows = await readWhole(table);
  const { file } = table;
  if (rows.rows === 0) throw new CommandError(`${file}: there are no rows to ${purpose}`, { file });
  const facts = survey(rows.data, table.columns);
  const refuse = async (at: number, why: string) => {
    const found = await placeOf(table, Math.floor(at / table.columns), at % table.columns);
    throw new CommandError(`${found.text}: ${why}`, found.place);
  };
  if (facts.firstInfinite >= 0) {
    const value = rows.data[facts.firstInfinite];
    await refuse(facts.firstInfinite, `training wants finite numbers, this one is ${value}`);
  }
  const empty = emptyColumns(rows.data, facts);
  if (empty.length > 0) {
    const which = empty.slice(0, 8).map((column) => columnOf(table, column));
    const more = empty.length > 8 ? ` and ${empty.length - 8} more` : "";
    const plural = empty.length > 1 ? "columns" : "column";
    const hint = withoutColumns(table, empty);
    throw new CommandError(
      `${file}: ${plural} ${which.join(", ")}${more}: no row has a value here${hint && `; ${hint}`}`,
      { file, column: (table.fileColumns[empty[0]!] ?? empty[0]!) + 1 },
    );
  }
  if (facts.missing > 0 && demands.missing === "error") {
    await refuse(
      facts.firstMissing,
      "no value here; --missing mask leaves such cells out, --missing mean fills them in",
    );
  }
  if (demands.loss === "bce" && demands.unscaled) {
    const outside = rows.data.findIndex((value) => value < 0 || value > 1);
    if (outside >= 0) {
      await refuse(
        outside,
        `the loss bce takes numbers between 0 and 1, this one is ${short(rows.data[outside]!)}; --scale minMax brings them there`,
      );
    }
  }
  return { table, rows, facts };
}

function tell({ table, facts }: TableData, milliseconds: number, report: Reporter): void {
  const seconds = (milliseconds / 1000).toFixed(2);
  const size = `${grouped(facts.rows)} rows of ${grouped(facts.columns)}`;
  const range = `${short(facts.low)} to ${short(facts.high)}`;
  const gaps = facts.missing > 0 ? `, ${grouped(facts.missing)} values missing` : "";
  report.say(
    setting("data", `${size}, from ${range}${gaps}`, `${formatText(table)}, read in ${seconds} s`),
  );
  report.event("data", () => ({
    file: table.file,
    format: table.format,
    decimal: table.decimal,
    rows: facts.rows,
    columns: facts.columns,
    names: table.names,
    low: facts.low,
    high: facts.high,
    missing: facts.missing,
  }));
}

function warnOfIds({ table, rows, facts }: TableData, report: Reporter): void {
  const found = idColumns(rows.data, facts, table.names);
  // If all columns count, this is intended.
  if (found.length === 0 || found.length === table.columns) return;
  const which = listed(found.map((column) => columnOf(table, column)));
  const what = found.length > 1 ? `columns ${which} seem` : `column ${which} seems`;
  const hint = withoutColumns(table, found);
  report.warn(
    `${table.file}: ${what} to number the rows, which says nothing of what is in them${hint && `; ${hint}`}`,
  );
}
