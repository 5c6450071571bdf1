// AnomalyDetector: which rows are odd, with what certainty, and why. It contains the encoder of the columns, an
// ensemble of models, and the scores of rows that the models have not seen.

import type { OwnBytes } from "../arrays.ts";
import { list, onlyKeys, record, wholeNumber } from "../checks.ts";
import {
  DisposedError,
  InvalidStateError,
  InvalidTypeError,
  InvalidValueError,
  show,
} from "../errors.ts";
import type { CellOptions } from "../formats/cell-values.ts";
import type { RuntimeOptions } from "../make.ts";
import { at } from "../math/order.ts";
import { runtimeKeys } from "../model/config.ts";
import { disposeKey } from "../platform/dispose.ts";
import { bytesOf } from "../platform/tags.ts";
import { finish, inTurns } from "../platform/turns.ts";
import type { Decision, Detection } from "./calibration.ts";
import { type Drift, DriftWatch } from "./drift.ts";
import { Ensemble, type ScoreKind } from "./ensemble.ts";
import type { Reason } from "./explain.ts";
import { encodeDetector } from "./file.ts";
import { decodeDetector } from "./file-read.ts";
import { type DetectorOptions, fitParts } from "./fit.ts";
import {
  type ExplainedEvent,
  type ExplainOptions,
  eventsOf,
  explainSource,
  judgeSource,
  judgesFor,
  type Parts,
  resolveExplaining,
  scoreSource,
  scoringApart,
  type TrainingResult,
} from "./parts.ts";
import { visiting } from "./passes.ts";
import { type DetectorReportOptions, detectorReport } from "./report.ts";
import type { SeriesState } from "./series/series.ts";
import { auroc, averagePrecision, decisionQuality, requireLabels } from "./statistics/ranking.ts";
import { DetectorStream } from "./stream.ts";
import type { ColumnSchema } from "./table/schema.ts";
import { type DetectorInput, readingSource, readSource } from "./table/source.ts";
import { type UpdateOptions, updateOptions, updateParts } from "./update.ts";
import type { Yardstick } from "./yardstick.ts";

/** The bytes of a file, or a source of them. */
export type DetectorSource = Bytes | PromiseLike<Bytes>;
type Bytes =
  | Uint8Array
  | ArrayBuffer
  | {
      /** The bytes of the file. */
      arrayBuffer(): Promise<ArrayBuffer>;
    };

/** How well scores and decisions agree with labels. */
export interface Evaluation {
  /** Area under the ROC curve of the scores, in [0, 1]; 0.5 for random scores. */
  readonly auroc: number;
  /** Area under the precision-recall curve of the scores, in [0, 1]. */
  readonly averagePrecision: number;
  /** Share of the flagged rows that are odd; 0 if none is flagged. */
  readonly precision: number;
  /** Share of the odd rows that are flagged. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 if both are 0. */
  readonly f1: number;
}

/** Options of `events`. */
export interface EventOptions {
  /** The most unflagged rows in sequence within one event. Default: the length of a window. */
  readonly patience?: number;
  /** How many events get reasons, those with the highest scores first. Each takes some milliseconds. Default: all. */
  readonly explained?: number;
  /**
   * Whether the rows are all training rows, in their order. Each event is then explained by the model that was trained without
   * it. Default false.
   */
  readonly areTraining?: boolean;
}

const eventKeys = [
  "patience",
  "explained",
  "areTraining",
] as const satisfies (keyof EventOptions)[];

/** The note about rows that are judged by models that have seen them. */
const LEARNED =
  "The detector has learned from these rows, so odd ones among them look too usual. detectTraining judges each training row by models that have not seen it.";

/** The resolved configuration of a detector. */
export interface DetectorConfig {
  /** How many models. */
  readonly models: number;
  /** Units of the layers of each model, from the features of a row or of a window to the code. */
  readonly layers: readonly number[];
  /** What the score measures: the reconstruction error, the distance of the code, or both. */
  readonly score: ScoreKind;
  /** The windows of a time series; undefined if rows are independent. */
  readonly window: SeriesState | undefined;
  /** The text format of numbers and missing values. */
  readonly cells: CellOptions;
  /** Number of rows whose scores are the reference for new scores. */
  readonly calibrationRows: number;
  /** Seed of folds, weights and noise. */
  readonly seed: number;
}

