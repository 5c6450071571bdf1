// The detector in a worker: the calls of AnomalyDetector, each of which returns a promise. Arguments are copied, unless the
// call has { transfer: true } or the rows were sent before with `send`.

import type { OwnBytes } from "../arrays.ts";
import type { Decision, Detection } from "../detect/calibration.ts";
import type {
  DetectorConfig,
  DetectorSource,
  Evaluation,
  EventOptions,
} from "../detect/detector.ts";
import type { Drift } from "../detect/drift.ts";
import type { Reason } from "../detect/explain.ts";
import type { DetectorOptions } from "../detect/fit.ts";
import type { ExplainedEvent, ExplainOptions, TrainingResult } from "../detect/parts.ts";
import type { DetectorReportOptions } from "../detect/report.ts";
import type { JudgedRow, StreamResult } from "../detect/stream.ts";
import type { ColumnSchema } from "../detect/table/schema.ts";
import type { DetectorInput } from "../detect/table/source.ts";
import type { UpdateOptions } from "../detect/update.ts";
import type { Yardstick } from "../detect/yardstick.ts";
import { InvalidStateError, InvalidTypeError } from "../errors.ts";
import { bytesOfFile } from "../exchange/model-bytes.ts";
import { disposeKey } from "../platform/dispose.ts";
import {
  cloneable,
  split,
  type TransferOptions,
  WorkerCalls,
  type WorkerOptions,
  whileWatching,
} from "./calls.ts";
import type { WorkerRuntimeOptions } from "./model.ts";
import type { SentData } from "./sent-data.ts";

/** Rows for a call: the forms of AnomalyDetector, or the result of `send`. Functions and streams cannot be sent. */
export type WorkerRows = DetectorInput | SentData;

/** The options of `fit` in a worker: no functions except the callbacks. */
export interface WorkerDetectorOptions
  extends Omit<DetectorOptions, "calibration" | "createWorker" | "onWarning"> {
  /** As in AnomalyDetector. The rows may have been sent before. Default "cross". */
  calibration?: DetectorOptions["calibration"] | SentData;
}

/** The options of `update` in a worker. */
export type WorkerUpdateOptions = UpdateOptions & TransferOptions;

/** A detector that judges rows one at a time, in the worker. */
export interface WorkerStream {
  /**
   * Judges the next row. The numbers are those that the same rows have together.
   * @returns undefined in a time series as long as no window has ended with this row
   */
  push(row: object): Promise<StreamResult | undefined>;
  /** Ends the stream; the rows that are left are settled. */
  end(): Promise<JudgedRow[]>;
}

/** The properties of a detector that are known without a call to the worker. */
interface About {
  readonly schema: readonly ColumnSchema[];
  readonly notes: readonly string[];
  readonly yardstick: Yardstick | undefined;
  readonly training: TrainingResult;
  readonly config: DetectorConfig | undefined;
}

const NOTHING: About = {
  schema: [],
  config: undefined,
  notes: [],
  yardstick: undefined,
  training: { score: new Float64Array(0), pValue: new Float64Array(0) },
};

/**
 * An AnomalyDetector in its own worker. Every call is asynchronous, and calls run in order. Results, defaults and errors
 * are those of `AnomalyDetector` in `tied-autoencoder/detect`. Every promise also rejects with a DisposedError after
 * `dispose`, with an InvalidTypeError for arguments that cannot be sent or whose buffers are detached, and with an
 * UnsupportedHostError if the worker dies.
 */
export class AnomalyDetector {
  readonly #calls: WorkerCalls;
  #about = NOTHING;

  private constructor(program: string, options: WorkerOptions) {
    if (typeof program !== "string") {
      throw new InvalidTypeError(
        "A detector is not made with new. Use await AnomalyDetector.fit(rows), or await AnomalyDetector.load(bytes).",
      );
    }
    const gone = "This detector was disposed; its worker is gone.";
    this.#calls = new WorkerCalls(this, program, options, gone, () => {});
  }

