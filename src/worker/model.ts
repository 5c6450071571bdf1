// The model behind a worker: the calls of TiedAutoencoder, each answered by a promise. Arrays come back
// by transfer. Arguments are copied, unless the call is given { transfer: true }, which hands their
// buffers over and leaves the caller's arrays empty, or the data were sent before with `send`.

import type { OwnBytes, OwnFloats } from "../arrays.ts";
import { finiteNumber } from "../checks.ts";
import type { Build } from "../core/load.ts";
import type { MatrixInput } from "../data/rows.ts";
import { InvalidStateError, InvalidTypeError } from "../errors.ts";
import { bytesOfFile, type ModelBytes } from "../exchange/model-bytes.ts";
import type { NamedWeights } from "../exchange/named-weights.ts";
import type { OnnxOptions } from "../exchange/onnx.ts";
import type { RuntimeOptions } from "../make.ts";
import type { ModelConfig, ResolvedConfig } from "../model/config.ts";
import type { SparseCodes } from "../model/sparse-codes.ts";
import type { CodeDistribution } from "../model/variational.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { FitOptions, StepRecord } from "../training/fit-options.ts";
import type { LayerwiseOptions, PcaOptions } from "../training/layerwise.ts";
import type { RateFunction } from "../training/schedules/function.ts";
import type { ScheduleSpec } from "../training/schedules/index.ts";
import type { History } from "../training/trainer.ts";
import {
  cloneable,
  split,
  type TransferOptions,
  WorkerCalls,
  type WorkerOptions,
  whileWatching,
} from "./calls.ts";
import type { ModelState } from "./messages.ts";
import type { SentData } from "./sent-data.ts";

/** The program of the worker, put here by scripts/build-js.mjs. */
declare const WORKER_PROGRAM: string;

/** A matrix for a call: as in this thread, or what `send` returned. */
export type WorkerMatrix = MatrixInput | SentData;

/** A model's configuration without what no worker can be sent. */
export type WorkerModelConfig = Omit<ModelConfig, "createWorker" | "onWarning">;

/** Where a loaded model runs, without what no worker can be sent. */
export type WorkerRuntimeOptions = Omit<RuntimeOptions, "createWorker" | "onWarning">;

/** The options of `fit` in a worker: no functions except the callbacks, and data that may have been sent before. */
export interface WorkerFitOptions
  extends Omit<FitOptions, "schedule" | "target" | "validationData"> {
  /** How the learning rate moves. A function cannot be sent: set `learningRate` in `onStep` instead. Default: it stays. */
  schedule?: Exclude<ScheduleSpec, RateFunction | { type: "function"; rate: RateFunction }>;
  /** What to reproduce instead of `x`, row for row. Default: `x`. */
  target?: WorkerMatrix;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. Default: none. */
  validationData?: WorkerMatrix | { readonly x: WorkerMatrix; readonly target?: WorkerMatrix };
}

/**
 * A TiedAutoencoder in its own worker. Every call is asynchronous and they run in their order; while `fit`
 * runs, reads are answered between its steps. Shapes, defaults and errors are those of the model in this
 * thread; every promise also rejects with a DisposedError after `dispose`, with an InvalidTypeError for
 * arguments that cannot be sent or whose buffers were transferred before, and with an UnsupportedHostError
 * when the worker dies.
 */
export class TiedAutoencoder {
  readonly #calls: WorkerCalls;
  #state: ModelState = { stepCount: 0, learningRate: 0, byteLength: 0, threads: 1 };
  #config: ResolvedConfig | undefined;
  #build: Build | undefined;