/** Learns what is normal from rows that are mostly normal. Reports which other rows are odd, with what certainty, and why. */
export class AnomalyDetector {
  /** Scores and p-values of the training rows. Each row is scored by models that have not seen it. */
  readonly training: TrainingResult;
  #parts: Parts | undefined;
  #updating = false;
  /** The training rows, for a note if they are judged. */
  #learned: WeakRef<DetectorInput> | undefined;
  #watch: DriftWatch;

  private constructor(parts: Parts, watch?: DriftWatch) {
    if (!(parts?.ensemble instanceof Ensemble)) {
      throw new InvalidTypeError(
        "A detector is not made with new. Use await AnomalyDetector.fit(rows), or await AnomalyDetector.load(bytes).",
      );
    }
    this.#parts = parts;
    this.#watch = watch ?? freshWatch(parts);
    this.training = parts.training;
  }

  /**
   * Learns what is normal from rows.
   * @param rows [rows, columns]: a matrix as a model takes it, an array of objects, or `{ columns: { name: values } }`
   * @throws (rejects) InvalidTypeError or InvalidValueError with the row and column that cannot be used;
   * `signal.reason` on an abort
   */
  static async fit(rows: DetectorInput, options?: DetectorOptions): Promise<AnomalyDetector> {
    const detector = new AnomalyDetector(await fitParts(rows, options));
    detector.#learned = new WeakRef(rows);
    return detector;
  }

  /** The kind of each column, and the reason for it. */
  get schema(): readonly ColumnSchema[] {
    return this.#live.encoder.state.schema;
  }

  /** Remarks about this detector: decisions, missing data and problems. */
  get notes(): readonly string[] {
    return this.#live.notes;
  }

  /**
   * How well it detects held-out rows with a swapped value, compared with principal components. Undefined without the
   * option `yardstick: true` of `fit`, for time series, and after loading.
   */
  get yardstick(): Yardstick | undefined {
    return this.#live.yardstick;
  }

  /** The configuration. */
  get config(): DetectorConfig {
    const { ensemble, series, calibration, encoder, policy, seed } = this.#live;
    const hidden =
      policy.components === undefined
        ? policy.hidden
        : [ensemble.members[0]?.state.codeMean.length ?? 0];
    return {
      models: ensemble.members.length,
      layers: [encoder.width * (series?.length ?? 1), ...hidden],
      score: ensemble.state.kind,
      window: series,
      cells: encoder.state.cells,
      calibrationRows: calibration.sorted.length,
      seed,
    };
  }

  /**
   * Scores of rows, [rows]: higher is odder. NaN for a row without any known value. 0 for rows of a series that are in no
   * window, for example between two gaps.
   */
  score(rows: DetectorInput): Float64Array {
    const parts = this.#live;
    return scoreSource(parts, readSource("rows", rows, parts.encoder.columns));
  }

  /**
   * Conformal p-values of rows, [rows], in (0, 1]: the chance that a row like those of training scores at least as
   * high. The smallest is 1 / (n + 1), where n is the number of calibration rows.
   */
  pValues(rows: DetectorInput): Float64Array {
    return this.#live.calibration.pValues(this.score(rows));
  }

  /**
   * Flags odd rows. Default `{ alpha: 0.01 }`.
   * @throws InvalidValueError for an alpha below 1 / (n + 1), with the number of calibration rows that it needs
   */
  detect(rows: DetectorInput, decision?: Decision): Detection {
    const parts = this.#live;
    const { calibration } = parts;
    const source = readSource("rows", rows, parts.encoder.columns);
    calibration.requireEnough(decision);
    const { score, notes } = judgeSource(parts, source);
    const detection = calibration.decide(score, decision);
    const learned = rows === this.#learned?.deref() ? [LEARNED] : [];
    return { ...detection, notes: [...learned, ...notes, ...detection.notes] };
  }

