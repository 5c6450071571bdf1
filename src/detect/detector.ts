// AnomalyDetector: which rows are odd, how sure that is, and why. It holds what it takes to judge rows: how
// their columns are read, an ensemble of models, and the scores of rows that the models have not seen.

import { choice, finiteNumber, onlyKeys, record, wholeNumber } from "../checks.ts";
import { OrderedRows, type Rows } from "../data/rows.ts";
import { DisposedError, InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { RuntimeOptions } from "../make.ts";
import { runtimeKeys } from "../model/config.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { AbortSignalLike } from "../training/fit-options.ts";
import { Calibration, type Decision, type Detection } from "./calibration.ts";
import { type CrossFit, Ensemble, type ScoreKind } from "./ensemble.ts";
import { type ExplanationState, explainRows, type Reason } from "./explain.ts";
import { type Folds, randomFolds, within } from "./folds.ts";
import type { TrainingHooks } from "./member.ts";
import {
  type DetectorModel,
  narrowPolicy,
  type Policy,
  resolvePolicy,
  TRIMMED_SHARE,
} from "./policy.ts";
import { permutation, random } from "./random.ts";
import { range, rowSamples, type Samples } from "./samples.ts";
import { leaveOneOutPValues } from "./statistics/conformal.ts";
import { ascending, ascendingOrder, at, sortedQuantile } from "./statistics/order.ts";
import { auroc, averagePrecision, decisionQuality } from "./statistics/ranking.ts";
import { type NumberFormat, resolveNumberFormat } from "./table/cells.ts";
import { Encoder } from "./table/encoder.ts";
import type { ColumnSchema, ColumnsOption } from "./table/schema.ts";
import { type DetectorInput, readSource, type Source } from "./table/source.ts";

export interface DetectorOptions extends RuntimeOptions {
  /** The names of the columns, or what each is: `{ price: "number", country: "category" }`. Guessed where absent. */
  columns?: ColumnsOption;
  /** How numbers are written where they come as text. */
  numbers?: NumberFormat;
  /** What counts: what the models cannot reproduce, how far the code is out, or both. Default "auto": both. */
  score?: "auto" | ScoreKind;
  /** How many models, or what they are. */
  model?: number | DetectorModel;
  /**
   * The rows whose scores new ones are compared with. "cross", the default: all, each scored by the model
   * that was trained without it. A number: that share of the rows, kept back. Rows: these.
   */
  calibration?: "cross" | number | DetectorInput;
  /**
   * The share of the training rows believed odd, at most 0.5, or "auto", if they are not all normal. The oddest
   * three tenths are then left out of the models' second, final training.
   */
  contamination?: number | "auto";
  /** Default 42. */
  seed?: number;
  /** Aborting rejects with `signal.reason`. */
  signal?: AbortSignalLike;
  /** Called after every epoch of every model. */
  onEpoch?: (record: DetectorEpoch) => unknown;
  /** Called as training goes on, with the share that is done. */
  onProgress?: (record: DetectorProgress) => unknown;
}

export interface DetectorEpoch {
  /** Which model, from 0; a second pass counts on. */
  readonly model: number;
  readonly epoch: number;
  readonly loss: number;
}

export interface DetectorProgress {
  /** Share of the training that is done, in [0, 1]. */
  readonly done: number;
  /** Which model is being trained, from 0, of how many. */
  readonly model: number;
  readonly models: number;
}

const OPTION_KEYS = [
  "columns",
  "numbers",
  "score",
  "model",
  "calibration",
  "contamination",
  "seed",
  "signal",
  "onEpoch",
  "onProgress",
  ...runtimeKeys,
] as const satisfies readonly (keyof DetectorOptions)[];

/** Scores of training rows by models that have not seen them, and their p-values among each other. */
export interface TrainingResult {
  readonly score: Float64Array;
  readonly pValue: Float64Array;
}

/** How well scores and decisions agree with labels. */
export interface Evaluation {
  readonly auroc: number;
  readonly averagePrecision: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

interface Parts {
  readonly encoder: Encoder;
  readonly ensemble: Ensemble;
  readonly calibration: Calibration;
  readonly explanation: ExplanationState;
  readonly training: TrainingResult;
  readonly notes: readonly string[];
}

/** Rows with fewer others tell nothing. */
const FEWEST_ROWS = 5;
/** Rows that are scored at a time. */
const CHUNK = 2048;
/** Rows that are explained at a time: each is scored some hundred times. */
const EXPLAINED_AT_A_TIME = 32;
/** Training rows whose values are tried in explanations, and which of their quantiles. */
const MOST_FOR_QUANTILES = 2000;
const QUANTILES = [0.005, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.995];

export class AnomalyDetector {
  /** Scores and p-values of the training rows, each by models that have not seen it. */
  readonly training: TrainingResult;
  #parts: Parts | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.training = parts.training;
  }

  /**
   * Learns what is normal from rows.
   * @param rows [rows, columns]: a matrix as a model takes it, an array of objects, or `{ columns: { name: values } }`
   * @throws (rejects) InvalidTypeError or InvalidValueError with the row and column that cannot be used;
   * `signal.reason` on an abort
   */
  static async fit(rows: DetectorInput, options?: DetectorOptions): Promise<AnomalyDetector> {
    const settings = record("The options of fit", options) as DetectorOptions;
    onlyKeys("AnomalyDetector.fit", settings, OPTION_KEYS);
    const kind = choice("score", settings.score ?? "auto", [
      "auto",
      "residual",
      "distance",
      "combined",
    ]);
    const seed = wholeNumber("seed", settings.seed ?? 42, 0);
    const contamination = resolveContamination(settings.contamination);
    const source = readSource("rows", rows, namesGiven(rows, settings.columns));
    if (source.count < FEWEST_ROWS) throw tooFewRows(source.count);
    const reader = Encoder.fit(source, settings.columns, resolveNumberFormat(settings.numbers));
    const raw = reader.read(source);
    const split = splitCalibration(raw, settings.calibration ?? "cross", reader, seed);
    const policy = resolvePolicy(settings.model, reader.width, reader.columns);
    const samples = samplesOf(reader, split.training);
    const notes = [...rowNotes(split.training.count, reader)];
    const fitting = new Fitting(
      samples,
      policy,
      kind === "auto" ? "combined" : kind,
      seed,
      settings,
      notes,
    );
    const { ensemble, scores, heldOut } = await fitting.run(contamination);
    try {
      const others = split.calibration && scoreRows(reader, ensemble, split.calibration);
      const all = new Float64Array(raw.count).fill(Number.NaN);
      split.trainingRows.forEach((row, i) => {
        all[row] = at(scores, i);
      });
      split.calibrationRows.forEach((row, i) => {
        all[row] = at(others ?? [], i);
      });
      const calibration = new Calibration(others ?? scores);
      const pValue = others
        ? calibration.pValues(all)
        : leaveOneOutPValues(all, calibration.sorted);
      return new AnomalyDetector({
        encoder: reader,
        ensemble,
        calibration,
        explanation: { heldOut, values: fieldValues(reader, split.training) },
        training: { score: all, pValue },
        notes,
      });
    } catch (error) {
      ensemble.dispose();
      throw error;
    }
  }

  /** What each column is, and why it was taken for that. */
  get schema(): readonly ColumnSchema[] {
    return this.#live.encoder.state.schema;
  }

  /** What people should know of this detector: what was decided, what is missing, what went wrong. */
  get notes(): readonly string[] {
    return this.#live.notes;
  }

  /** Scores of rows, [rows]: higher is odder. NaN for a row in which nothing is known. */
  score(rows: DetectorInput): Float64Array {
    const { encoder, ensemble } = this.#live;
    return scoreRows(encoder, ensemble, this.#read(rows));
  }

  /**
   * Conformal p-values of rows, [rows], in (0, 1]: how often a row like those of training scores at least as
   * high. The smallest is 1 / (n + 1), n the number of calibration rows.
   */
  pValues(rows: DetectorInput): Float64Array {
    return this.#live.calibration.pValues(this.score(rows));
  }

  /**
   * Flags odd rows. Default `{ alpha: 0.01 }`.
   * @throws InvalidValueError for an alpha below 1 / (n + 1), with the number of calibration rows it would take
   */
  detect(rows: DetectorInput, decision?: Decision): Detection {
    const { calibration } = this.#live;
    calibration.requireEnough(decision);
    return calibration.decide(this.score(rows), decision);
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
   * Why rows are odd: for each row its columns, the one whose expected value would lower the score most first.
   * Takes some milliseconds a row.
   */
  explain(rows: DetectorInput): Reason[][] {
    const { encoder, ensemble, explanation } = this.#live;
    const source = readSource("rows", rows, encoder.columns);
    const raw = encoder.read(source);
    const reasons: Reason[][] = [];
    for (let first = 0; first < raw.count; first += EXPLAINED_AT_A_TIME) {
      const count = Math.min(EXPLAINED_AT_A_TIME, raw.count - first);
      const cells = new Float64Array(count * raw.width);
      raw.copy(first, count, cells, 0);
      const questions = {
        encoded: encoder.encode(raw, first, count),
        cells,
        valueAt: (row: number, column: number) =>
          valueAt(source, encoder, cells, first, row, column),
      };
      reasons.push(...explainRows(encoder, ensemble, explanation, questions));
    }
    return reasons;
  }

  /** Gives the memory back. Any later call throws a DisposedError. */
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

  #read(rows: DetectorInput): Rows {
    const { encoder } = this.#live;
    return encoder.read(readSource("rows", rows, encoder.columns));
  }
}

/** One call of `fit`: trains the ensemble, twice where some of the rows may be odd. */
class Fitting {
  readonly #samples: Samples;
  readonly #policy: Policy;
  readonly #kind: ScoreKind;
  readonly #seed: number;
  readonly #options: DetectorOptions;
  readonly #notes: string[];
  #model = -1;
  #models = 0;

  constructor(
    samples: Samples,
    policy: Policy,
    kind: ScoreKind,
    seed: number,
    options: DetectorOptions,
    notes: string[],
  ) {
    this.#samples = samples;
    this.#policy = policy;
    this.#kind = kind;
    this.#seed = seed;
    this.#options = options;
    this.#notes = notes;
  }

  async run(contamination: number | "auto" | undefined): Promise<CrossFit> {
    const samples = this.#samples;
    const all = randomFolds(samples.count, this.#foldCount(samples.count), random(this.#seed, 0));
    if (contamination === undefined) {
      this.#models = all.count;
      return this.#crossFit(all, this.#policy, this.#seed);
    }
    this.#models = 2 * all.count;
    const first = await this.#crossFit(all, narrowPolicy(this.#policy, samples.width), this.#seed);
    first.ensemble.dispose();
    const kept = ascendingOrder(first.scores)
      .slice(0, Math.max(FEWEST_ROWS, Math.round(samples.count * (1 - TRIMMED_SHARE))))
      .sort();
    const folds = randomFolds(kept.length, this.#foldCount(kept.length), random(this.#seed, 1));
    return this.#crossFit(within(kept, folds), this.#policy, this.#seed + 1);
  }

  #foldCount(samples: number): number {
    return Math.min(this.#policy.models, samples);
  }

  #crossFit(folds: Folds, policy: Policy, seed: number): Promise<CrossFit> {
    const { signal, onEpoch, onProgress } = this.#options;
    const runtime = runtimeOf(this.#options);
    const hooks: TrainingHooks & { onMember: (member: number) => void } = {
      signal,
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
    return Ensemble.crossFit(this.#samples, folds, this.#kind, policy, seed, runtime, hooks);
  }
}

function runtimeOf(options: DetectorOptions): RuntimeOptions {
  const given = runtimeKeys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, options[key]]));
}

/** The width of a flat array, which has none of its own, where the columns are named. */
function namesGiven(rows: DetectorInput, columns: ColumnsOption | undefined): number | undefined {
  if (!ArrayBuffer.isView(rows) || columns === undefined) return undefined;
  return Array.isArray(columns) ? columns.length : Object.keys(columns).length;
}

function samplesOf(encoder: Encoder, raw: Rows): Samples {
  return rowSamples(encoder.encode(raw, 0, raw.count), blocksOf(encoder));
}

function blocksOf(encoder: Encoder): Uint32Array {
  return Uint32Array.from([...encoder.state.fields.map(({ start }) => start), encoder.width]);
}

function scoreRows(encoder: Encoder, ensemble: Ensemble, raw: Rows): Float64Array {
  const scores = new Float64Array(raw.count);
  for (let first = 0; first < raw.count; first += CHUNK) {
    const count = Math.min(CHUNK, raw.count - first);
    scores.set(ensemble.score(encoder.encode(raw, first, count)), first);
  }
  return scores;
}

/** For each number field, quantiles of its encoded values, rising; none for categories. */
function fieldValues(encoder: Encoder, raw: Rows): Float64Array[] {
  const stride = Math.max(1, Math.ceil(raw.count / MOST_FOR_QUANTILES));
  const some = new OrderedRows(
    raw,
    range(0, raw.count).filter((i) => i % stride === 0),
  );
  const { count, features, missing } = encoder.encode(some, 0, some.count);
  const { fields } = encoder.state;
  return fields.map(({ kind, start }, f) => {
    if (kind !== "number") return new Float64Array(0);
    const known = range(0, count).filter((i) => missing?.[i * fields.length + f] !== 1);
    const sorted = ascending(
      Float64Array.from(known, (i) => at(features, i * encoder.width + start)),
    );
    return Float64Array.from(new Set(QUANTILES.map((q) => sortedQuantile(sorted, q))));
  });
}

function valueAt(
  source: Source,
  encoder: Encoder,
  cells: Float64Array,
  first: number,
  row: number,
  column: number,
): unknown {
  if (source.kind === "matrix") return cells[row * encoder.columns + column];
  return source.column(String(encoder.state.schema[column]?.name))[first + row];
}

interface CalibrationSplit {
  readonly training: Rows;
  readonly calibration: Rows | undefined;
  /** Numbers of the rows of each among those given. */
  readonly trainingRows: Uint32Array;
  readonly calibrationRows: Uint32Array;
}

/** Which rows to train on and which to calibrate with. */
function splitCalibration(
  raw: Rows,
  calibration: "cross" | number | DetectorInput,
  reader: Encoder,
  seed: number,
): CalibrationSplit {
  const all = range(0, raw.count);
  const none = new Uint32Array(0);
  if (typeof calibration === "string") {
    choice("calibration", calibration, ["cross"]);
    return { training: raw, calibration: undefined, trainingRows: all, calibrationRows: none };
  }
  if (typeof calibration !== "number") {
    const rows = reader.read(readSource("calibration", calibration, reader.columns), "calibration");
    if (rows.count === 0) throw new InvalidValueError("calibration has no rows.");
    return { training: raw, calibration: rows, trainingRows: all, calibrationRows: none };
  }
  finiteNumber("calibration", calibration);
  const held = Math.round(raw.count * calibration);
  if (calibration <= 0 || calibration >= 1 || held < 1 || raw.count - held < FEWEST_ROWS) {
    throw new InvalidValueError(
      `calibration must be a share of the rows that leaves at least one to calibrate with and ${FEWEST_ROWS} to train on; got ${calibration} of ${raw.count} rows.`,
    );
  }
  const order = permutation(raw.count, random(seed, 2));
  const calibrationRows = order.slice(0, held).sort();
  const trainingRows = order.slice(held).sort();
  return {
    training: new OrderedRows(raw, trainingRows),
    calibration: new OrderedRows(raw, calibrationRows),
    trainingRows,
    calibrationRows,
  };
}

function resolveContamination(value: unknown): number | "auto" | undefined {
  if (value === undefined || value === "auto") return value;
  if (typeof value !== "number") {
    throw new InvalidTypeError(`contamination must be a number or "auto"; got ${show(value)}.`);
  }
  if (!(value > 0 && value <= 0.5)) {
    throw new InvalidValueError(
      `contamination is the share of odd rows, greater than 0 and at most 0.5; got ${value}. Where most rows are odd, the others are the odd ones.`,
    );
  }
  return value;
}

function tooFewRows(count: number): InvalidValueError {
  return new InvalidValueError(
    `A detector needs at least ${FEWEST_ROWS} rows to learn what is normal; got ${count}.`,
  );
}

function* rowNotes(rows: number, encoder: Encoder): Generator<string> {
  if (rows < encoder.width) {
    yield `There are fewer rows (${rows}) than features (${encoder.width}); scores are rough.`;
  }
  if (rows < 99) {
    yield `With ${rows} rows the smallest p-value is 1/${rows + 1}: an alpha of 0.01 takes 99.`;
  }
}
