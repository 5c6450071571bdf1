// The training and validation rows of a run. They are read once, into memory or to disk, and checked for values that
// training refuses, so that messages name the place in the file.

import type { MatrixInput } from "../index.ts";
import type { Arguments } from "./arguments.ts";
import { Checksum } from "./checksum.ts";
import { parseColumns } from "./columns.ts";
import { DiskRows } from "./disk-rows.ts";
import { CommandError } from "./errors.ts";
import {
  columnOf,
  formatText,
  GatheredRows,
  type Numbers,
  openTable,
  type Piece,
  placeOf,
  readTableOptions,
  readWhole,
  type Table,
  withoutColumns,
} from "./input.ts";
import type { Fingerprint } from "./model-file.ts";
import { grouped, short } from "./numbers.ts";
import { type Reporter, setting } from "./report.ts";
import { type Survey, Surveyor } from "./survey.ts";
import { listed } from "./text.ts";
import { withAllColumns } from "./text-columns.ts";

/** A table that was read and checked. */
export interface TableData<Rows = Piece | DiskRows> {
  readonly table: Table;
  readonly rows: Rows;
  readonly facts: Survey;
  readonly fingerprint: Fingerprint;
  /** The columns that seem to number the rows. */
  readonly idColumns: readonly number[];
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

/** Where rows are stored. */
export interface Storage {
  /** The most bytes of rows in memory. More rows are stored on disk. */
  readonly memory: number;
  /** A file in whose folder they are stored. */
  readonly beside: string;
}

/** The training rows. Warns of columns that look like row numbers. */
export async function readTraining(
  args: Arguments,
  path: string,
  demands: Demands,
  report: Reporter,
  storage: Storage,
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
  const data = await lookedOver<Piece | DiskRows>(table, demands, "train on", (_, look) =>
    inMemoryOrOnDisk(table, look, storage),
  ).catch(async (error) => {
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
): Promise<TableData<Piece>> {
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
  return lookedOver(table, demands, "check on", readWhole);
}

function requireWidth(table: Table, width: number | undefined): void {
  if (width === undefined || table.columns === width) return;
  throw new CommandError(
    `${table.file}: has ${table.columns} columns, the model takes ${width}; --columns chooses`,
    { file: table.file },
  );
}

/** Looks at every number of a table in order. */
type Look = (data: Numbers) => void;

/** All rows of a table as `read` stores them, checked for training. */
async function lookedOver<Rows extends Piece | DiskRows>(
  table: Table,
  demands: Demands,
  purpose: string,
  read: (table: Table, look: Look) => Promise<Rows>,
): Promise<TableData<Rows>> {
  const surveyor = new Surveyor(table.columns, table.names);
  const checksum = new Checksum(table.columns);
  const rows = await read(table, (data) => {
    surveyor.add(data);
    checksum.add(data);
  });
  try {
    await requireUsable(table, rows, surveyor, demands, purpose);
  } catch (error) {
    if (rows instanceof DiskRows) await rows.close();
    throw error;
  }
  const { facts, idColumns } = surveyor;
  const bytes = rows instanceof DiskRows ? rows.numberBytes : undefined;
  const fingerprint = { ...checksum.end(), ...(bytes === undefined ? {} : { bytes }) };
  return { table, rows, facts, fingerprint, idColumns };
}

/** The rows in memory, or on disk if they are too many. */
async function inMemoryOrOnDisk(
  table: Table,
  look: Look,
  { memory, beside }: Storage,
): Promise<Piece | DiskRows> {
  let all = new GatheredRows(table);
  let disk: DiskRows | undefined;
  try {
    for await (const piece of table.pieces()) {
      look(piece.data);
      if (disk) {
        await disk.append(piece.data);
        continue;
      }
      all.add(piece);
      if (all.byteLength <= memory) continue;
      disk = await DiskRows.create(beside, table.columns, piece.data);
      await disk.append(all.piece.data);
      all = new GatheredRows(table); // frees the rows in memory
    }
  } catch (error) {
    await disk?.close();
    throw error;
  }
  return disk ?? all.piece;
}

/** @throws CommandError for values that training refuses. */
async function requireUsable(
  table: Table,
  rows: Piece | DiskRows,
  { facts, emptyColumns: empty }: Surveyor,
  demands: Demands,
  purpose: string,
): Promise<void> {
  const { file } = table;
  if (facts.rows === 0)
    throw new CommandError(`${file}: there are no rows to ${purpose}`, { file });
  const refuse = async (at: number, why: (value: number) => string) => {
    const found = await placeOf(table, Math.floor(at / table.columns), at % table.columns);
    throw new CommandError(`${found.text}: ${why(await valueAt(rows, at))}`, found.place);
  };
  if (facts.firstInfinite >= 0) {
    await refuse(facts.firstInfinite, (value) =>
      Number.isFinite(value)
        ? `training wants numbers below 3.4e38, this one is ${value}`
        : `training wants finite numbers, this one is ${value}`,
    );
  }
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
      () => "no value here; --missing mask leaves such cells out, --missing mean fills them in",
    );
  }
  if (demands.loss === "bce" && demands.unscaled && facts.firstOutside >= 0) {
    await refuse(
      facts.firstOutside,
      (value) =>
        `the loss bce takes numbers between 0 and 1, this one is ${short(value)}; --scale minMax brings them there`,
    );
  }
}

/** The number at an index of the table. */
async function valueAt(rows: Piece | DiskRows, index: number): Promise<number> {
  if (!(rows instanceof DiskRows)) return rows.data[index]!;
  const { data } = await rows.read(Math.floor(index / rows.columns), 1);
  return data[index % rows.columns]!;
}

function tell({ table, rows, facts }: TableData, milliseconds: number, report: Reporter): void {
  const isOnDisk = rows instanceof DiskRows;
  const seconds = (milliseconds / 1000).toFixed(2);
  const size = `${grouped(facts.rows)} rows of ${grouped(facts.columns)}`;
  const range = `${short(facts.low)} to ${short(facts.high)}`;
  const gaps = facts.missing > 0 ? `, ${grouped(facts.missing)} values missing` : "";
  report.say(
    setting(
      "data",
      `${size}, from ${range}${gaps}`,
      `${formatText(table)}, read in ${seconds} s${isOnDisk ? ", kept on disk" : ""}`,
    ),
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
    onDisk: isOnDisk,
  }));
}

function warnOfIds({ table, idColumns: found }: TableData, report: Reporter): void {
  // If all columns count, this is intended.
  if (found.length === 0 || found.length === table.columns) return;
  const which = listed(found.map((column) => columnOf(table, column)));
  const what = found.length > 1 ? `columns ${which} seem` : `column ${which} seems`;
  const hint = withoutColumns(table, found);
  report.warn(
    `${table.file}: ${what} to number the rows, which says nothing of what is in them${hint && `; ${hint}`}`,
  );
}