  /**
   * Flags odd rows among the training rows. Each row is judged by models that have not seen it, while `detect` of the same
   * rows would judge them by models that have. With `alpha` this is the oddest share of the rows, even if all are normal.
   * Default `{ alpha: 0.01 }`.
   * @throws InvalidValueError as `detect` does, and for a false discovery rate, which compares rows with other rows
   */
  detectTraining(decision?: Decision): Detection {
    return this.#live.calibration.decideTraining(this.training, decision);
  }

  /**
   * The score above which a decision flags rows. Default `{ alpha: 0.01 }`. A false discovery rate has no threshold without
   * rows.
   * @throws InvalidValueError as `detect` does
   */
  threshold(decision?: Decision): number {
    return this.#live.calibration.threshold(decision);
  }

  /**
   * How well scores and decisions agree with labels.
   * @param labels 1 (or true) for odd rows, 0 for normal ones
   */
  evaluate(
    rows: DetectorInput,
    labels: ArrayLike<number | boolean>,
    decision?: Decision,
  ): Evaluation {
    requireLabels("evaluate", labels);
    const { flagged, score } = this.detect(rows, decision);
    if (labels.length !== score.length) {
      throw new InvalidValueError(
        `evaluate needs one label for each row; got ${score.length} rows and ${labels.length} labels.`,
      );
    }
    return {
      auroc: auroc(score, labels),
      averagePrecision: averagePrecision(score, labels),
      ...decisionQuality(flagged, labels),
    };
  }

  /**
   * Why rows are odd: for each row its columns. Constants that changed and values that did not occur in training come first.
   * The other columns follow in descending order of the amount by which their expected value would lower the score. Takes
   * about a millisecond for each row. For training rows give `areTraining: true`.
   */
  explain(rows: DetectorInput, options?: ExplainOptions): Reason[][] {
    const parts = this.#live;
    const source = readSource("rows", rows, parts.encoder.columns);
    return explainSource(parts, source, resolveExplaining(parts, source.count, options));
  }

  /**
   * Consecutive flagged rows of a time series as events: the first and the last row, the oddest row, and the reasons of the
   * oddest row, the most important column first.
   * @param decision how rows are flagged, or the result of `detect` for these rows. Default `{ alpha: 0.01 }`
   * @throws InvalidStateError unless the detector was fitted with `window`
   */
  events(
    rows: DetectorInput,
    decision?: Decision | Detection,
    options: EventOptions = {},
  ): ExplainedEvent[] {
    const parts = this.#live;
    const { series } = parts;
    if (!series) {
      throw new InvalidStateError(
        "events are of rows that follow each other in time; this detector was fitted without window.",
      );
    }
    onlyKeys("events", record("The options of events", options), eventKeys);
    const patience = wholeNumber("patience", options.patience ?? series.length, 0);
    const explained =
      options.explained === undefined ? Infinity : wholeNumber("explained", options.explained, 0);
    const source = readSource("rows", rows, parts.encoder.columns);
    const judgeOf = judgesFor(parts, source.count, options.areTraining);
    const isJudged = typeof decision === "object" && decision !== null && "flagged" in decision;
    const detection = isJudged ? decision : this.detect(rows, decision);
    const { length } = list("flagged", detection.flagged);
    if (length !== source.count || list("score", detection.score).length !== length) {
      throw new InvalidValueError(
        `events needs what detect said of the same rows; got ${source.count} rows and a detection of ${length}.`,
      );
    }
    return eventsOf(parts, series, source, detection, patience, explained, judgeOf);
  }

  /**
   * A report about rows as one HTML page that needs no other files: the decision, the distribution of the scores, the
   * oddest rows with their reasons, the columns that are most often the reason, and whether rows have drifted.
   */
  report(rows: DetectorInput, options?: DetectorReportOptions): string {
    return detectorReport(this, rows, options);
  }

