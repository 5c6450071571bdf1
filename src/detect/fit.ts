// Fits a detector. Rows are read, split, arranged as samples and cross-fitted. The scores of samples that the
// models have not seen are the calibration.

import { callback, choice, finiteNumber, onlyKeys, record, wholeNumber } from "../checks.ts";
import { OrderedRows, type Rows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { CellOptions } from "../formats/cell-values.ts";
import type { RuntimeOptions } from "../make.ts";
import { ascending, at, smallest, sortedQuantile } from "../math/order.ts";
import { runtimeKeys } from "../model/config.ts";
import { type InTurns, inTurns, type Paused } from "../platform/turns.ts";
import type { AbortSignalLike } from "../training/fit-options.ts";
import { Calibration, unknownRows } from "./calibration.ts";
import { type CrossFit, Ensemble, type ScoreKind } from "./ensemble.ts";
import { blockFolds, type Folds, randomFolds, seenSamples, within } from "./folds.ts";
import type { TrainingHooks } from "./member.ts";
import { type Parts, rowBlocks, scoringSource } from "./parts.ts";
import { filling, filteringNumbers } from "./passes.ts";
import {
  choosesLoss,
  type DetectorModel,
  forColumns,
  LINEAR,
  narrowPolicy,
  type Policy,
  resolvePolicy,
  STANDARD,
  TRIMMED_SHARE,
  withChoices,
  withoutNeighbours,
} from "./policy.ts";
import { permutation, type Random, random } from "./random.ts";
import { range, rowSamples, type Samples } from "./samples.ts";
import {
  bringingToRows,
  covered,
  fitSeries,
  framingSeries,
  resolveWindow,
  type SeriesState,
  type WindowOptions,
} from "./series/series.ts";
import { conformalPValue, leaveOneOutPValue, smallestAlpha } from "./statistics/conformal.ts";
import { Encoder } from "./table/encoder.ts";
import { answerNotes, type ColumnsOption } from "./table/schema.ts";
import { type DetectorInput, readingSource, type Source, someOf } from "./table/source.ts";
import { type Yardstick, yardstick } from "./yardstick.ts";

/** Options of `AnomalyDetector.fit`. Every option may be left out. */
export interface DetectorOptions extends RuntimeOptions {
  /** Names of the columns, or the kind of each: `{ price: "number", country: "category" }`. Default: guessed from the values. */
  columns?: ColumnsOption;
  /** The text format of numbers and missing values: `{ decimal: ",", thousands: ".", units: ["%"] }`. Default: English numbers. */
  cells?: CellOptions;
  /** For a time series: the length of its windows, "auto", or an object of options. Default: rows are independent. */
  window?: number | "auto" | WindowOptions;
  /**
   * What the score measures: the reconstruction error, the distance of the code, or both. Default "auto": both. In time
   * series of several columns the weight of the distance is a tenth.
   */
  score?: "auto" | ScoreKind;
  /** The number of models, or their configuration. Default: 3 models of the layers [128, 64]; 5 linear ones with `window`. */
  model?: number | DetectorModel;
  /**
   * The calibration rows, whose scores are the reference for new scores. "cross", the default: all rows, each scored by
   * the model that was trained without it. A number: this share of the rows, which training does not use (in a series the
   * last ones). Rows: these rows.
   */
  calibration?: "cross" | number | DetectorInput;
  /**
   * The estimated share of odd rows among the training rows, at most 0.5, or "auto". The models are then trained twice, the
   * second time without the oddest three tenths of the rows. Default: all rows are normal.
   */
  contamination?: number | "auto";
  /**
   * Measure how well the detector detects held-out rows with a swapped value, compared with principal components. The result
   * is the property `yardstick` of the detector. Uses up to 2,000 rows and takes additional time. Default false.
   */
  yardstick?: boolean;
  /** Seed of folds, weights and noise: a whole number. Default 42. */
  seed?: number;
  /** Aborting rejects with `signal.reason`. Default: none. */
  signal?: AbortSignalLike;
  /** Called after every epoch of every model; never for the linear models of windows, which have no epochs. Default: none. */
  onEpoch?: (record: DetectorEpoch) => unknown;
  /** Called during training with the progress. Default: none. */
  onProgress?: (record: DetectorProgress) => unknown;
}

/** One finished epoch of one model, the argument of `onEpoch`. */
export interface DetectorEpoch {
  /** The number of the model, from 0. A second pass continues the count. */
  readonly model: number;
  /** Number of the epoch, from 0. */
  readonly epoch: number;
  /** Mean training loss of the epoch. */
  readonly loss: number;
}

/** The progress of training, the argument of `onProgress`. */
export interface DetectorProgress {
  /** Share of the training that is done, in [0, 1]. */
  readonly done: number;
  /** The number of the model that is being trained, from 0. */
  readonly model: number;
  /** The number of models. */
  readonly models: number;
}

const OPTION_KEYS = [
  "columns",
  "cells",
  "window",
  "score",
  "model",
  "calibration",
  "contamination",
  "yardstick",
  "seed",
  "signal",
  "onEpoch",
  "onProgress",
  ...runtimeKeys,
] as const satisfies readonly (keyof DetectorOptions)[];

/** The fewest training rows. */
const FEWEST_ROWS = 5;
/** The most training rows whose values are tried in explanations, and the quantiles of these values. */
const MOST_FOR_QUANTILES = 2000;
const QUANTILES = [0.005, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.995];

/** Learns the parts of a detector from rows. */
export async function fitParts(rows: DetectorInput, options?: DetectorOptions): Promise<Parts> {
  const settings = record("The options of fit", options) as DetectorOptions;
  onlyKeys("AnomalyDetector.fit", settings, OPTION_KEYS);
  callback("onEpoch", settings.onEpoch);
  callback("onProgress", settings.onProgress);
  const kind = choice("score", settings.score ?? "auto", [
    "auto",
    "residual",
    "distance",
    "combined",
  ]);
  const seed = wholeNumber("seed", settings.seed ?? 42, 0);
  const contamination = resolveContamination(settings.contamination);
  const window = resolveWindow(settings.window);
  const { signal } = settings;
  const work = inTurns(() => {
    if (signal?.aborted) throw signal.reason;
  });
  const source = await work(readingSource("rows", rows, namesGiven(rows, settings.columns)));
  if (source.count < FEWEST_ROWS) throw tooFewRows(source.count);
  const columns = withGroup(source, settings.columns, window);
  const asChoices = window === undefined && choosesLoss(settings.model);
  const encoder = await work(Encoder.fitting(source, columns, settings.cells, asChoices));
  const split = await work(
    splitCalibration(source, settings.calibration ?? "cross", encoder, seed, window !== undefined),
  );
  const raw = await work(encoder.reading(split.training));
  const fitted = window && (await work(fitSeries(window, encoder, split.training, raw)));
  const series = fitted?.state;
  const frame = await work(
    series ? seriesFrame(series, encoder, split.training, raw) : tableFrame(encoder, raw),
  );
  if (frame.samples.count < FEWEST_ROWS) {
    throw new InvalidValueError(
      `A detector needs at least ${FEWEST_ROWS} windows to learn what is normal; windows of ${series?.length ?? 1} rows leave ${frame.samples.count}. Take shorter windows, or a longer series.`,
    );
  }
  const shape = resolvePolicy(
    settings.model,
    frame.samples.width,
    series ? frame.samples.width : encoder.columns,
    series ? LINEAR : STANDARD,
  );
  const { fields } = encoder.state;
  const chosen = withChoices(shape, fields);
  const scored = series && kind === "auto" ? forColumns(chosen, fields.length) : chosen;
  const policy = contamination === undefined ? scored : withoutNeighbours(scored);
  const notes = [
    ...answerNotes(encoder.state.schema),
    ...split.notes,
    ...(fitted?.notes ?? []),
    ...rowNotes(raw.count, encoder, policy),
    ...seriesNotes(raw.count, series),
  ];
  const fitting = new Fitting(
    frame,
    policy,
    kind === "auto" ? "combined" : kind,
    seed,
    settings,
    work,
    notes,
  );
  const fit = await fitting.run(contamination);
  const { ensemble, scores, heldOut, seen, yardstick: measured } = fit;
  try {
    const own = await work(frame.toRows(scores));
    const isSeen = frame.rowsOf(seen);
    const calibrationScores = await work(
      split.calibration
        ? scoringSource({ encoder, series, ensemble }, split.calibration, "calibration")
        : filteringNumbers(own, (row) => frame.isJudged(row) && isSeen[row] !== 1),
    );
    const calibration = new Calibration(calibrationScores);
    const windowScores =
      series && (await work(filteringNumbers(scores, (sample) => seen[sample] !== 1)));
    const all = new Float64Array(source.count).fill(Number.NaN);
    split.trainingRows.forEach((row, i) => {
      all[row] = at(own, i);
    });
    split.calibrationRows.forEach((row, i) => {
      all[row] = at(calibrationScores, i);
    });
    const judges = judgesOf(frame, fit.folds, raw.count);
    const judgeOf = new Int32Array(source.count).fill(-1);
    split.trainingRows.forEach((row, i) => {
      judgeOf[row] = at(judges, i);
    });
    const pValue = await work(
      trainingPValues(all, split.calibration ? undefined : isSeen, calibration),
    );
    const values = await work(fieldValues(encoder, raw));
    return {
      encoder,
      series,
      ensemble,
      calibration,
      windowCalibration: windowScores && new Calibration(windowScores),
      explanation: { heldOut, values },
      training: { score: all, pValue },
      judgeOf,
      notes: [...notes, ...unknownRows(all)],
      seed,
      policy,
      runtime: runtimeOf(settings),
      yardstick: measured,
    };
  } catch (error) {
    ensemble.dispose();
    throw error;
  }
}

/**
 * The p-values of training rows. A calibration row is compared with the other calibration rows.
 * @param isSeen marks the rows that are not calibration rows; undefined if other rows are the calibration
 */
function trainingPValues(
  scores: Float64Array,
  isSeen: Uint8Array | undefined,
  { sorted }: Calibration,
): Paused<Float64Array> {
  return filling(scores.length, (row) => {
    const isOther = isSeen === undefined || isSeen[row] === 1;
    const pValue = isOther ? conformalPValue : leaveOneOutPValue;
    return pValue(at(scores, row), sorted);
  });
}

/** The mapping from training rows to samples and back. */
interface Frame {
  readonly samples: Samples;
  folds(count: number, random: Random): Folds;
  /** Folds of some of the samples. */
  foldsOf(samples: Uint32Array, count: number, random: Random): Folds;
  toRows(scores: Float64Array): Paused<Float64Array>;
  /** Marks the rows that are in a marked sample. */
  rowsOf(marked: Uint8Array): Uint8Array;
  /** Whether a row is in a sample. */
  isJudged(row: number): boolean;
}

/**
 * For each row the number of the model that holds out a sample with this row; -1 if no model does. In a series that model
 * has seen no window with the row.
 */
function judgesOf(
  { samples, rowsOf }: Pick<Frame, "samples" | "rowsOf">,
  folds: Folds,
  rows: number,
): Int32Array {
  const judges = new Int32Array(rows).fill(-1);
  for (let k = 0; k < folds.count; k++) {
    const held = new Uint8Array(samples.count);
    for (const sample of folds.heldOut(k)) held[sample] = 1;
    rowsOf(held).forEach((isHeld, row) => {
      if (isHeld === 1) judges[row] = k;
    });
  }
  return judges;
}

function* tableFrame(encoder: Encoder, raw: Rows): Paused<Frame> {
  const samples = rowSamples(yield* encoder.encoding(raw, 0, raw.count), rowBlocks(encoder));
  return {
    samples,
    folds: (count, random) => randomFolds(samples.count, count, random),
    foldsOf: (some, count, random) => within(some, randomFolds(some.length, count, random)),
    *toRows(scores) {
      yield;
      return scores;
    },
    rowsOf: (marked) => marked,
    isJudged: () => true,
  };
}

function* seriesFrame(
  series: SeriesState,
  encoder: Encoder,
  source: Source,
  raw: Rows,
): Paused<Frame> {
  const framed = yield* framingSeries(series, encoder, source, raw, rowBlocks(encoder));
  const { samples, starts, segmentOf } = framed;
  const rowsOf = (marked: Uint8Array) => covered(framed, series.length, marked);
  const inWindow = rowsOf(new Uint8Array(samples.count).fill(1));
  return {
    samples,
    rowsOf,
    folds: (count, random) => blockFolds(starts, segmentOf, series.length, count, random),
    foldsOf(some, count, random) {
      const own = (values: Uint32Array) => some.map((i) => at(values, i));
      return within(some, blockFolds(own(starts), own(segmentOf), series.length, count, random));
    },
    toRows: (scores) => bringingToRows(framed, series.length, scores),
    isJudged: (row) => inWindow[row] === 1,
  };
}

interface Fitted extends CrossFit {
  readonly folds: Folds;
  /** 1 for samples that are scored by a model that has seen them. */
  readonly seen: Uint8Array;
  readonly yardstick: Yardstick | undefined;
}

/** One call of `fit`: trains the ensemble, twice if some of the rows may be odd. */
class Fitting {
  readonly #frame: Frame;
  readonly #policy: Policy;
  readonly #kind: ScoreKind;
  readonly #seed: number;
  readonly #options: DetectorOptions;
  readonly #work: InTurns;
  readonly #notes: string[];
  #model = -1;
  #models = 0;

  constructor(
    frame: Frame,
    policy: Policy,
    kind: ScoreKind,
    seed: number,
    options: DetectorOptions,
    work: InTurns,
    notes: string[],
  ) {
    this.#frame = frame;
    this.#policy = policy;
    this.#kind = kind;
    this.#seed = seed;
    this.#options = options;
    this.#work = work;
    this.#notes = notes;
  }

  async run(contamination: number | "auto" | undefined): Promise<Fitted> {
    const { samples } = this.#frame;
    const all = this.#frame.folds(this.#foldCount(samples.count), random(this.#seed, 0));
    if (contamination === undefined) {
      this.#models = all.count;
      return this.#crossFit(all, this.#policy, this.#seed);
    }
    this.#models = 2 * all.count;
    const first = await this.#crossFit(all, narrowPolicy(this.#policy, samples.width), this.#seed);
    first.ensemble.dispose();
    const kept = smallest(
      first.scores,
      Math.max(FEWEST_ROWS, Math.round(samples.count * (1 - TRIMMED_SHARE))),
    );
    const folds = this.#frame.foldsOf(kept, this.#foldCount(kept.length), random(this.#seed, 1));
    return this.#crossFit(folds, this.#policy, this.#seed + 1);
  }

  #foldCount(samples: number): number {
    return Math.min(this.#policy.models, samples);
  }

  async #crossFit(folds: Folds, policy: Policy, seed: number): Promise<Fitted> {
    const { signal, onEpoch, onProgress } = this.#options;
    const runtime = runtimeOf(this.#options);
    const hooks: TrainingHooks & { onMember: (member: number) => void } = {
      signal,
      work: this.#work,
      onMember: () => {
        this.#model += 1;
      },
      onStep:
        onProgress &&
        ((done, of) => {
          const share = (this.#model + done / of) / this.#models;
          onProgress({ done: share, model: this.#model, models: this.#models });
        }),
      onEpoch: onEpoch && ((epoch, loss) => void onEpoch({ model: this.#model, epoch, loss })),
      note: (text) => this.#notes.push(text),
    };
    const { samples } = this.#frame;
    const fit = await Ensemble.crossFit(samples, folds, this.#kind, policy, seed, runtime, hooks);
    // Comparing principal components with themselves is useless.
    const isMeasured = this.#options.yardstick === true && policy.components === undefined;
    const { ensemble } = fit;
    try {
      const quiet = { signal, work: this.#work, note: () => {} };
      return {
        ...fit,
        folds,
        seen: seenSamples(folds, samples.count),
        yardstick: isMeasured
          ? await yardstick(samples, folds, ensemble, seed, runtime, quiet)
          : undefined,
      };
    } catch (error) {
      ensemble.dispose();
      throw error;
    }
  }
}

function runtimeOf(options: RuntimeOptions): RuntimeOptions {
  const given = runtimeKeys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, options[key]]));
}

/** The width of a flat array, given by the names of the columns. */
function namesGiven(rows: DetectorInput, columns: ColumnsOption | undefined): number | undefined {
  if (!ArrayBuffer.isView(rows) || columns === undefined) return undefined;
  return Array.isArray(columns) ? columns.length : Object.keys(columns).length;
}

/** The columns of the caller. The column that groups rows is not learned. */
function withGroup(
  source: Source,
  columns: ColumnsOption | undefined,
  window: WindowOptions | undefined,
): ColumnsOption | undefined {
  const groupBy = window?.groupBy;
  if (groupBy === undefined || source.kind === "matrix") return columns;
  if (!Array.isArray(columns)) return { ...columns, [groupBy]: "ignore" };
  const ignored = source.names.filter((name) => !columns.includes(name) || name === groupBy);
  return Object.fromEntries(ignored.map((name) => [name, "ignore"] as const));
}

interface CalibrationSplit {
  readonly training: Source;
  readonly calibration: Source | undefined;
  /** Remarks about the calibration rows. */
  readonly notes: readonly string[];
  /** The numbers of the training rows among the given rows, and those of the calibration rows. */
  readonly trainingRows: Uint32Array;
  readonly calibrationRows: Uint32Array;
}

/** Selects the rows for training and for calibration. */
function* splitCalibration(
  source: Source,
  calibration: "cross" | number | DetectorInput,
  encoder: Encoder,
  seed: number,
  isSeries: boolean,
): Paused<CalibrationSplit> {
  const { count } = source;
  const all = range(0, count);
  const none = new Uint32Array(0);
  if (typeof calibration === "string") {
    choice("calibration", calibration, ["cross"]);
    return {
      training: source,
      calibration: undefined,
      trainingRows: all,
      calibrationRows: none,
      notes: [],
    };
  }
  if (typeof calibration !== "number") {
    const rows = yield* readingSource("calibration", calibration, encoder.columns);
    if (rows.count === 0) throw new InvalidValueError("calibration has no rows.");
    yield* encoder.reading(rows, "calibration"); // throws for rows with wrong columns before training starts
    return {
      training: source,
      calibration: rows,
      trainingRows: all,
      calibrationRows: none,
      notes: unknownColumns(source, rows),
    };
  }
  finiteNumber("calibration", calibration);
  const held = Math.round(count * calibration);
  if (calibration <= 0 || calibration >= 1 || held < 1 || count - held < FEWEST_ROWS) {
    throw new InvalidValueError(
      `calibration must be a share of the rows that leaves at least one to calibrate with and ${FEWEST_ROWS} to train on; got ${calibration} of ${count} rows.`,
    );
  }
  // Rows of a series stay in order. The last ones are the calibration.
  const order = isSeries ? all : permutation(count, random(seed, 2));
  const trainingRows = order.slice(0, count - held).sort();
  const calibrationRows = order.slice(count - held).sort();
  return {
    training: someOf(source, trainingRows),
    calibration: someOf(source, calibrationRows),
    trainingRows,
    calibrationRows,
    notes: [],
  };
}

/** A note with the columns that the calibration rows have and the training rows do not, for example a label. */
function unknownColumns(training: Source, calibration: Source): string[] {
  if (training.kind === "matrix" || calibration.kind === "matrix") return [];
  const others = calibration.names.filter((name) => !training.names.includes(name));
  if (others.length === 0) return [];
  const names = others.map((name) => show(name)).join(", ");
  return [
    `calibration has columns that the training rows do not have: ${names}. They are left out. If they are labels, calibrate with the normal rows alone.`,
  ];
}

/** For each number field, quantiles of its encoded values, ascending; none for categories. */
function* fieldValues(encoder: Encoder, raw: Rows): Paused<Float64Array[]> {
  const stride = Math.max(1, Math.ceil(raw.count / MOST_FOR_QUANTILES));
  const some = new OrderedRows(
    raw,
    Uint32Array.from({ length: Math.ceil(raw.count / stride) }, (_, i) => i * stride),
  );
  const { count, features, missing } = yield* encoder.encoding(some, 0, some.count);
  const { fields } = encoder.state;
  const all = range(0, count);
  const values: Float64Array[] = [];
  for (const [f, { kind, start }] of fields.entries()) {
    yield;
    if (kind !== "number") {
      values.push(new Float64Array(0));
      continue;
    }
    const known = all.filter((i) => missing?.[i * fields.length + f] !== 1);
    const sorted = ascending(
      Float64Array.from(known, (i) => at(features, i * encoder.width + start)),
    );
    values.push(Float64Array.from(new Set(QUANTILES.map((q) => sortedQuantile(sorted, q)))));
  }
  return values;
}

function resolveContamination(value: unknown): number | "auto" | undefined {
  if (value === undefined || value === "auto") return value;
  if (typeof value !== "number") {
    throw new InvalidTypeError(`contamination must be a number or "auto"; got ${show(value)}.`);
  }
  if (!(value > 0 && value <= 0.5)) {
    throw new InvalidValueError(
      `contamination is the share of odd rows, greater than 0 and at most 0.5; got ${value}.${value > 0.5 ? " Where most rows are odd, the others are the odd ones." : ""}`,
    );
  }
  return value;
}

function tooFewRows(count: number): InvalidValueError {
  return new InvalidValueError(
    `A detector needs at least ${FEWEST_ROWS} rows to learn what is normal; got ${count}.`,
  );
}

/** With fewer windows that share no row, false alarms can be more frequent than alpha. */
const FEWEST_APART = 99;

function* seriesNotes(rows: number, series: SeriesState | undefined): Generator<string> {
  if (!series) return;
  const apart = Math.floor(rows / series.length);
  if (apart >= FEWEST_APART) return;
  yield `${rows} rows make only ${apart} ${apart === 1 ? "window" : "windows"} without a common row. Rows in a window are odd together, so at an alpha of 0.01 false alarms may be twice as many as that. With more rows, or a larger alpha, the rate is close to alpha.`;
}

function* rowNotes(rows: number, encoder: Encoder, { models }: Policy): Generator<string> {
  if (models === 1) {
    yield "One model alone holds a fifth of the rows out to calibrate with. It has seen the others, whose training scores are too low.";
  }
  if (rows < encoder.width) {
    yield `There are fewer rows (${rows}) than features (${encoder.width}); scores are rough.`;
  }
  if (rows < 99) {
    yield `With ${rows} rows the smallest p-value is 1/${rows + 1}. An alpha of 0.01, the default of detect, takes 99 rows: give { alpha: ${smallestAlpha(rows)} } or a larger one.`;
  }
}