  private constructor(options: WorkerOptions) {
    const gone = "This model was disposed; its worker is gone.";
    this.#calls = new WorkerCalls(this, WORKER_PROGRAM, options, gone, (state) => {
      this.#state = { ...this.#state, ...state };
    });
  }

  /**
   * Starts a worker and makes a model with fresh weights in it.
   * @param config as in this thread; `wasm` may be a promise or a function, which is settled here.
   * @throws (rejects) what TiedAutoencoder.create throws; UnsupportedHostError when the worker cannot start,
   * keeps silent or runs some other program.
   */
  static async create(
    config: WorkerModelConfig,
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const sent = await cloneable(config);
    return new TiedAutoencoder(options).#open("create", [sent]);
  }

  /**
   * Starts a worker and loads a model in it from what `save` wrote: bytes, a Blob, a File, a Response, or a promise of
   * one of these. The bytes are copied.
   * @throws (rejects) FormatError for a file that is no model; InvalidValueError for a response that is not ok; else as
   * `create`.
   */
  static async load(
    file: ModelBytes | PromiseLike<ModelBytes>,
    runtime: WorkerRuntimeOptions = {},
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const [bytes, sent] = await Promise.all([bytesOfFile(await file), cloneable(runtime)]);
    return new TiedAutoencoder(options).#open("load", [bytes, sent]);
  }

  async #open(call: string, args: unknown[]): Promise<TiedAutoencoder> {
    try {
      const made = (await this.#calls.call(call, args)) as { config: ResolvedConfig; build: Build };
      this.#config = made.config;
      this.#build = made.build;
      return this;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** The configuration with every default filled in. Read-only. */
  get config(): ResolvedConfig {
    return this.#config as ResolvedConfig;
  }

  /** Which build of the core runs: `"baseline"` gives the same bits on every host. */
  get build(): Build {
    return this.#build as Build;
  }

  /** Optimizer steps taken, as of the last answer. */
  get stepCount(): number {
    return this.#state.stepCount;
  }

  /** Bytes of WebAssembly memory the model holds, as of the last answer. */
  get byteLength(): number {
    return this.#state.byteLength;
  }

  /** Threads that share the work of a call, in the worker, as of the last answer. */
  get threads(): number {
    return this.#state.threads;
  }

  /**
   * Losses of the epochs that the last `fit` or `fitSteps` finished, also of one that was aborted or failed;
   * undefined before the first.
   */
  get lastHistory(): History | undefined {
    return this.#state.lastHistory;
  }

  /** The learning rate, as of the last answer; setting it holds for every step after the one under way. */
  get learningRate(): number {
    return this.#state.learningRate;
  }

  set learningRate(value: number) {
    finiteNumber("learningRate", value, 0);
    this.#state = { ...this.#state, learningRate: value };
    this.#calls.call("setLearningRate", [value]).catch(() => {}); // a dead worker shows at the next call
  }

  /**
   * Sends a matrix to the worker, which keeps it. What is returned takes the matrix's place in every call, any
   * number of times, without another copy: `const data = await model.send(x); await model.fit(data)`.
   * It stays until `data.release()` or `dispose`.
   * @param x [rows, columns], in any form that calls take. Its width is checked by the call that uses it.
   */
  async send(x: MatrixInput, options?: TransferOptions): Promise<SentData> {
    return this.#calls.keep(rows("send", x), options);
  }

  /** Codes of the rows of `x` [rows, layers[0]] → [rows, code units]. NaN passes through. */
  encode(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats>;
  /** The same codes as lists of the units that stayed; for sparse codes only. */
  encode(x: WorkerMatrix, options: TransferOptions & { sparse: true }): Promise<SparseCodes>;
  encode(x: WorkerMatrix, options: TransferOptions & { sparse?: boolean } = {}) {
    const { transfer = false, ...settings } = options;
    return this.#calls.send<never>("encode", [x, settings], { transfer });
  }

  /** Reconstructions from codes [rows, code units] → [rows, layers[0]]. */
  decode(code: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("decode", [code], options);
  }

  /** `decode(encode(x))` in one pass: [rows, layers[0]] → the same shape. */
  reconstruct(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("reconstruct", [x], options);
  }

  /**
   * Mean squared error of each row's reconstruction → [rows], in scaled units where the model has a
   * scaler. The usual anomaly score.
   */
  reconstructionErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("reconstructionErrors", [x], options);
  }

  /** Squared error of each element's reconstruction → [rows, layers[0]]; units as in `reconstructionErrors`. */
  featureErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("featureErrors", [x], options);
  }

  /** The configured loss over all elements, without penalties; `target` defaults to `x`. */
  evaluate(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#calls.send("evaluate", [x, target], options);
  }

  /**
   * The distributions of the codes of `x`: means and logarithms of variances, each [rows, code units].
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  encodeDistribution(x: WorkerMatrix, options?: TransferOptions): Promise<CodeDistribution> {
    return this.#calls.send("encodeDistribution", [x], options);
  }

  /**
   * Reconstructions of `count` codes drawn from the prior → [count, layers[0]]; the same `seed` (default: the
   * model's) draws the same codes.
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  sample(count: number, options?: { seed?: number }): Promise<OwnFloats> {
    return this.#calls.send("sample", [count, options]);
  }

  /**
   * The negative evidence lower bound of each row in nats → [rows], with `samples` (default 1) codes a row drawn
   * with `seed` (default: the model's).
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  negativeElbo(
    x: WorkerMatrix,
    options: { samples?: number; seed?: number } & TransferOptions = {},
  ): Promise<Float64Array> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("negativeElbo", [x, settings], { transfer });
  }

  /**
   * Units that were not active for `deadAfter` rows of training.
   * @throws (rejects) InvalidStateError unless the code is sparse.
   */
  deadUnits(): Promise<number[]> {
    return this.#calls.send("deadUnits", []);
  }

  /**
   * The threshold that values pass in inference, as of the last answer; 0 before training.
   * @throws InvalidStateError unless the code is "batchTopK".
   */
  get codeThreshold(): number {
    const { codeThreshold } = this.#state;
    if (codeThreshold !== undefined) return codeThreshold;
    throw new InvalidStateError('codeThreshold belongs to a code of type "batchTopK".');
  }

  /**
   * Learns what `scaler` and `missing` need to know from the rows of `x`. `fit` does so with its training rows
   * if nothing has before.
   */
  fitScaler(x: WorkerMatrix, options?: TransferOptions): Promise<void> {
    return this.#calls.send("fitScaler", [x], options);
  }

  /** Sets every weight and bias from the rows of `x`, as in this thread: from principal components or layer by layer. */
  async initializeFrom(
    x: WorkerMatrix,
    method: PcaOptions | LayerwiseOptions,
    options?: TransferOptions,
  ): Promise<void> {
    const { signal, transfer, sent } = split({ ...method, ...options }, []);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls.next;
    await whileWatching(
      signal,
      () => this.#calls.abort(id),
      () => this.#calls.call("initializeFrom", [x, sent], transfer),
    );
  }

  /**
   * Trains on the rows of `x`. Callbacks run in this thread and the worker waits for each; an abort is heard in
   * the worker after the step under way. Streams of batches stay in this thread: send them with trainOnBatch.
   * @throws (rejects) DivergenceError when the loss stops being finite; `signal.reason` on an abort. The epochs
   * that were finished are in `lastHistory`.
   */
  async fit(x: WorkerMatrix, options: WorkerFitOptions & TransferOptions = {}): Promise<History> {
    const { signal, transfer, sent, callbacks } = split(options, ["onStep", "onEpoch"]);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls.next;
    return whileWatching(
      signal,
      () => this.#calls.abort(id),
      async () => {
        return (await this.#calls.call(
          "fit",
          [rows("fit", x), sent],
          transfer,
          callbacks,
        )) as History;
      },
    );
  }

  /**
   * `fit` as an async iterator of step records: each is one message, and leaving the loop ends training. Options
   * and rows are checked when the first record is asked for.
   */
  async *fitSteps(
    x: WorkerMatrix,
    options: WorkerFitOptions & TransferOptions = {},
  ): AsyncGenerator<StepRecord, History> {
    const { signal, transfer, sent, callbacks } = split(options, ["onStep", "onEpoch"]);
    const run = this.#calls.next;
    await this.#calls.call("startSteps", [rows("fit", x), sent], transfer, callbacks);
    this.#calls.running.set(run, callbacks);
    try {
      for (;;) {
        if (signal?.aborted) throw signal.reason;
        const next = (await this.#calls.call(
          "nextStep",
          [run],
          false,
          callbacks,
        )) as IteratorResult<StepRecord, History>;
        if (next.done) return next.value;
        yield next.value;
      }
    } finally {
      this.#calls.running.delete(run);
      if (this.#calls.isOpen) await this.#calls.call("endSteps", [run]);
    }
  }

  /**
   * One optimizer step on a batch; its loss before the update, penalties included. `target` defaults to `x`.
   * Anything accumulated is discarded.
   * @throws (rejects) DivergenceError when the loss is not finite; the weights are as they were.
   */
  trainOnBatch(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#calls.send("trainOnBatch", [x, target], options);
  }

  /**
   * Forward and backward pass over a batch: adds `scale` (default 1) times the gradient of its mean loss and
   * penalties to what is accumulated, and gives that loss.
   */
  accumulateGradients(
    x: WorkerMatrix,
    target?: WorkerMatrix,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<number> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("accumulateGradients", [x, target, settings], { transfer });
  }

  /** Adds `scale` (default 1) times the given gradients, of all names and no other, to what is accumulated. */
  addGradients(
    gradients: NamedWeights,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<void> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("addGradients", [gradients, settings], { transfer });
  }

  /** What was accumulated, by parameter name, before clipping and weight decay. */
  gradients(): Promise<NamedWeights> {
    return this.#calls.send("gradients", []);
  }

  /** One optimizer step on what was accumulated, which is then forgotten. */
  applyGradients(): Promise<void> {
    return this.#calls.send("applyGradients", []);
  }

  /** Forgets what was accumulated. */
  zeroGradients(): Promise<void> {
    return this.#calls.send("zeroGradients", []);
  }

  /** Every parameter by name; each tied weight appears once. */
  weights(): Promise<NamedWeights> {
    return this.#calls.send("weights", []);
  }

  /** Replaces every parameter; the optimizer's state stays. Wants all names and no other. */
  setWeights(weights: NamedWeights, options?: TransferOptions): Promise<void> {
    return this.#calls.send("setWeights", [weights], options);
  }

  /** The model as safetensors; with `optimizer` training resumes bit for bit from it. */
  save(options?: { optimizer?: boolean }): Promise<OwnBytes> {
    return this.#calls.send("save", [options]);
  }

  /** The model, or with `part` one half of it, as an ONNX file. */
  toOnnx(options?: OnnxOptions): Promise<OwnBytes> {
    return this.#calls.send("toOnnx", [options]);
  }

  /** The model as a readable table. */
  summary(): Promise<string> {
    return this.#calls.send("summary", []);
  }

  /** Ends the worker and with it whatever it was doing. Calls under way and later ones reject. */
  dispose(): void {
    this.#calls.end();
  }

  /** The same as `dispose`, for `using`. */
  [disposeKey](): void {
    this.dispose();
  }
}

function rows(call: string, x: WorkerMatrix): WorkerMatrix {
  if (typeof x !== "function" && !(Symbol.asyncIterator in Object(x))) return x;
  throw new InvalidTypeError(
    `${call} in a worker takes a matrix, not a stream: send batches with trainOnBatch, or give the stream to a model in this thread.`,
  );
}