  /**
   * Continues learning from new rows that are mostly normal. Scales, models and calibration change, and old rows lose weight.
   * `drift` observes the scores of the rows before the update. Levels of categories and constants do not change.
   * @throws (rejects) as `fit` does; the detector is then unchanged
   */
  async update(rows: DetectorInput, options?: UpdateOptions): Promise<void> {
    const parts = this.#live;
    if (this.#updating) {
      throw new InvalidStateError(
        "The detector is being updated. Await that before the next update.",
      );
    }
    const settings = updateOptions(options);
    const { signal } = settings;
    const requireGoing = () => {
      if (signal?.aborted) throw signal.reason;
      if (this.#parts !== parts)
        throw new DisposedError("The detector was disposed during update.");
    };
    this.#updating = true;
    try {
      const work = inTurns(requireGoing);
      const source = await work(readingSource("rows", rows, parts.encoder.columns));
      const seen = await work(scoringApart(parts, source));
      const updated = await updateParts(parts, source, settings, work);
      if (this.#parts !== parts) {
        updated.ensemble.dispose();
        requireGoing();
      }
      this.#parts = updated;
      parts.ensemble.dispose();
      const observe = (i: number) => this.#watch.observe(at(seen, i));
      await inTurns()(visiting(seen.length, observe));
      this.#watch = this.#watch.afterUpdate(referenceScores(updated), seen.length);
    } finally {
      this.#updating = false;
    }
  }

  /**
   * Judges rows one at a time. For a table, `push` returns the same numbers as `detect` for all rows together. In a time
   * series the newest row is judged by the window that ends with it, and `settled` has the final numbers.
   * @throws InvalidValueError for a false discovery rate, which applies to many rows together
   */
  stream(decision?: Decision): DetectorStream {
    return new DetectorStream(() => ({ parts: this.#live, watch: this.#watch }), decision);
  }

  /**
   * Whether rows have drifted from the training rows: the rows that streams and `update` have seen, or the given
   * rows in their order. Given rows are not added to the others.
   */
  drift(rows?: DetectorInput): Drift {
    const parts = this.#live;
    if (rows === undefined) return this.#watch.drift;
    const watch = freshWatch(parts, this.#watch.reference);
    const source = readSource("rows", rows, parts.encoder.columns);
    const scores = finish(scoringApart(parts, source));
    for (let i = 0; i < scores.length; i++) watch.observe(at(scores, i));
    return watch.drift;
  }

  /** The detector as one safetensors file: models, calibration, columns, and the state of `drift`. */
  save(): OwnBytes {
    return encodeDetector(this.#live, this.#watch.state);
  }

  /**
   * Makes a detector from a file that `save` wrote. Its results are the same.
   * @param source bytes, a Blob, a Response, or a promise of one of these
   * @throws (rejects) FormatError for a file that is truncated, malformed, newer or of another kind
   */
  static async load(
    source: DetectorSource,
    runtime: RuntimeOptions = {},
  ): Promise<AnomalyDetector> {
    onlyKeys("load's runtime", record("load's runtime", runtime), runtimeKeys);
    const { parts, drift } = await decodeDetector(await bytesFrom(source), runtime);
    return new AnomalyDetector(parts, new DriftWatch(drift));
  }

  /** Frees the memory. Any later call throws a DisposedError. */
  dispose(): void {
    this.#parts?.ensemble.dispose();
    this.#parts = undefined;
  }

  [disposeKey](): void {
    this.dispose();
  }

  get #live(): Parts {
    if (this.#parts) return this.#parts;
    throw new DisposedError("This detector was disposed; its memory is gone. Fit or load another.");
  }
}

/** The scores with which `drift` compares: those of windows, if rows are a time series. */
const referenceScores = ({ calibration, windowCalibration }: Parts) =>
  (windowCalibration ?? calibration).scores;

/** A drift watch without observed rows. */
function freshWatch(parts: Parts, reference?: number): DriftWatch {
  return DriftWatch.start(referenceScores(parts), parts.series?.length ?? 1, reference);
}

async function bytesFrom(source: DetectorSource): Promise<Uint8Array> {
  const given = await source;
  if (typeof given === "string") {
    throw new InvalidTypeError(
      `The file of a detector must be given as bytes; got ${show(given)}. loadFrom of tied-autoencoder/store reads "file:" places.`,
    );
  }
  const isHolder = typeof given === "object" && given !== null && "arrayBuffer" in given;
  return bytesOf("The file of a detector", isHolder ? await given.arrayBuffer() : given);
}
