// Fits a detector. Rows are read, split, arranged as samples and cross-fitted. The scores of samples that the
// models have not seen are the calibration.

import { callback, choice, onlyKeys, record, wholeNumber } from "../checks.ts";
import { OrderedRows, type Rows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { CellOptions } from "../formats/cell-values.ts";
import type { RuntimeOptions } from "../make.ts";
import { ascending, at, smallest, sortedQuantile } from "../math/order.ts";
import { runtimeKeys } from "../model/config.ts";
import { type InTurns, inTurns, type Paused } from "../platform/turns.ts";
import type { AbortSignalLike } from "../training/fit-options.ts";
import { Calibration, unknownRows } from "./calibration.ts";
import { type CalibrationSplit, FEWEST_ROWS, splitCalibration } from "./calibration-rows.ts";
import { type CrossFit, Ensemble, type ScoreKind } from "./ensemble.ts";
import { type Folds, seenSamples } from "./folds.ts";
import { type Frame, judgesOf, seriesFrame, tableFrame } from "./frame.ts";
import type { TrainingHooks } from "./member.ts";
import { type Parts, scoringSource } from "./parts.ts";
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
import { random } from "./random.ts";
import { range } from "./samples.ts";
import { fitSeries, resolveWindow, type SeriesState, type WindowOptions } from "./series/series.ts";
import { conformalPValue, leaveOneOutPValue, smallestAlpha } from "./statistics/conformal.ts";
import { Encoder } from "./table/encoder.ts";
import { answerNotes, type ColumnsOption, numberNotes } from "./table/schema.ts";
import { type DetectorInput, readingSource, type Source } from "./table/source.ts";
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

/** The most training rows whose values are tried in explanations, and the quantiles of these values. */
const MOST_FOR_QUANTILES = 2000;
const QUANTILES = [0.005, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.995];

/** Learns the parts of a detector from rows. */
export async function fitParts(rows: DetectorInput, options?: DetectorOptions): Promise<Parts> {
  const settings = readSettings(options);
  const { kind, seed, contamination } = settings;
  const { signal } = settings.options;
  const work = inTurns(() => {
    if (signal?.aborted) throw signal.reason;
  });
  const data = await readTraining(rows, settings, work);
  const { encoder, series, split, raw } = data;
  const policy = choosePolicy(settings, data);
  const notes = [
    ...answerNotes(encoder.state.schema),
    ...split.notes,
    ...data.notes,
    ...rowNotes(raw.count, encoder, policy),
    ...seriesNotes(raw.count, series),
  ];
  const fitting = new Fitting(
    data.frame,
    policy,
    kind === "auto" ? "combined" : kind,
    seed,
    settings.options,
    work,
    notes,
  );
  const fit = await fitting.run(contamination);
  const { ensemble, heldOut } = fit;
  try {
    const judged = await judgeTraining(data, fit, work);
    const values = await work(fieldValues(encoder, raw));
    return {
      encoder,
      series,
      ensemble,
      ...judged,
      explanation: { heldOut, values },
      notes: [...notes, ...unknownRows(judged.training.score)],
      seed,
      policy,
      runtime: runtimeOf(settings.options),
      yardstick: fit.yardstick,
    };
  } catch (error) {
    ensemble.dispose();
    throw error;
  }
}

/** The options of `fit`, and those that were checked and have their defaults. */
interface Settings {
  readonly options: DetectorOptions;
  readonly kind: "auto" | ScoreKind;
  readonly seed: number;
  readonly contamination: number | "auto" | undefined;
  readonly window: WindowOptions | undefined;
}

function readSettings(given: DetectorOptions | undefined): Settings {
  const options = record("The options of fit", given) as DetectorOptions;
  onlyKeys("AnomalyDetector.fit", options, OPTION_KEYS);
  callback("onEpoch", options.onEpoch);
  callback("onProgress", options.onProgress);
  return {
    options,
    kind: choice("score", options.score ?? "auto", ["auto", "residual", "distance", "combined"]),
    seed: wholeNumber("seed", options.seed ?? 42, 0),
    contamination: resolveContamination(options.contamination),
    window: resolveWindow(options.window),
  };
}

/** The rows of a call of `fit`, from the given ones to samples. */
interface TrainingData {
  /** The number of given rows. */
  readonly count: number;
  readonly encoder: Encoder;
  readonly split: CalibrationSplit;
  /** The training rows before they are encoded. */
  readonly raw: Rows;
  readonly series: SeriesState | undefined;
  readonly frame: Frame;
  /** Remarks about columns and about the series. */
  readonly notes: readonly string[];
}

async function readTraining(
  rows: DetectorInput,
  { options, seed, window }: Settings,
  work: InTurns,
): Promise<TrainingData> {
  const source = await work(readingSource("rows", rows, namesGiven(rows, options.columns)));
  const { count } = source;
  if (count < FEWEST_ROWS) throw tooFewRows(count);
  const columns = withGroup(source, options.columns, window);
  const asChoices = window === undefined && choosesLoss(options.model);
  const encoder = await work(Encoder.fitting(source, columns, options.cells, asChoices));
  const split = await work(
    splitCalibration(source, options.calibration ?? "cross", encoder, seed, window !== undefined),
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
  const notes = await work(numberNotes(source, encoder.state.schema, encoder.cells));
  return {
    count,
    encoder,
    split,
    raw,
    series,
    frame,
    notes: [...notes, ...(fitted?.notes ?? [])],
  };
}

/** How the models are trained, for these options and data. */
function choosePolicy(
  { options, kind, contamination }: Settings,
  { encoder, series, frame }: TrainingData,
): Policy {
  const { width } = frame.samples;
  const { fields } = encoder.state;
  const shape = series
    ? resolvePolicy(options.model, width, width, LINEAR)
    : resolvePolicy(options.model, width, encoder.columns, STANDARD);
  const chosen = withChoices(shape, fields);
  const scored = series && kind === "auto" ? forColumns(chosen, fields.length) : chosen;
  return contamination === undefined ? scored : withoutNeighbours(scored);
}

/** The scores of the given rows with the references for new scores. */
async function judgeTraining(
  { count, encoder, split, raw, series, frame }: TrainingData,
  { ensemble, scores, seen, folds }: Fitted,
  work: InTurns,
): Promise<Pick<Parts, "calibration" | "windowCalibration" | "training" | "judgeOf">> {
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
  const score = new Float64Array(count).fill(Number.NaN);
  split.trainingRows.forEach((row, i) => {
    score[row] = at(own, i);
  });
  split.calibrationRows.forEach((row, i) => {
    score[row] = at(calibrationScores, i);
  });
  const judges = judgesOf(frame, folds, raw.count);
  const judgeOf = new Int32Array(count).fill(-1);
  split.trainingRows.forEach((row, i) => {
    judgeOf[row] = at(judges, i);
  });
  const pValue = await work(
    trainingPValues(score, split.calibration ? undefined : isSeen, calibration),
  );
  return {
    calibration,
    windowCalibration: windowScores && new Calibration(windowScores),
    training: { score, pValue },
    judgeOf,
  };
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
