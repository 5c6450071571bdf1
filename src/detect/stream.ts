// Judges rows one at a time and returns a result for each at once. Rows of a table get the same numbers as in one call.
//
// In a time series the newest row is judged by the window that ends with it, compared with calibration windows. Its final
// score, the mean of all windows that cover it, is known when the last of them has ended. The row is then settled.

import type { Rows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { at } from "../math/order.ts";
import { type Calibration, type Decision, resolveDecision } from "./calibration.ts";
import type { DriftWatch } from "./drift.ts";
import type { Ensemble } from "./ensemble.ts";
import type { Parts } from "./parts.ts";
import { backwards, HOLE, missingBetween, stepBetween } from "./series/segments.ts";
import { columnOf, onLine, rhythmIn, type SeriesState, timesOf } from "./series/series.ts";
import { conformalPValue, eValue } from "./statistics/conformal.ts";
import type { Encoded } from "./table/encoder.ts";
import { type DetectorInput, readSource, type Source } from "./table/source.ts";

/** The judgement of one row. */
export interface JudgedRow {
  /** Its number, from 0, among the rows of the stream. */
  readonly row: number;
  /** Its score; higher is odder. */
  readonly score: number;
  /** Conformal p-value, in (0, 1]. */
  readonly pValue: number;
  /** Whether the score is above the threshold. */
  readonly flagged: boolean;
}

/** The result of a stream for one row. */
export interface StreamResult extends JudgedRow {
  /** Evidence against the row as an e-value: at most 1 on average for normal rows. Means of e-values are e-values too. */
  readonly eValue: number;
  /** Rows with a score above this are flagged. */
  readonly threshold: number;
  /** Rows with a final score, the same as from `detect`. In a table this is the row itself. */
  readonly settled: readonly JudgedRow[];
}

/** The parts of a detector. A stream reads them for every row, so that it follows `update`. */
export interface StreamHost {
  readonly parts: Parts;
  readonly watch: DriftWatch;
}

/** Judges rows one at a time. Made by `AnomalyDetector.stream`. */
export class DetectorStream {
  readonly #host: () => StreamHost;
  readonly #decision: Decision | undefined;
  /** Open series by their group. */
  readonly #open = new Map<unknown, OpenSeries>();
  /** Rows that were settled while the newest row had no result. */
  #settled: JudgedRow[] = [];
  #row = 0;

  /** @internal */
  constructor(host: () => StreamHost, decision: Decision | undefined) {
    if (resolveDecision(decision).name === "fdr") {
      throw new InvalidValueError(
        "fdr, the false discovery rate, is a share of all rows that are judged together, and a stream judges each row by itself. Take { alpha } or { pot }.",
      );
    }
    host().parts.calibration.threshold(decision); // throws if the decision is not possible
    this.#host = host;
    this.#decision = decision;
  }

  /**
   * Judges the next row: an object, or numbers in the order of the columns.
   * @returns undefined in a time series if no window ends with this row
   * @throws as `score` does, for a row that cannot be read; the stream is unchanged
   */
  push(row: object): StreamResult | undefined {
    const { parts, watch } = this.#host();
    if (typeof row !== "object" || row === null) {
      throw new InvalidTypeError(
        `push takes one row, an object or an array of numbers; got ${show(row)}.`,
      );
    }
    const source = readSource("the pushed rows", [row] as DetectorInput, parts.encoder.columns);
    const raw = parts.encoder.read(source, "the pushed rows");
    const answer = parts.series
      ? this.#pushSeries(parts, watch, parts.series, source, raw)
      : this.#pushRow(parts, watch, raw);
    this.#row += 1;
    return answer;
  }

  /** Ends the stream and settles the remaining rows. */
  end(): JudgedRow[] {
    const { parts } = this.#host();
    for (const open of this.#open.values()) this.#settle(parts, open.finish(parts.ensemble));
    this.#open.clear();
    return this.#settled.splice(0).sort((a, b) => a.row - b.row);
  }

  #pushRow({ encoder, ensemble, calibration }: Parts, watch: DriftWatch, raw: Rows): StreamResult {
    const score = at(ensemble.score(encoder.encode(raw, 0, 1)), 0);
    watch.observe(score);
    const judged = this.#judge(calibration, this.#row, score);
    return this.#answer(calibration, judged, [judged]);
  }

  #pushSeries(
    parts: Parts,
    watch: DriftWatch,
    series: SeriesState,
    source: Source,
    raw: Rows,
  ): StreamResult | undefined {
    const { groupBy } = series;
    const rhythm = rhythmIn(series);
    const group = groupBy === undefined ? undefined : columnOf(source, groupBy)[0];
    const time = timesOf(source, parts.encoder, series)?.[0];
    if (Number.isNaN(time)) throw new InvalidValueError(`Row ${this.#row} has no time.`);
    let open = this.#open.get(group);
    let missing = 0;
    if (open?.time !== undefined && time !== undefined) {
      const passed = stepBetween(open.time, time, rhythm);
      if (passed === "backwards") throw backwards("the stream", this.#row, "the one before", group);
      if (passed === "gap") {
        this.#settle(parts, open.finish(parts.ensemble));
        open = undefined;
      }
      if (passed === "usual") missing = missingBetween(open?.time ?? time, time, rhythm);
    }
    open ??= new OpenSeries(series);
    this.#open.set(group, open);
    open.time = time;
    const row = parts.encoder.encode(raw, 0, 1);
    const fields = parts.encoder.state.fields.length;
    for (const between of open.missingBefore(row, missing, fields)) {
      const { window, settled } = open.push(parts.ensemble, between, HOLE);
      this.#settle(parts, settled);
      if (window?.isApart) watch.observe(window.score);
    }
    const { window, settled } = open.push(parts.ensemble, row, this.#row);
    this.#settle(parts, settled);
    if (!window) return undefined;
    if (window.isApart) watch.observe(window.score);
    const calibration = parts.windowCalibration ?? parts.calibration;
    const judged = this.#judge(calibration, this.#row, window.score);
    return this.#answer(calibration, judged, this.#settled.splice(0));
  }

  #settle({ calibration }: Parts, scores: readonly SettledScore[]): void {
    for (const { row, score } of scores) {
      if (row !== HOLE) this.#settled.push(this.#judge(calibration, row, score));
    }
  }

  #judge(calibration: Calibration, row: number, score: number): JudgedRow {
    const pValue = conformalPValue(score, calibration.sorted);
    return { row, score, pValue, flagged: score > calibration.threshold(this.#decision) };
  }

  #answer(
    calibration: Calibration,
    judged: JudgedRow,
    settled: readonly JudgedRow[],
  ): StreamResult {
    const threshold = calibration.threshold(this.#decision);
    return { ...judged, eValue: eValue(judged.pValue), threshold, settled };
  }
}

interface SettledScore {
  readonly row: number;
  readonly score: number;
}

/** A row of an open series, with the scores of the windows that cover it so far. */
interface OpenRow {
  readonly row: number;
  readonly encoded: Encoded;
  sum: number;
  windows: number;
}

/** The current segment of a series, which has no gap. */
class OpenSeries {
  /** The time of its last row. */
  time: number | undefined;
  readonly #length: number;
  readonly #stride: number;
  /** The rows that a window may still cover, the newest last. */
  readonly #rows: OpenRow[] = [];
  #count = 0;
  /** Where the last window began, and where the last window began that shares no row with its predecessor. */
  #lastStart = -1;
  #apartStart = -Infinity;

  constructor({ length, stride }: SeriesState) {
    this.#length = length;
    this.#stride = stride;
  }

  /** Placeholders for `count` missing readings between the last row and the next, as in `frameSeries`. */
  missingBefore(next: Encoded, count: number, fields: number): Encoded[] {
    const last = this.#rows.at(-1)?.encoded.features;
    if (!last) return [];
    return Array.from({ length: count }, (_, i) => ({
      count: 1,
      features: onLine(last, next.features, (i + 1) / (count + 1)),
      missing: new Uint8Array(fields).fill(1),
      novelties: undefined,
    }));
  }

  /** Takes the next row or a placeholder. `window` of the result is the window that ends with it, if there is one. */
  push(
    ensemble: Ensemble,
    encoded: Encoded,
    row: number,
  ): { window: { score: number; isApart: boolean } | undefined; settled: SettledScore[] } {
    this.#rows.push({ row, encoded, sum: 0, windows: 0 });
    this.#count += 1;
    const start = this.#count - this.#length;
    const isEnd = start >= 0 && start % this.#stride === 0;
    const isApart = isEnd && start >= this.#apartStart + this.#length;
    const window = isEnd ? { score: this.#endWindow(ensemble, start), isApart } : undefined;
    if (isApart) this.#apartStart = start;
    // With a stride, an additional window may begin at `start` if the series ends now. So one more row is kept.
    const kept = this.#stride > 1 ? this.#length : this.#length - 1;
    const settled = this.#rows.splice(0, Math.max(0, this.#rows.length - kept)).map(settledScore);
    return { window, settled };
  }

  /** Ends the segment. If the stride leaves rows uncovered, an additional window covers them, as in `windowStarts`. */
  finish(ensemble: Ensemble): SettledScore[] {
    const start = this.#count - this.#length;
    if (start > this.#lastStart && this.#lastStart >= 0) this.#endWindow(ensemble, start);
    return this.#rows.splice(0).map(settledScore);
  }

  #endWindow(ensemble: Ensemble, start: number): number {
    const rows = this.#rows.slice(-this.#length);
    const score = at(ensemble.score(windowOf(rows.map(({ encoded }) => encoded))), 0);
    for (const row of rows) {
      if (Number.isNaN(score)) break;
      row.sum += score;
      row.windows += 1;
    }
    this.#lastStart = start;
    return score;
  }
}

function settledScore({ row, sum, windows }: OpenRow): SettledScore {
  return { row, score: sum / Math.max(1, windows) };
}

/** Consecutive encoded rows as one window. */
function windowOf(rows: readonly Encoded[]): Encoded {
  const [first] = rows;
  const width = first?.features.length ?? 0;
  const blocks = rows.find(({ missing }) => missing)?.missing?.length ?? 0;
  const features = new Float32Array(rows.length * width);
  const missing = blocks > 0 ? new Uint8Array(rows.length * blocks) : undefined;
  let novelties = 0;
  rows.forEach((row, step) => {
    features.set(row.features, step * width);
    if (row.missing) missing?.set(row.missing, step * blocks);
    novelties += row.novelties?.[0] ?? 0;
  });
  return {
    count: 1,
    features,
    missing,
    novelties: novelties > 0 ? Uint8Array.of(Math.min(255, novelties)) : undefined,
  };
}
