// Columns of numbers in which a few cells contain something else, such as a typing error or a word of a broken sensor. Readers
// take such a column as text, and a detector would leave it out. Here these few cells become missing values with a warning. Their
// words are missing values in later tables too.

import { timeOf } from "../../detect/table/schema.ts";
import { CellReader, MISSING } from "../../formats/cell-values.ts";
import type { TableColumn } from "../../formats/table.ts";
import { counted, grouped } from "../numbers.ts";
import type { Reporter } from "../report.ts";
import { quoted } from "../text.ts";
import { type DetectorTable, placeIn } from "./table.ts";

/** A column is one of numbers if at least this share of its values are numbers. */
const NUMBERS = 0.95;
/** With fewer values the share is unreliable. */
const FEWEST = 20;
/** Different words that are remembered. */
const MOST_WORDS = 100;

/** The table with such cells as missing values, and a warning. Columns whose kind the user states are unchanged. */
export function withoutTypos(table: DetectorTable, report: Pick<Reporter, "warn">): DetectorTable {
  const cells = new CellReader(table.cells);
  const words = new Set<string>();
  const columns = table.columns.map((column) =>
    Object.hasOwn(table.roles.kinds, column.name) ? column : repaired(column),
  );
  if (words.size === 0) return { ...table, columns };
  const missing = [...(table.cells.missing ?? MISSING), ...withoutLevels(words, columns)];
  return { ...table, columns, cells: { ...table.cells, missing } };

  function repaired(column: TableColumn): TableColumn {
    const { name, kind, values } = column;
    if (kind !== "text") return column;
    const numbers = new Float64Array(table.rows).map((_, row) => {
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
    for (const row of others) {
      numbers[row] = Number.NaN;
      if (words.size < MOST_WORDS) words.add((values[row] ?? "").trim());
    }
    return { name, kind: "number", values: numbers };
  }

  /** Only warns: a row without a time has no place in a series, so a wrong time cannot become a missing value. */
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

/** The words that are not values of columns of text. A missing value is missing in all columns. */
function withoutLevels(words: ReadonlySet<string>, columns: readonly TableColumn[]): string[] {
  const rest = new Set(words);
  for (const { kind, values } of columns) {
    if (kind === "text") for (const value of values) rest.delete(value.trim());
  }
  return [...rest];
}
