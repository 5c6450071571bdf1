// Columns of numbers in which a few cells hold something else: a typing error, a word of a broken sensor. Such a column is
// text to a reader, and a detector would leave it out. Here the few cells are taken as missing, and are told.

import { timeOf } from "../../detect/table/schema.ts";
import { CellReader } from "../../formats/cell-values.ts";
import type { TableColumn } from "../../formats/table.ts";
import { counted, grouped } from "../numbers.ts";
import type { Reporter } from "../report.ts";
import { quoted } from "../text.ts";
import { type DetectorTable, placeIn } from "./table.ts";

/** A column is one of numbers where at least this share of its values is. */
const NUMBERS = 0.95;
/** With fewer values a share says little. */
const FEWEST = 20;

/** The table with such cells taken as missing; warns of them. Columns that the user has named a kind for stay as they are. */
export function withoutTypos(table: DetectorTable, report: Pick<Reporter, "warn">): DetectorTable {
  const cells = new CellReader(table.cells);
  const columns = table.columns.map((column) =>
    Object.hasOwn(table.roles.kinds, column.name) ? column : repaired(column),
  );
  return { ...table, columns };

  function repaired(column: TableColumn): TableColumn {
    const { name, kind, values } = column;
    if (kind !== "text") return column;
    const numbers = Float64Array.from({ length: table.rows }, (_, row) => {
      return cells.number((values[row] ?? "").trim()) ?? Number.POSITIVE_INFINITY;
    });
    const isOther = (row: number) => numbers[row] === Number.POSITIVE_INFINITY;
    const known = numbers.reduce((sum, number) => sum + (Number.isNaN(number) ? 0 : 1), 0);
    const others = [...numbers.keys()].filter(isOther);
    const [first] = others;
    if (first === undefined || known < FEWEST) return column;
    if (known - others.length < NUMBERS * known) {
      warnOfTimes(column);
      return column;
    }
    const cell = `${table.file}: ${placeIn(table, first)}, column ${quoted(name)}: ${quoted(values[first] ?? "")} is no number`;
    const more =
      others.length === 1
        ? "it is taken as missing"
        : `with ${counted(others.length - 1, "other cell")} it is taken as missing`;
    report.warn(
      `${cell}, as ${grouped(known - others.length)} of ${grouped(known)} values are; ${more}`,
    );
    for (const row of others) numbers[row] = Number.NaN;
    return { name, kind: "number", values: numbers };
  }

  /** Without a time a row has no place in a series: nothing stands for a wrong one. */
  function warnOfTimes({ name, values }: TableColumn): void {
    const rows = Array.from({ length: table.rows }, (_, row) => row);
    const isTime = (row: number) => timeOf(values[row], cells) !== undefined;
    const others = rows.filter((row) => !isTime(row));
    const [first] = others;
    if (first === undefined || others.length > (1 - NUMBERS) * rows.length) return;
    report.warn(
      `${table.file}: ${placeIn(table, first)}, column ${quoted(name)}: ${quoted(String(values[first]))} is no time, as ${grouped(rows.length - others.length)} of ${grouped(rows.length)} values are; the column orders no rows`,
    );
  }
}
