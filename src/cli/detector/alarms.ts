// Sorts and explains flagged rows. Rows of a table are sorted by their score, the oddest first. Events of a time series are
// in order of time.

import type { AnomalyDetector, Detection, Reason } from "../../detect.ts";
import { type DetectorTable, rowsOf } from "./table.ts";

/** The judgement of the rows of a table. */
export interface Judged {
  readonly detector: AnomalyDetector;
  readonly table: DetectorTable;
  /** The first judged row. The rows before it are only training rows. */
  readonly first: number;
  /** Whether the judged rows are the training rows, each judged by models that have not seen it. */
  readonly areTraining?: boolean;
  /** Of the rows from `first` on. */
  readonly detection: Detection;
}

/** A flagged row of a table, or an event of a time series. Rows of the table count from 0. */
export interface Alarm {
  /** The oddest row. */
  readonly row: number;
  /** The first and the last flagged row, and how many are flagged. */
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly score: number;
  readonly pValue: number;
  /** Columns, in the order of `explain`; empty if the alarm was not explained. */
  readonly reasons: readonly Reason[];
}

/**
 * All alarms: for a table the oddest first, for a series in order of time. The `explained` oddest get reasons, which take
 * some milliseconds each.
 * @param patience the most unflagged rows in sequence within one event. Default: the length of a window
 */
export function findAlarms(judged: Judged, explained: number, patience?: number): Alarm[] {
  return judged.detector.config.window === undefined
    ? oddRows(judged, explained)
    : stretches(judged, explained, patience);
}

function oddRows(
  { detector, table, first, detection, areTraining = false }: Judged,
  explained: number,
): Alarm[] {
  const { flagged, score, pValue } = detection;
  const rows = [...flagged.keys()].filter((row) => flagged[row] === 1);
  rows.sort((a, b) => (score[b] ?? 0) - (score[a] ?? 0) || a - b);
  const asked = rows.slice(0, explained).map((row) => first + row);
  const reasons =
    asked.length > 0 ? detector.explain(rowsOf(table), { rows: asked, areTraining }) : [];
  return rows.map((own, i) => {
    const row = first + own;
    return {
      row,
      start: row,
      end: row,
      rows: 1,
      score: score[own] ?? Number.NaN,
      pValue: pValue[own] ?? Number.NaN,
      reasons: reasons[i] ?? [],
    };
  });
}

function stretches(
  { detector, table, first, detection, areTraining = false }: Judged,
  explained: number,
  patience: number | undefined,
): Alarm[] {
  // All rows, so that the windows over the first judged rows are complete.
  const flagged = new Uint8Array(table.rows);
  const score = new Float64Array(table.rows);
  const pValue = new Float64Array(table.rows).fill(1);
  flagged.set(detection.flagged, first);
  score.set(detection.score, first);
  pValue.set(detection.pValue, first);
  const all = { ...detection, flagged, score, pValue };
  const options = { explained, areTraining, ...(patience === undefined ? {} : { patience }) };
  return detector.events(rowsOf(table), all, options).map(({ peak, ...event }) => ({
    ...event,
    row: peak,
    pValue: pValue[peak] ?? Number.NaN,
  }));
}

/** Judges the rows of a separate table, or the rows from `first` on of the table with the training rows. */
export function judgeRows(
  detector: AnomalyDetector,
  table: DetectorTable,
  decide: (rows: ReturnType<typeof rowsOf>) => Detection,
  first: number,
): Judged {
  // All rows of a series, so that the first windows are complete.
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

/** The oddest alarms, in the order of all alarms. */
export function oddest(alarms: readonly Alarm[], most: number): Alarm[] {
  const kept = new Set([...alarms].sort((a, b) => b.score - a.score).slice(0, most));
  return alarms.filter((alarm) => kept.has(alarm));
}
