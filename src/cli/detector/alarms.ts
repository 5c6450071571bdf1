// What is flagged, put in order and explained: rows of a table, the oddest first; stretches of a time series, as
// they come.

import { mergeEvents } from "../../detect/series/events.ts";
import { type Ordering, orderRows } from "../../detect/series/segments.ts";
import { rhythmIn } from "../../detect/series/series.ts";
import { timeOf } from "../../detect/table/schema.ts";
import type { AnomalyDetector, Detection, Reason, SeriesState } from "../../detect.ts";
import { CellReader } from "../../formats/cell-values.ts";
import { cellText, type DetectorTable, rowsOf, someRows } from "./table.ts";

/** Rows of a table, judged. */
export interface Judged {
  readonly detector: AnomalyDetector;
  readonly table: DetectorTable;
  /** The first row that was judged; those before were only learned from. */
  readonly first: number;
  /** Of the rows from `first` on. */
  readonly detection: Detection;
}

/** A flagged row, or flagged rows of a time series that follow each other. Rows count from 0 in the table. */
export interface Alarm {
  /** The oddest row. */
  readonly row: number;
  /** The first and the last flagged row, and how many are flagged. */
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly score: number;
  readonly pValue: number;
  /** Columns, those with a value that training never saw first, then as `explain` orders them; empty where it was not explained. */
  readonly reasons: readonly Reason[];
}

/** All alarms: of a table the oddest first, of a series in its order. */
export function findAlarms(judged: Judged): Alarm[] {
  const { detector, first, detection } = judged;
  const { window } = detector.config;
  const { flagged, score, pValue } = detection;
  const alarm = (row: number, start: number, end: number, rows: number) => ({
    row: first + row,
    start: first + start,
    end: first + end,
    rows,
    score: score[row] ?? Number.NaN,
    pValue: pValue[row] ?? Number.NaN,
    reasons: [],
  });
  if (window === undefined) {
    const rows = [...flagged.keys()].filter((row) => flagged[row] === 1);
    rows.sort((a, b) => (score[b] ?? 0) - (score[a] ?? 0) || a - b);
    return rows.map((row) => alarm(row, row, row, 1));
  }
  const { rows: order, segments } = orderOf(judged, window);
  const events = mergeEvents(flagged, score, order, segments, window.length);
  return events
    .map(({ peak, start, end, rows }) => alarm(peak, start, end, rows))
    .sort((a, b) => a.start - b.start);
}

/** The judged rows, series by series. */
function orderOf({ table, first }: Judged, { time, groupBy, ...learned }: SeriesState): Ordering {
  const reader = new CellReader(table.cells);
  const count = table.rows - first;
  const valuesOf = (name: string): ArrayLike<unknown> =>
    table.columns.find((column) => column.name === name)?.values ?? [];
  const own = <Value>(name: string | undefined, read: (value: unknown) => Value) => {
    if (name === undefined) return undefined;
    const values = valuesOf(name);
    return Array.from({ length: count }, (_, row) => read(values[first + row]));
  };
  const times = own(time, (value) => timeOf(value, reader) ?? 0);
  return orderRows(
    {
      count,
      times: times && Float64Array.from(times),
      groups: own(groupBy, (value) => value),
      name: table.file,
    },
    rhythmIn(learned),
  );
}

/** The same alarms with their reasons. Takes some milliseconds each. */
export function explainAlarms(
  { detector, table }: Pick<Judged, "detector" | "table">,
  alarms: readonly Alarm[],
): Alarm[] {
  const { window } = detector.config;
  if (window === undefined) {
    if (alarms.length === 0) return [];
    const reasons = detector.explain(
      someRows(
        table,
        alarms.map(({ row }) => row),
      ),
    );
    return alarms.map((alarm, i) => ({ ...alarm, reasons: newFirst(reasons[i] ?? []) }));
  }
  return alarms.map((alarm) => {
    const rows = around(table, alarm.row, window.length, window.groupBy);
    const reasons = detector.explain(someRows(table, rows))[rows.indexOf(alarm.row)] ?? [];
    const placed = reasons.map((reason) =>
      reason.when === undefined ? reason : { ...reason, when: rows[reason.when] ?? alarm.row },
    );
    return { ...alarm, reasons: newFirst(placed) };
  });
}

/** What training never saw says most. */
export const newFirst = (reasons: readonly Reason[]): Reason[] => {
  const isNew = ({ probability }: Reason) => probability === 0;
  return [...reasons.filter(isNew), ...reasons.filter((reason) => !isNew(reason))];
};

/** The rows of the same series that windows over a row cover. */
function around(
  table: DetectorTable,
  row: number,
  length: number,
  groupBy: string | undefined,
): number[] {
  const group = (other: number) => (groupBy === undefined ? "" : cellText(table, groupBy, other));
  const side = (step: 1 | -1) => {
    const found: number[] = [];
    for (let other = row + step; other >= 0 && other < table.rows; other += step) {
      if (found.length === length) break;
      if (group(other) === group(row)) found.push(other);
    }
    return found;
  };
  return [...side(-1).reverse(), row, ...side(1)];
}

/** Judges rows: those of a table of their own, or those from `first` on of the table that was learned from. */
export function judgeRows(
  detector: AnomalyDetector,
  table: DetectorTable,
  decide: (rows: ReturnType<typeof rowsOf>) => Detection,
  first: number,
): Judged {
  // All rows of a series, so that the first windows are whole.
  const isSeries = detector.config.window !== undefined;
  const all = decide(
    rowsOf(table, isSeries ? 0 : first, isSeries || first === 0 ? undefined : table.rows),
  );
  if (!isSeries || first === 0) return { detector, table, first, detection: all };
  const detection = {
    flagged: all.flagged.slice(first),
    score: all.score.slice(first),
    pValue: all.pValue.slice(first),
    threshold: all.threshold,
    notes: all.notes,
  };
  return { detector, table, first, detection };
}

/** The oddest of the alarms, in their order. */
export function oddest(alarms: readonly Alarm[], most: number): Alarm[] {
  const kept = new Set([...alarms].sort((a, b) => b.score - a.score).slice(0, most));
  return alarms.filter((alarm) => kept.has(alarm));
}
