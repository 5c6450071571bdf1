// Merges consecutive flagged rows into events, each with its first and last row, its score and its oddest row.

import { at } from "../../math/order.ts";
import type { Segment } from "./segments.ts";

/** A stretch of flagged rows. Rows are counted from 0. */
export interface AnomalyEvent {
  /** Its first flagged row. */
  readonly start: number;
  /** Its last flagged row. */
  readonly end: number;
  /** Rows that are flagged. */
  readonly rows: number;
  /** The row with the highest score. */
  readonly peak: number;
  /** The score of that row. */
  readonly score: number;
}

/**
 * Events of flagged rows. More than `patience` unflagged rows in sequence end an event.
 * @param order numbers of the rows in order, `HOLE` for a missing reading; segments are ranges of it
 */
export function mergeEvents(
  flagged: ArrayLike<number>,
  score: ArrayLike<number>,
  order: ArrayLike<number>,
  segments: readonly Segment[],
  patience: number,
): AnomalyEvent[] {
  const events: AnomalyEvent[] = [];
  for (const { first, count } of segments) {
    let open: { -readonly [Key in keyof AnomalyEvent]: AnomalyEvent[Key] } | undefined;
    let last = first;
    for (let place = first; place < first + count; place++) {
      const row = at(order, place);
      if (!flagged[row]) continue;
      if (open && place - last <= patience + 1) {
        open.end = row;
        open.rows += 1;
        if (at(score, row) > open.score) {
          open.peak = row;
          open.score = at(score, row);
        }
      } else {
        open = { start: row, end: row, rows: 1, peak: row, score: at(score, row) };
        events.push(open);
      }
      last = place;
    }
  }
  return events;
}