  /**
   * Starts a worker and fits a detector in it.
   * @param rows [rows, columns]: a matrix, an array of objects, or `{ columns: { name: values } }`. They are copied, or with
   * `transfer` transferred.
   * @param options as in `AnomalyDetector.fit`. Callbacks run in this thread. `onProgress` is called at most every 50 ms.
   * @throws (rejects) the errors of `AnomalyDetector.fit`. `signal.reason` after an abort. UnsupportedHostError if the
   * worker cannot start, does not report, or runs another program.
   */
  static async fit(
    rows: DetectorInput,
    options: WorkerDetectorOptions & TransferOptions = {},
    worker: WorkerOptions = {},
  ): Promise<AnomalyDetector> {
    const { signal, transfer, sent, callbacks } = split(options, ["onEpoch", "onProgress"]);
    if (signal?.aborted) throw signal.reason;
    const [{ detectorProgram }, settings] = await Promise.all([
      import("./detector-program.ts"),
      cloneable(sent),
    ]);
    const detector = new AnomalyDetector(detectorProgram, worker);
    const calls = detector.#calls;
    const id = calls.next;
    return detector.#open(
      whileWatching(
        signal,
        () => calls.abort(id),
        () => calls.call("fit", [rows, settings], transfer, callbacks),
      ),
    );
  }

  /**
   * Starts a worker and loads a detector in it from a file that `save` wrote: bytes, a Blob, a Response, or a promise of one
   * of these. The bytes are copied.
   * @throws (rejects) as `fit`, and FormatError for a file that is not a detector.
   */
  static async load(
    file: DetectorSource,
    runtime: WorkerRuntimeOptions = {},
    worker: WorkerOptions = {},
  ): Promise<AnomalyDetector> {
    const [{ detectorProgram }, bytes, sent] = await Promise.all([
      import("./detector-program.ts"),
      bytesOfFile(await file),
      cloneable(runtime),
    ]);
    const detector = new AnomalyDetector(detectorProgram, worker);
    return detector.#open(detector.#calls.call("load", [bytes, sent]));
  }

  async #open(made: Promise<unknown>): Promise<AnomalyDetector> {
    try {
      this.#about = (await made) as About;
      return this;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Scores and p-values of the training rows, each by models that have not seen it. */
  get training(): TrainingResult {
    return this.#about.training;
  }

  /** What each column is, and why it was taken for that. */
  get schema(): readonly ColumnSchema[] {
    return this.#about.schema;
  }

  /** What people should know of this detector, as of the last answer to `fit`, `load` or `update`. */
  get notes(): readonly string[] {
    return this.#about.notes;
  }

  /** What the detector is made of, as of the last answer to `fit`, `load` or `update`. */
  get config(): DetectorConfig {
    if (this.#about.config) return this.#about.config;
    throw new InvalidStateError("The detector is not there yet.");
  }

  /**
   * How well it tells held-out rows with a swapped value, beside principal components. Undefined if `fit` was not given
   * `yardstick: true`, for time series, and after loading.
   */
  get yardstick(): Yardstick | undefined {
    return this.#about.yardstick;
  }

  /**
   * Sends rows to the worker, which keeps them until `release()` or `dispose`. Every call takes the result in place of the
   * rows, any number of times, without another copy.
   */
  send(rows: DetectorInput, options?: TransferOptions): Promise<SentData> {
    return this.#calls.keep(rows, options);
  }

  /**
   * Scores of rows, [rows]: higher is odder. NaN for a row in which nothing is known; 0 for rows of a series that are in no
   * window, as between two gaps.
   */
  score(rows: WorkerRows, options?: TransferOptions): Promise<Float64Array> {
    return this.#calls.send("score", [rows], options);
  }

  /**
   * Conformal p-values of rows, [rows], in (0, 1]: how often a row like those of training scores at least as high. The
   * smallest is 1 / (n + 1), n the number of calibration rows.
   */
  pValues(rows: WorkerRows, options?: TransferOptions): Promise<Float64Array> {
    return this.#calls.send("pValues", [rows], options);
  }

  /**
   * Flags odd rows. Default `{ alpha: 0.01 }`.
   * @throws (rejects) InvalidValueError for an alpha below 1 / (n + 1), with the number of calibration rows it would take
   */
  detect(rows: WorkerRows, decision?: Decision, options?: TransferOptions): Promise<Detection> {
    return this.#calls.send("detect", [rows, decision], options);
  }

  /**
   * The score above which a decision flags rows. Default `{ alpha: 0.01 }`. A false discovery rate has none without rows.
   * @throws (rejects) InvalidValueError as `detect` does
   */
  threshold(decision?: Decision): Promise<number> {
    return this.#calls.send("threshold", [decision]);
  }

  /**
   * Flags odd rows among the training rows, each judged by models that have not seen it. With `alpha` this is the oddest
   * share of the rows, even if all are normal. Default `{ alpha: 0.01 }`.
   * @throws (rejects) InvalidValueError as `detect` does, and for a false discovery rate
   */
  detectTraining(decision?: Decision): Promise<Detection> {
    return this.#calls.send("detectTraining", [decision]);
  }

  /**
   * How well scores and decisions agree with labels.
   * @param labels 1 (or true) for odd rows, 0 for normal ones
   */
  evaluate(
    rows: WorkerRows,
    labels: ArrayLike<number | boolean>,
    decision?: Decision,
    options?: TransferOptions,
  ): Promise<Evaluation> {
    return this.#calls.send("evaluate", [rows, labels, decision], options);
  }

  /**
   * Why rows are odd: for each row its columns. First come constants that moved and values that training never saw, then the
   * columns whose expected value would lower the score, the most first. Takes about a millisecond for each row. For training
   * rows give `areTraining: true`.
   */
  explain(rows: WorkerRows, options: ExplainOptions & TransferOptions = {}): Promise<Reason[][]> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("explain", [rows, settings], { transfer });
  }

  /**
   * Flagged rows of a time series that follow each other, as events: from when to when, the oddest row, and its columns, the
   * one with the largest contribution first.
   * @param decision how rows are flagged, or what `detect` said of these rows. Default `{ alpha: 0.01 }`
   * @throws (rejects) InvalidStateError unless the detector was fitted with `window`
   */
  events(
    rows: WorkerRows,
    decision?: Decision | Detection,
    options: EventOptions & TransferOptions = {},
  ): Promise<ExplainedEvent[]> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("events", [rows, decision, settings], { transfer });
  }

  /** What the detector says of rows, as one HTML page that needs nothing else. */
  report(rows: WorkerRows, options?: DetectorReportOptions): Promise<string> {
    return this.#calls.send("report", [rows, options]);
  }

  /**
   * Learns on from new rows that are mostly normal: scales, models and calibration move, old rows fade. Answers that are
   * asked for meanwhile are those of the detector as it was.
   * @throws (rejects) as `fit` does; the detector is then as it was
   */
  async update(rows: WorkerRows, options: WorkerUpdateOptions = {}): Promise<void> {
    const { signal, transfer, sent, callbacks } = split(options, ["onProgress"]);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls.next;
    const after = await whileWatching(
      signal,
      () => this.#calls.abort(id),
      () => this.#calls.call("update", [rows, sent], transfer, callbacks),
    );
    this.#about = { ...this.#about, ...(after as Pick<About, "notes" | "config">) };
  }

  /**
   * Judges rows that come one at a time.
   * @throws (rejects) InvalidValueError for a false discovery rate, which needs all rows together
   */
  async stream(decision?: Decision): Promise<WorkerStream> {
    const calls = this.#calls;
    const stream = await calls.send<number>("stream", [decision]);
    return {
      push: (row) => calls.send("push", [stream, row]),
      end: () => calls.send("end", [stream]),
    };
  }

  /**
   * Whether rows have moved away from what was learned: those that streams and `update` have seen, or the given ones, in
   * their order, which are then not counted with the others.
   */
  drift(rows?: WorkerRows, options?: TransferOptions): Promise<Drift> {
    return this.#calls.send("drift", [rows], options);
  }

  /** The detector as one safetensors file: models, calibration, columns, and the state of `drift`. */
  save(): Promise<OwnBytes> {
    return this.#calls.send("save", []);
  }

  /** Ends the worker. Running and later calls reject. */
  dispose(): void {
    this.#calls.end();
  }

  /** The same as `dispose`, for `using`. */
  [disposeKey](): void {
    this.dispose();
  }
}
